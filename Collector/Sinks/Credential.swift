// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation

/// A secret where it is kept: a file is read anew each time, so that what is rotated is used at once.
package enum Credential: Sendable, Hashable {
    case file(String)
    case value(Secret)

    /// A webhook's address or a token; more is another kind of file.
    private static let limit = 8_192

    package func secret() throws(SinkError) -> Secret {
        switch self {
        case .value(let secret): return secret
        case .file(let path):
            guard let file = FileHandle(forReadingAtPath: path),
                let data = try? file.read(upToCount: Self.limit)
            else { throw SinkError("\(path) cannot be read", .unauthorized) }
            let text = String(decoding: data, as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            guard !text.isEmpty, data.count < Self.limit else {
                throw SinkError("\(path) is empty or too long", .unauthorized)
            }
            return Secret(text)
        }
    }
}
