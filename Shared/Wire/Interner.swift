// SPDX-License-Identifier: Apache-2.0

/// Strings and next-hop lists of a frame, each written once.
struct Interner<Element: Hashable> {
    private(set) var elements: [Element] = []
    /// Only once there are many: comparing with a few is quicker than hashing.
    private var indices: [Element: Int] = [:]
    private var last = 0
    private static var few: Int { 24 }

    mutating func index(of element: Element) -> Int {
        // Neighbours in a list mostly share what they name.
        if last < elements.count, elements[last] == element { return last }
        last = known(element) ?? add(element)
        return last
    }

    private func known(_ element: Element) -> Int? {
        elements.count <= Self.few ? elements.firstIndex(of: element) : indices[element]
    }

    private mutating func add(_ element: Element) -> Int {
        elements.append(element)
        if elements.count == Self.few + 1 {
            for (index, element) in elements.enumerated() { indices[element] = index }
        } else if elements.count > Self.few {
            indices[element] = elements.count - 1
        }
        return elements.count - 1
    }
}
