// SPDX-License-Identifier: Apache-2.0

/// A password, token or webhook address. It cannot print itself: `reveal` is the only way out.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    private let value: String

    package init(_ value: String) { self.value = value }

    /// For the one place that sends it.
    package func reveal() -> String { value }

    package var description: String { "<secret>" }
    package var debugDescription: String { "<secret>" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
