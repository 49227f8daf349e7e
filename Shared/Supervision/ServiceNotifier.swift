// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Routing

/// Tells the service manager how it goes: sd_notify(3), a datagram to $NOTIFY_SOCKET.
package final class ServiceNotifier {
    private var descriptor: Int32 = -1
    private var name = sockaddr_un()
    private var nameLength: socklen_t = 0
    /// Milliseconds between signs of life; nil where none is wanted.
    private let period: Int64?
    private var nextSign: Timestamp
    private var status = ""

    package init(now: Timestamp) {
        let address = getenv("NOTIFY_SOCKET").map { String(cString: $0) } ?? ""
        period = Self.watchdogPeriod()
        nextSign = now
        guard let (name, length) = Self.address(address) else { return }
        self.name = name
        nameLength = length
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        descriptor = socket(AF_UNIX, kind, 0)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Someone listens.
    package var isWanted: Bool { descriptor >= 0 }

    /// Nil where no sign of life is wanted.
    package var deadline: Timestamp? { descriptor >= 0 && period != nil ? nextSign : nil }

    package func timerFired(now: Timestamp) {
        guard let period, now >= nextSign else { return }
        nextSign = now + period
        send("WATCHDOG=1")
    }

    /// What it is for is begun; also that a reload is done.
    package func ready() { send("READY=1") }

    package func tell(status next: String) {
        guard status != next else { return }
        status = next
        send("STATUS=\(next)")
    }

    /// With Type=notify-reload the manager waits for the READY that follows.
    package func reloading(now: Timestamp) {
        send("RELOADING=1\nMONOTONIC_USEC=\(now.milliseconds * 1_000)")
    }

    package func stopping() { send("STOPPING=1") }

    /// Half of what the manager waits for, as sd_watchdog_enabled(3) advises; for this process only.
    private static func watchdogPeriod() -> Int64? {
        guard let text = getenv("WATCHDOG_USEC"), let limit = Int64(String(cString: text)),
            limit > 0
        else { return nil }
        if let owner = getenv("WATCHDOG_PID"), Int32(String(cString: owner)) != getpid() {
            return nil
        }
        return max(1, limit / 2_000)
    }

    /// A path, or `@name` in the abstract namespace, whose first byte is NUL.
    private static func address(_ text: String) -> (sockaddr_un, socklen_t)? {
        var bytes = Array(text.utf8)
        var name = sockaddr_un()
        guard let first = bytes.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@"),
            bytes.count < MemoryLayout.size(ofValue: name.sun_path)
        else { return nil }
        if first == UInt8(ascii: "@") { bytes[0] = 0 }
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
        let head = MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 2
        return (name, socklen_t(head + bytes.count))
    }

    /// The manager's queue may be full: then this word is lost, and the next one comes.
    private func send(_ text: String) {
        guard descriptor >= 0 else { return }
        let bytes = Array(text.utf8)
        withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = sendto(
                    descriptor,
                    bytes,
                    bytes.count,
                    Int32(MSG_NOSIGNAL),
                    address,
                    nameLength
                )
            }
        }
    }
}
