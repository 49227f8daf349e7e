// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The kernel's list of unix sockets of this network namespace, /proc/net/unix (proc(5)): it names a
/// listening socket by the path it was bound to, even once its file is gone.
enum UnixSockets {
    /// `__SO_ACCEPTCON` of linux/net.h: it listens.
    private static let listening = 0x1_0000

    /// Whether somebody listens on a socket that was bound to `path`.
    static func listens(on path: String) -> Bool { listens(on: path, in: content() ?? []) }

    static func listens(on path: String, in table: [UInt8]) -> Bool {
        table.split(separator: UInt8(ascii: "\n")).contains { line in
            // Num RefCount Protocol Flags Type St Inode Path; the path may hold blanks.
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 7)
            guard fields.count == 8, fields[7].elementsEqual(path.utf8),
                let flags = Int(String(decoding: fields[3], as: UTF8.self), radix: 16)
            else { return false }
            return flags & listening != 0
        }
    }

    /// 4 MB: some 50,000 sockets; a longer list is read as far as that.
    private static func content() -> [UInt8]? {
        let descriptor = unsafe open("/proc/net/unix", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while content.count < 4 << 20 {
            let count = unsafe read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            content += buffer[..<count]
        }
        return content
    }
}
