// SPDX-License-Identifier: Apache-2.0
import COpenSSL

/// What failed and what OpenSSL says of it. Never holds key material.
package struct TLSError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ what: String) { description = what }

    /// `what` with the newest entry of OpenSSL's error queue, which is emptied.
    init(queued what: String) {
        var newest: UInt = 0
        while case let code = ERR_get_error(), code != 0 { newest = code }
        guard newest != 0, let reason = ERR_reason_error_string(newest) else {
            description = what
            return
        }
        description = what + ": " + String(cString: reason)
    }
}
