// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Routing

/// A session on BIRD's control socket: non-blocking, closed when it goes away. The only IO here.
package final class ControlSocket {
    package enum ReadResult {
        case bytes([UInt8])
        case nothing
        case ended
        case failed(BIRDCondition)
    }

    package let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Connects at once or says why not: a unix socket's connect never waits when non-blocking.
    package static func open(path: String) -> Result<ControlSocket, BIRDCondition> {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { return .failure(.malformed("socket: errno \(errno)")) }
        let socket = ControlSocket(descriptor)
        guard var name = address(path) else { return .failure(.malformed("socket path too long")) }
        let result = unsafe withUnsafePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result != 0 else { return .success(socket) }
        let condition = condition(errno)
        return .failure(condition == .noSocket ? absence(of: path) : condition)
    }

    /// Without the directory nothing is mounted, or the path is wrong; without the file BIRD is
    /// gone, or somebody removed it.
    private static func absence(of path: String) -> BIRDCondition {
        guard hasFolder(path) else { return .noDirectory }
        return UnixSockets.listens(on: path) ? .socketRemoved : .noSocket
    }

    /// What is there now, 64 KB at most.
    package func read() -> ReadResult {
        var failure: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            let result = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            failure = result < 0 ? errno : 0
            count = max(0, result)
        }
        if !bytes.isEmpty { return .bytes(bytes) }
        switch failure {
        case 0: return .ended
        case EAGAIN, EINTR: return .nothing
        default: return .failed(Self.condition(failure))
        }
    }

    /// False if not all was taken: a line is at most 255 bytes, and the buffer was empty.
    package func write(_ bytes: [UInt8]) -> Bool {
        let count = unsafe bytes.withUnsafeBytes {
            unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        return count == bytes.count
    }

    private static func address(_ path: String) -> sockaddr_un? {
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: name.sun_path) else { return nil }
        unsafe withUnsafeMutableBytes(of: &name.sun_path) { unsafe $0.copyBytes(from: bytes) }
        return name
    }

    private static func hasFolder(_ path: String) -> Bool {
        guard let slash = path.lastIndex(of: "/") else { return true }
        var information = stat()
        return unsafe stat(String(path[...slash]), &information) == 0 || errno == EACCES
    }

    private static func condition(_ code: Int32) -> BIRDCondition {
        switch code {
        case ENOENT, ENOTDIR: .noSocket
        case ECONNREFUSED: .refused
        case EACCES, EPERM: .forbidden
        // The backlog of 8 is full: nobody accepts.
        case EAGAIN: .backlogFull
        case ECONNRESET, EPIPE: .closed
        default: .malformed("errno \(code)")
        }
    }
}
