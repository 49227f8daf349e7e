// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// HMAC-SHA-256 with a key that this process alone has: what was checked is remembered without keeping it.
package struct KeyedHash: Sendable {
    private let key: [UInt8]

    package init() {
        var source = SystemRandomNumberGenerator()
        key = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &source) }
    }

    /// Parts are told apart by their lengths.
    package func callAsFunction(_ parts: String...) -> [UInt8] {
        let message = parts.flatMap { part in
            withUnsafeBytes(of: part.utf8.count.littleEndian, Array.init) + Array(part.utf8)
        }
        var (hash, length) = ([UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE)), UInt32(0))
        HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &hash, &length)
        return Array(hash.prefix(Int(length)))
    }
}
