// SPDX-License-Identifier: Apache-2.0
internal import CCrypt

/// What is kept of a password: `$2y$10$` and 53 letters.
package struct BcryptHash: Sendable, Hashable {
    package let text: String
    /// Each step doubles the time that a check takes; ten is a twentieth of a second or so.
    package let cost: Int

    /// Beyond 16 one check takes seconds of a core.
    private static let costs = 4...16

    /// Nil for anything that bcrypt does not make, and for costs nobody would wait for.
    package init?(_ text: String) {
        guard let match = text.wholeMatch(of: /\$2[aby]\$([0-9]{2})\$[.\/A-Za-z0-9]{53}/),
            let cost = Int(match.1), Self.costs.contains(cost)
        else { return nil }
        (self.text, self.cost) = (text, cost)
    }

    /// Of no password, and takes as long.
    package static func dummy(cost: Int) -> BcryptHash? {
        BcryptHash("$2y$\(cost < 10 ? "0" : "")\(cost)$" + String(repeating: ".", count: 53))
    }

    /// Takes its time on purpose: never on an event loop.
    package func isOf(_ password: String) -> Bool {
        // C reads up to a NUL.
        guard !password.utf8.contains(0) else { return false }
        return podpath_password_matches(password, text) == 1
    }
}
