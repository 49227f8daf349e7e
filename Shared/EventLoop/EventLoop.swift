// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A system call that failed: its name and errno.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    package let call: String
    package let code: Int32

    package init(call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    package var description: String { "\(call): \(String(cString: strerror(code)))" }
}

/// Closes its descriptor when it goes away.
package struct OwnedDescriptor: ~Copyable {
    package let raw: Int32

    package init(_ raw: Int32) { self.raw = raw }

    deinit { close(raw) }
}

/// epoll on one thread: level-triggered, no timers of its own, no callbacks.
///
/// The driver passes the time until its next deadline to `wait` and switches over the tokens it
/// gets back, so the order of everything that happens can be read in one place.
package final class EventLoop {
    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let read = Interest(rawValue: EPOLLIN.rawValue)
        package static let write = Interest(rawValue: EPOLLOUT.rawValue)
    }

    package struct Ready: Sendable {
        package let token: UInt64
        package let canRead: Bool
        package let canWrite: Bool
        /// EPOLLERR or EPOLLHUP: reading tells what happened.
        package let isBroken: Bool
    }

    private let descriptor: OwnedDescriptor
    /// 64 events a turn keep one busy peer from starving the deadlines.
    private var events = [epoll_event](repeating: epoll_event(), count: 64)

    package init() throws(SystemError) {
        let descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError(call: "epoll_create1", code: errno) }
        self.descriptor = OwnedDescriptor(descriptor)
    }

    package func add(_ target: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
        try control(EPOLL_CTL_ADD, target, interest, token)
    }

    package func change(_ target: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
        try control(EPOLL_CTL_MOD, target, interest, token)
    }

    /// Before the descriptor is closed; a descriptor that is not registered is no error.
    package func remove(_ target: Int32) {
        _ = epoll_ctl(descriptor.raw, EPOLL_CTL_DEL, target, nil)
    }

    /// Waits at most `milliseconds`; nil waits for an event alone.
    package func wait(milliseconds: Int64?) -> [Ready] {
        let timeout = milliseconds.map { Int32(clamping: max(0, $0)) } ?? -1
        let count = epoll_wait(descriptor.raw, &events, Int32(events.count), timeout)
        return events.prefix(Int(max(0, count))).map { event in
            Ready(
                token: event.data.u64,
                canRead: event.events & EPOLLIN.rawValue != 0,
                canWrite: event.events & EPOLLOUT.rawValue != 0,
                isBroken: event.events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0
            )
        }
    }

    private func control(
        _ operation: Int32,
        _ target: Int32,
        _ interest: Interest,
        _ token: UInt64
    ) throws(SystemError) {
        var event = epoll_event()
        event.events = interest.rawValue
        event.data.u64 = token
        guard epoll_ctl(descriptor.raw, operation, target, &event) == 0 else {
            throw SystemError(call: "epoll_ctl", code: errno)
        }
    }
}

/// CLOCK_MONOTONIC in milliseconds.
package func monotonicMilliseconds() -> Int64 { milliseconds(of: CLOCK_MONOTONIC) }

/// Milliseconds since the Unix epoch.
package func wallClockMilliseconds() -> Int64 { milliseconds(of: CLOCK_REALTIME) }

private func milliseconds(of clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}
