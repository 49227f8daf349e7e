// SPDX-License-Identifier: Apache-2.0
import Crypto
import Foundation

/// HMAC-SHA256 in Base64, as DingTalk and Feishu sign.
func signature(of message: String, key: String) -> String {
    let code = HMAC<SHA256>.authenticationCode(
        for: Data(message.utf8),
        using: SymmetricKey(data: Data(key.utf8))
    )
    return Data(code).base64EncodedString()
}
