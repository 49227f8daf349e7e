// SPDX-License-Identifier: Apache-2.0
import Glibc
import Routing
import SwitchDialects

/// Takes one BMP connection on 127.0.0.1 and keeps its tables as the collector does; says what it cost
/// when the router ends it.
///     benchmark-bmp PORT
@main
enum BMP {
    static func main() throws {
        guard CommandLine.arguments.count == 2, let port = UInt16(CommandLine.arguments[1]) else {
            return print("PORT")
        }
        let listener = listening(port)
        print("ready")
        fflush(nil)
        let connection = accept(listener, nil, nil)
        var router = BMPRouter()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let before = cpuMilliseconds()
        while case let count = read(connection, &buffer, buffer.count), count > 0 {
            try router.received(Array(buffer[..<count]), now: .zero)
        }
        let spent = cpuMilliseconds() - before
        let resident = residentKilobytes()
        print(
            """
            {"prefixes":\(router.routeCount),"neighbors":\(router.neighbors(in: nil).count),\
            "cpuMilliseconds":\(spent),"residentKB":\(resident)}
            """
        )
    }

    private static func listening(_ port: UInt16) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0, listen(descriptor, 1) == 0 else {
            print("port \(port) cannot be listened on")
            exit(1)
        }
        return descriptor
    }

    private static func cpuMilliseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
    }

    /// Before what is printed is gathered, which takes memory of its own.
    private static func residentKilobytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return -1 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return -1 }
        let words = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
            .split(separator: " ")
        return words.count > 1 ? (Int(words[1]) ?? 0) * 4 : -1
    }
}
