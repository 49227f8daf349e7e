// SPDX-License-Identifier: Apache-2.0
package import Routing

/// A fact in a list of its kind. Two that precede neither each other have the same key: the newer
/// takes the place of the older.
package protocol FactRow: Hashable, Sendable {
    static func precedes(_ left: Self, _ right: Self) -> Bool
    static func areInOrder(_ rows: [Self]) -> Bool
}

extension FactRow {
    package static func areInOrder(_ rows: [Self]) -> Bool {
        var index = 1
        while index < rows.count {
            guard precedes(rows[index - 1], rows[index]) else { return false }
            index += 1
        }
        return true
    }

    package static func haveSameKey(_ left: Self, _ right: Self) -> Bool {
        !precedes(left, right) && !precedes(right, left)
    }
}

extension Array where Element: FactRow {
    package var isSortedByKey: Bool { Element.areInOrder(self) }

    /// Of equal keys the last stays.
    package mutating func sortByKey() {
        guard !isSortedByKey else { return }
        // The standard library's sort is stable: the last of equals comes last.
        let sorted = sorted(by: Element.precedes)
        removeAll(keepingCapacity: true)
        for row in sorted {
            if let last, Element.haveSameKey(last, row) { removeLast() }
            append(row)
        }
    }

    /// One pass through all three, which are in order of their keys.
    package mutating func apply(_ updated: [Element], _ removed: [Element]) {
        guard !updated.isEmpty || !removed.isEmpty else { return }
        guard !isEmpty else { return self = updated }
        if removed.isEmpty, let places = places(of: updated) {
            for (place, row) in zip(places, updated) { self[place] = row }
            return
        }
        var result: [Element] = []
        result.reserveCapacity(count + updated.count)
        var next = 0
        var gone = 0
        for row in self {
            while next < updated.count, Element.precedes(updated[next], row) {
                result.append(updated[next])
                next += 1
            }
            while gone < removed.count, Element.precedes(removed[gone], row) { gone += 1 }
            if next < updated.count, !Element.precedes(row, updated[next]) { continue }
            if gone < removed.count, !Element.precedes(row, removed[gone]) { continue }
            result.append(row)
        }
        result += updated[next...]
        self = result
    }

    /// Where rows of the same keys stand; nil if one of them is new.
    private func places(of updated: [Element]) -> [Int]? {
        guard updated.count <= count else { return nil }
        let (rows, fresh) = (span, updated.span)
        var places: [Int] = []
        places.reserveCapacity(fresh.count)
        var place = 0
        for index in fresh.indices {
            while place < rows.count, Element.precedes(rows[place], fresh[index]) { place += 1 }
            guard place < rows.count, !Element.precedes(fresh[index], rows[place]) else {
                return nil
            }
            places.append(place)
        }
        return places
    }
}

extension KernelStatus: FactRow {
    /// There is only one.
    @inline(__always)
    package static func precedes(_ left: Self, _ right: Self) -> Bool { false }
}

extension Link: FactRow {
    @inline(__always)
    package static func precedes(_ left: Self, _ right: Self) -> Bool { left.name < right.name }
}

extension LinkAddress: FactRow {
    @inline(__always)
    package static func precedes(_ left: Self, _ right: Self) -> Bool { left < right }
}

extension RoutingRule: FactRow {
    @inline(__always)
    package static func precedes(_ left: Self, _ right: Self) -> Bool { left < right }
}

extension KernelRoute: FactRow {
    @inline(__always)
    package static func precedes(_ left: Self, _ right: Self) -> Bool {
        guard left.prefix == right.prefix else { return left.prefix < right.prefix }
        return (left.table, left.metric) < (right.table, right.metric)
    }

    /// Mostly the prefixes tell: whole routes, which count references, are not taken out for it.
    package static func areInOrder(_ rows: [Self]) -> Bool {
        var index = 1
        while index < rows.count {
            let (left, right) = (rows[index - 1].prefix, rows[index].prefix)
            guard left < right || (left == right && precedes(rows[index - 1], rows[index])) else {
                return false
            }
            index += 1
        }
        return true
    }
}

/// What tells the facts of one daemon apart.
package protocol DaemonFact {
    static func precedes(_ left: Self, _ right: Self) -> Bool
}

extension OfDaemon: FactRow where Value: DaemonFact {
    @inline(__always)
    package static func precedes(_ left: Self, _ right: Self) -> Bool {
        guard left.daemon == right.daemon else { return left.daemon < right.daemon }
        return Value.precedes(left.value, right.value)
    }
}

extension BIRDStatus: DaemonFact {
    /// One of each daemon.
    @inline(__always)
    package static func precedes(_ left: Self, _ right: Self) -> Bool { false }
}

extension BGPSession: DaemonFact {
    @inline(__always)
    package static func precedes(_ left: Self, _ right: Self) -> Bool { left.name < right.name }
}

extension BIRDStatic: DaemonFact {
    @inline(__always)
    package static func precedes(_ left: Self, _ right: Self) -> Bool {
        guard left.protocolName == right.protocolName else {
            return left.protocolName < right.protocolName
        }
        return left.prefix < right.prefix
    }
}

extension BIRDRoute: DaemonFact {
    @inline(__always)
    package static func precedes(_ left: Self, _ right: Self) -> Bool {
        guard left.table == right.table, left.protocolName == right.protocolName else {
            return (left.table, left.protocolName) < (right.table, right.protocolName)
        }
        return left.prefix < right.prefix
    }
}

extension Export: DaemonFact {
    @inline(__always)
    package static func precedes(_ left: Self, _ right: Self) -> Bool {
        guard left.key.uplink == right.key.uplink else {
            return left.key.uplink < right.key.uplink
        }
        return left.key.prefix < right.key.prefix
    }
}
