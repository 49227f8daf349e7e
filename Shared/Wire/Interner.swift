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
        if last < elements.count, elements.span[last] == element { return last }
        last = known(element) ?? add(element)
        return last
    }

    private func known(_ element: Element) -> Int? {
        guard elements.count <= Self.few else { return indices[element] }
        let few = elements.span
        for index in few.indices where few[index] == element { return index }
        return nil
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
