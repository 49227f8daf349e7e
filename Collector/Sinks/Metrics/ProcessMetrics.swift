// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What the kernel counts of this process, under the names that every exporter gives it.
package struct ProcessMetrics: Hashable {
    /// Of all threads, in user and system mode; seconds.
    package var cpu: Double
    /// Since boot; seconds.
    package var started: Double
    /// Bytes.
    package var virtualMemory: Double
    /// Bytes.
    package var residentMemory: Double

    /// Of `/proc/PID/stat` (proc(5)); nil if that is not what it is.
    package init?(stat: String, ticksPerSecond: Double, pageSize: Double) {
        // The second field is the program's name in parentheses, and may hold both of them and spaces.
        guard let name = stat.lastIndex(of: ")") else { return nil }
        // The first of these is the third there.
        let fields = stat[stat.index(after: name)...].split(separator: " ").map { Double($0) }
        guard fields.count > 21, let user = fields[11], let system = fields[12],
            let started = fields[19], let size = fields[20], let resident = fields[21]
        else { return nil }
        cpu = (user + system) / ticksPerSecond
        self.started = started / ticksPerSecond
        virtualMemory = size
        residentMemory = resident * pageSize
    }

    /// Of this process; nil without a `/proc`.
    static var own: ProcessMetrics? {
        guard let stat = contents("/proc/self/stat") else { return nil }
        return ProcessMetrics(
            stat: stat,
            ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))),
            pageSize: Double(sysconf(Int32(_SC_PAGESIZE)))
        )
    }

    /// When the machine was booted, Unix seconds: the line `btime` of `/proc/stat`.
    private static let boot = number(behind: "btime", in: contents("/proc/stat"))

    fileprivate static var startTime: Double? {
        guard let boot, let own else { return nil }
        return boot + own.started
    }

    fileprivate static var openDescriptors: Double? {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))
            .map { Double($0.count) }
    }

    fileprivate static var mostDescriptors: Double? {
        number(behind: "Max open files", in: contents("/proc/self/limits"))
    }

    /// Files of `/proc` say that they are empty: they are read to their end.
    private static func contents(_ path: String) -> String? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        return (try? file.readToEnd()).map { String(decoding: $0, as: UTF8.self) }
    }

    package static func number(behind word: String, in text: String?) -> Double? {
        let line = text?.split(separator: "\n").first { $0.hasPrefix(word) }
        return line?.dropFirst(word.count).split(separator: " ").first.flatMap { Double($0) }
    }
}

extension Exposition {
    /// What cannot be read is left out.
    package mutating func addProcess() {
        guard let own = ProcessMetrics.own else { return }
        counter("process_cpu_seconds", "Processor time, user and system.", own.cpu)
        gauge("process_virtual_memory_bytes", "Virtual memory.", own.virtualMemory)
        gauge("process_resident_memory_bytes", "Resident memory.", own.residentMemory)
        if let start = ProcessMetrics.startTime {
            gauge("process_start_time_seconds", "When the process began, Unix time.", start)
        }
        if let open = ProcessMetrics.openDescriptors {
            gauge("process_open_fds", "Open file descriptors.", open)
        }
        if let most = ProcessMetrics.mostDescriptors {
            gauge("process_max_fds", "Most file descriptors that may be open.", most)
        }
    }
}
