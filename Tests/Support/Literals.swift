// SPDX-License-Identifier: Apache-2.0
package import Routing

/// A prefix known to be right; a typing error in a test stops the test.
package func prefix(_ text: String) -> Prefix {
    guard let prefix = Prefix(text) else { preconditionFailure("not a prefix: \(text)") }
    return prefix
}

package func address(_ text: String) -> IPAddress {
    guard let address = IPAddress(text) else { preconditionFailure("not an address: \(text)") }
    return address
}

package func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }
