// SPDX-License-Identifier: Apache-2.0
import COpenSSL

/// What stands for bytes that should not be kept.
package struct SHA256Digest: Hashable, Sendable {
    private let bytes: [UInt8]

    package init(of content: [UInt8]) {
        var bytes = [UInt8](repeating: 0, count: 32)
        _ = SHA256(content, content.count, &bytes)
        self.bytes = bytes
    }

    package var hexadecimal: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
