// SPDX-License-Identifier: Apache-2.0

/// Why a store cannot be had or used, in words for an operator.
package struct StoreError: Error, Sendable, Hashable, CustomStringConvertible {
    package let path: String
    package let reason: String
    /// Another collector holds it.
    package let isInUse: Bool

    init(path: String, reason: String, isInUse: Bool = false) {
        self.path = path
        self.reason = reason
        self.isInUse = isInUse
    }

    package var description: String { "\(path): \(reason)" }
}
