// SPDX-License-Identifier: Apache-2.0
import Foundation
import Wire

/// When a token that was proved says that it ends: for the schedule of its next review, and for no more trust than
/// the API server has given it.
enum TokenClaims {
    private struct Payload: Decodable { var exp: Double? }

    /// Milliseconds of the Unix epoch; nil where there is nothing of the kind.
    static func expiry(of token: BearerToken) -> Int64? {
        let parts = token.reveal().split(
            separator: UInt8(ascii: "."),
            omittingEmptySubsequences: false
        )
        guard parts.count == 3, let payload = decoded(parts[1]),
            let seconds = try? JSONDecoder().decode(Payload.self, from: payload).exp,
            // A thousand years and more are no schedule.
            seconds > 0, seconds < 1e11
        else { return nil }
        return Int64(seconds * 1_000)
    }

    /// base64url without padding (RFC 7515 section 2).
    private static func decoded(_ part: ArraySlice<UInt8>) -> Data? {
        let standard = part.map { byte in
            switch byte {
            case UInt8(ascii: "-"): UInt8(ascii: "+")
            case UInt8(ascii: "_"): UInt8(ascii: "/")
            default: byte
            }
        }
        let padding = [UInt8](repeating: UInt8(ascii: "="), count: (4 - part.count % 4) % 4)
        return Data(base64Encoded: Data(standard + padding))
    }
}
