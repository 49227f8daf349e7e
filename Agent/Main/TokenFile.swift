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
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else {
            throw TokenFileError(description: "\(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        // A line's end more than a token may have, and a byte by which too much is seen.
        var content = [UInt8](repeating: 0, count: BearerToken.limit + 3)
        var count = 0
        while count < content.count {
            let more = content.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count)
            }
            guard more >= 0 else {
                throw TokenFileError(description: "\(path): \(String(cString: strerror(errno)))")
            }
            guard more > 0 else { break }
            count += more
        }
        guard let token = BearerToken(file: content[..<count]) else {
            let most = "up to \(BearerToken.limit >> 10) KiB of visible ASCII"
            throw TokenFileError(description: "\(path): no token, which is one line of \(most)")
        }
        return token
    }
}

struct TokenFileError: Error, CustomStringConvertible {
    let description: String
}
