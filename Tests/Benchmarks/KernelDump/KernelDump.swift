// SPDX-License-Identifier: Apache-2.0
import Glibc
import Netlink
import Routing

/// The agent's whole first reading of the kernel in this network namespace: devices, routes of both
/// families, addresses, rules; filtered to the supernets as it does. Prints one JSON object.
@main
enum KernelDump {
    static func main() throws {
        let supernets = ["10.16.0.0/12", "fd00:10::/48"].compactMap { Prefix($0) }
        let socket = try NetlinkSocket()
        var machine = KernelMachine(supernets: supernets)
        var buffer = [UInt8](repeating: 0, count: NetlinkSocket.bufferSize)
        var messages = 0
        let before = usage()
        send(machine.start(now: now()), socket)
        while !machine.rib.isComplete {
            var waiting = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
            poll(&waiting, 1, 1_000)
            while case .datagram(let count) = socket.receive(into: &buffer) {
                messages += 1
                let actions = buffer[..<count].withUnsafeBytes { machine.received($0, now: now()) }
                send(actions, socket)
            }
            send(machine.timerFired(now: now()), socket)
        }
        let after = usage()
        print(
            """
            {"datagrams":\(messages),"kept":\(machine.rib.routes.count),\
            "user":\(after.user - before.user),"kernel":\(after.kernel - before.kernel),\
            "peak":\(peakKilobytes())}
            """
        )
    }

    private static func send(_ actions: [KernelMachine.Action], _ socket: borrowing NetlinkSocket) {
        for case .send(let request) in actions { _ = socket.send(request) }
    }

    private static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// VmHWM; ru_maxrss would begin with the size of the program that started this one.
    private static func peakKilobytes() -> Int {
        guard let file = fopen("/proc/self/status", "r") else { return -1 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let words = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
                .split { $0 == " " || $0 == "\t" }
            if words.first == "VmHWM:", words.count > 1 { return Int(words[1]) ?? -1 }
        }
        return -1
    }

    /// Microseconds.
    private static func usage() -> (user: Int, kernel: Int) {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return (
            usage.ru_utime.tv_sec * 1_000_000 + usage.ru_utime.tv_usec,
            usage.ru_stime.tv_sec * 1_000_000 + usage.ru_stime.tv_usec
        )
    }
}
