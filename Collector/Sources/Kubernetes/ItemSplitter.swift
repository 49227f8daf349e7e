// SPDX-License-Identifier: Apache-2.0

/// Why an answer of the API server cannot be taken apart. Offsets count bytes of the answer.
enum SplitError: Error, Hashable, CustomStringConvertible {
    case notAnObject(at: Int)
    case tooDeep(at: Int)
    case itemTooLarge(at: Int)

    var description: String {
        switch self {
        case .notAnObject(let at): "not a list of objects at byte \(at)"
        case .tooDeep(let at): "nested too deeply at byte \(at)"
        case .itemTooLarge(let at):
            "an object of more than \(ItemSplitter.itemLimit) bytes at byte \(at)"
        }
    }
}

/// Takes a Kubernetes list apart while it arrives: `{"kind", "metadata": {…}, "items": [{…}, {…}]}` →
/// the bytes of the metadata and of each item. What is in them is the decoder's matter: here only strings
/// and brackets are told apart, and never more than one item is held.
struct ItemSplitter {
    /// etcd takes no object above 1.5 MB; as JSON it is larger than as protobuf.
    static let itemLimit = 4 << 20
    private static let depthLimit = 256

    enum Piece: Equatable {
        case metadata([UInt8])
        case item([UInt8])
    }

    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    /// The last string at depth 1: a key, once a value begins.
    private var key: [UInt8] = []
    private var isInItems = false
    private var captured: [UInt8] = []
    /// The depth outside of what is being captured; nil while nothing is.
    private var outside: Int?
    private var offset = 0
    private(set) var isComplete = false

    mutating func take(_ bytes: some Sequence<UInt8>) throws(SplitError) -> [Piece] {
        var pieces: [Piece] = []
        for byte in bytes {
            if outside != nil { try capture(byte) }
            if let piece = try step(byte) { pieces.append(piece) }
            offset += 1
        }
        return pieces
    }

    private mutating func capture(_ byte: UInt8) throws(SplitError) {
        captured.append(byte)
        guard captured.count <= Self.itemLimit else { throw .itemTooLarge(at: offset) }
    }

    private mutating func step(_ byte: UInt8) throws(SplitError) -> Piece? {
        if isInString {
            inString(byte)
            return nil
        }
        switch byte {
        case UInt8(ascii: "\""):
            isInString = true
            if depth == 1 { key = [] }
        case UInt8(ascii: "{"), UInt8(ascii: "["): try open(byte)
        case UInt8(ascii: "}"), UInt8(ascii: "]"): return close()
        case 0x20, 0x09, 0x0a, 0x0d: break
        default: guard depth > 0 else { throw .notAnObject(at: offset) }
        }
        return nil
    }

    private mutating func inString(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
            return
        }
        // Only two short keys are looked for.
        if depth == 1, key.count < 16 { key.append(byte) }
    }

    private mutating func open(_ byte: UInt8) throws(SplitError) {
        guard depth > 0 || byte == UInt8(ascii: "{") && !isComplete else {
            throw .notAnObject(at: offset)
        }
        if outside == nil {
            let isMetadata = depth == 1 && key.elementsEqual("metadata".utf8)
            if byte == UInt8(ascii: "{"), isMetadata || isInItems && depth == 2 {
                outside = depth
                captured = [byte]
            } else if depth == 1, byte == UInt8(ascii: "["), key.elementsEqual("items".utf8) {
                isInItems = true
            }
        }
        depth += 1
        guard depth <= Self.depthLimit else { throw .tooDeep(at: offset) }
    }

    private mutating func close() -> Piece? {
        depth -= 1
        if depth == 1, outside == nil { isInItems = false }
        if depth == 0 { isComplete = true }
        guard depth == outside else { return nil }
        outside = nil
        defer { captured = [] }
        return isInItems ? .item(captured) : .metadata(captured)
    }
}

/// Takes a watch apart: one JSON object a line.
struct LineSplitter {
    private var pending: [UInt8] = []
    private var offset = 0

    mutating func take(_ bytes: some Collection<UInt8>) throws(SplitError) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            pending += rest[..<end]
            if !pending.isEmpty { lines.append(pending) }
            pending = []
            rest = rest[rest.index(after: end)...]
        }
        pending += rest
        offset += bytes.count
        guard pending.count <= ItemSplitter.itemLimit else { throw .itemTooLarge(at: offset) }
        return lines
    }
}
