// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// An eventfd: another thread wakes the loop with it.
package final class Wakeup: Sendable {
    package let descriptor: Int32

    package init() throws(SystemError) {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError(call: "eventfd", code: errno) }
    }

    deinit { close(descriptor) }

    package func wake() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    package func drain() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}

/// SIGTERM, SIGINT and SIGHUP as a descriptor; SIGPIPE is ignored.
package final class SignalDescriptor {
    package let descriptor: Int32
    private var set = sigset_t()

    /// Call before any thread starts: threads inherit the blocked set.
    package init(_ signals: [Int32]) throws(SystemError) {
        _ = podpath_ignore_sigpipe()
        guard podpath_block_signals(signals, Int32(signals.count), &set) == 0 else {
            throw SystemError(call: "sigprocmask", code: errno)
        }
        descriptor = podpath_signalfd(&set)
        guard descriptor >= 0 else { throw SystemError(call: "signalfd", code: errno) }
    }

    deinit { close(descriptor) }

    /// The number of the next pending signal, if any.
    package func next() -> Int32? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        guard read(descriptor, &info, size) == size else { return nil }
        return Int32(info.ssi_signo)
    }
}
