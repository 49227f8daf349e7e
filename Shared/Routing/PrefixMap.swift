// SPDX-License-Identifier: Apache-2.0

/// Values by prefix with longest-prefix match.
package struct PrefixMap<Value> {
    private var numbers = PrefixNumbers()
    /// By number; nil where an entry was taken out.
    private var values: [Value?] = []

    package init() {}

    package var count: Int { numbers.count }
    package var isEmpty: Bool { numbers.count == 0 }
    package var prefixes: [Prefix] { numbers.prefixes }

    package subscript(prefix: Prefix) -> Value? {
        get { numbers[prefix].flatMap { values[$0] } }
        set {
            if let number = numbers[prefix] {
                values[number] = newValue
                if newValue == nil { numbers[prefix] = nil }
            } else if let newValue {
                numbers[prefix] = values.count
                values.append(newValue)
            }
        }
    }

    /// The longest entry that contains `address`.
    package func longestMatch(_ address: IPAddress) -> (prefix: Prefix, value: Value)? {
        longestMatch(Prefix(host: address))
    }

    /// The longest entry that contains all of `prefix`, itself included.
    package func longestMatch(_ prefix: Prefix) -> (prefix: Prefix, value: Value)? {
        guard let (covering, number) = numbers.longestMatch(prefix), let value = values[number]
        else { return nil }
        return (covering, value)
    }
}

extension PrefixMap: Sendable where Value: Sendable {}

/// Numbers by prefix with longest-prefix match. Of no type but this one: a look-up that is generic in its value takes
/// several times as long where it is called from another module.
package struct PrefixNumbers: Sendable {
    private var numbers: [Prefix: Int] = [:]
    private var ipv4 = PrefixLengths()
    private var ipv6 = PrefixLengths()

    package init() {}

    package var count: Int { numbers.count }
    package var prefixes: [Prefix] { Array(numbers.keys) }

    package subscript(prefix: Prefix) -> Int? {
        get { numbers[prefix] }
        set {
            let old =
                if let newValue {
                    numbers.updateValue(newValue, forKey: prefix)
                } else {
                    numbers.removeValue(forKey: prefix)
                }
            let change = (newValue == nil ? 0 : 1) - (old == nil ? 0 : 1)
            if prefix.family.isIPv4 {
                ipv4.count(prefix.length, change)
            } else {
                ipv6.count(prefix.length, change)
            }
        }
    }

    /// The longest entry that contains all of `prefix`, itself included.
    package func longestMatch(_ prefix: Prefix) -> (prefix: Prefix, number: Int)? {
        for length in prefix.family.isIPv4 ? ipv4.inUse : ipv6.inUse where length <= prefix.length {
            if let covering = Prefix(containing: prefix.address, length: length),
                let number = numbers[covering]
            {
                return (covering, number)
            }
        }
        return nil
    }
}

/// The lengths that entries of one family have: a look-up tries no other.
private struct PrefixLengths: Sendable {
    /// Longest first.
    private(set) var inUse: [Int] = []
    private var counts: [Int: Int] = [:]

    mutating func count(_ length: Int, _ change: Int) {
        guard change != 0 else { return }
        let before = counts[length] ?? 0
        counts[length] = before + change == 0 ? nil : before + change
        if before == 0 || before + change == 0 { inUse = counts.keys.sorted(by: >) }
    }
}
