// SPDX-License-Identifier: Apache-2.0
import Glibc
import Wire

/// The token that stands for a certificate, as its file has it now: the kubelet writes a new one at four
/// fifths of the old one's life.
struct TokenFile {
    enum Change: Equatable {
        case none
        case renewed
        /// The last one that could be used stands. Nothing of the content is in the reason.
        case refused(String)
    }

    let path: String
    private(set) var token: BearerToken
    /// Counts tokens, so that one is told from the next.
    private(set) var serial = 1

    init(path: String) throws(TokenFileError) {
        self.path = path
        token = try Self.read(path)
    }

    mutating func refresh() -> Change {
        do throws(TokenFileError) {
            let new = try Self.read(path)
            guard new != token else { return .none }
            token = new
            serial += 1
            return .renewed
        } catch {
            return .refused(error.description)
        }
    }

    private static func read(_ path: String) throws(TokenFileError) -> BearerToken {
        // A pipe in its place would hold up everything until somebody writes.
        let descriptor = retrying { Int(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) }
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(Int32(descriptor)) }
        var status = stat()
        guard fstat(Int32(descriptor), &status) == 0 else { throw failure(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw TokenFileError(description: "\(path): not a regular file")
        }
        return try read(Int32(descriptor), path)
    }

    private static func read(
        _ descriptor: Int32,
        _ path: String
    ) throws(TokenFileError) -> BearerToken {
        // A line's end more than a token may have, and a byte by which too much is seen.
        var content = [UInt8](repeating: 0, count: BearerToken.limit + 3)
        var count = 0
        while count < content.count {
            let more = content.withUnsafeMutableBytes { buffer in
                retrying {
                    Glibc.read(
                        descriptor,
                        buffer.baseAddress.map { $0 + count },
                        buffer.count - count
                    )
                }
            }
            guard more >= 0 else { throw failure(path) }
            guard more > 0 else { break }
            count += more
        }
        guard let token = BearerToken(file: content[..<count]) else {
            let most = "up to \(BearerToken.limit >> 10) KiB of letters, digits and -._~+/"
            throw TokenFileError(description: "\(path): no token, which is one line of \(most)")
        }
        return token
    }

    private static func failure(_ path: String) -> TokenFileError {
        TokenFileError(description: "\(path): \(String(cString: strerror(errno)))")
    }

    /// A signal (SIGHUP is one here) is no failure.
    private static func retrying(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }
}

struct TokenFileError: Error, CustomStringConvertible {
    let description: String
}
