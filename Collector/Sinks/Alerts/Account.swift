// SPDX-License-Identifier: Apache-2.0
import Foundation

/// How a sink proves who it is.
package enum Account: Sendable, Hashable {
    case basic(username: String, password: Credential)
    case bearer(Credential)

    func header() throws(SinkError) -> (String, String) {
        switch self {
        case .basic(let username, let password):
            let pair = "\(username):\(try password.secret().reveal())"
            return ("Authorization", "Basic \(Data(pair.utf8).base64EncodedString())")
        case .bearer(let token):
            return ("Authorization", "Bearer \(try token.secret().reveal())")
        }
    }
}
