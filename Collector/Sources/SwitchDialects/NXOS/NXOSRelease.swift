// SPDX-License-Identifier: Apache-2.0

/// `7.1(4)N1(1)`, `9.3(4)`: two trains that share numbers are told apart by the letter.
package struct NXOSRelease: Hashable {
    let major: Int
    let minor: Int
    /// N: the 5000's and 6000's; I: the 3000's and 9000's until their numbers became 9.
    let train: Character?

    /// Of `show version`: `system:    version 7.1(4)N1(1)` or `NXOS: version 9.3(4)`.
    package init?(_ text: String) {
        let line = text.split(whereSeparator: \.isNewline).map(\.trimmingBlanks)
            .first { ($0.hasPrefix("system:") || $0.hasPrefix("NXOS:")) && $0.contains("version ") }
        guard let line, let start = line.range(of: "version ")?.upperBound else { return nil }
        let version = line[start...].prefix { $0 != " " }
        let numbers = version.prefix { $0 != "(" }.split(separator: ".")
        guard numbers.count == 2, let major = Int(numbers[0]), let minor = Int(numbers[1]) else {
            return nil
        }
        self.major = major
        self.minor = minor
        train = version.drop { $0 != ")" }.dropFirst().first
    }

    /// Whether its JSON is the same from command to command.
    package var hasUsableJSON: Bool { train == nil && (major, minor) >= (9, 3) }
}
