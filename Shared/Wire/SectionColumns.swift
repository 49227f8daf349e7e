// SPDX-License-Identifier: Apache-2.0
import Routing

/// The columns of one section, found before its facts are built: each fact is then made once, whole,
/// from the next value of every column (FORMAT.md, Sections).
struct SectionColumns {
    /// More than the highest column number of any section.
    static var bound: Int { 32 }

    struct Place {
        var content: ByteReader
        var isConstant: Bool
    }

    private var places = InlineArray<32, Place?>(repeating: nil)
    /// Columns of a later version.
    private(set) var unknown = 0

    /// Numbers above `known` belong to a later version.
    init(
        _ bytes: Span<UInt8>,
        _ section: consuming ByteReader,
        known: UInt8
    ) throws(WireError) {
        while section.remaining > 0 {
            let head = try section.byte(bytes)
            let length = try section.count(bytes, "column", atMost: WireLimit.frame)
            let content = try section.section(length)
            guard head >> 1 <= known, head > 1, head >> 1 < Self.bound else {
                unknown += 1
                continue
            }
            places[Int(head >> 1)] = Place(content: content, isConstant: head & 1 == 1)
        }
    }

    subscript(id: UInt8) -> Place? { places[Int(id)] }

    /// Numbers; `usual` for every fact where the column is left out.
    @inline(__always)
    func numbers(
        _ id: UInt8,
        _ bytes: Span<UInt8>,
        usual: UInt64 = 0
    ) throws(WireError) -> NumberColumn {
        try NumberColumn(places[Int(id)], bytes, usual: usual)
    }

    @inline(__always)
    func prefixes(_ id: UInt8, _ rows: Int) -> PrefixColumn {
        PrefixColumn(places[Int(id)]?.content, rows)
    }

    @inline(__always)
    func addresses(_ id: UInt8) -> AddressColumn {
        AddressColumn(content: places[Int(id)]?.content)
    }
}

/// One number a fact, or one for all. What stands behind them belongs to a later version.
struct NumberColumn {
    private var content: ByteReader
    private let constant: UInt64
    private let isConstant: Bool

    @inline(__always)
    init(
        _ place: SectionColumns.Place?,
        _ bytes: Span<UInt8>,
        usual: UInt64
    ) throws(WireError) {
        content = place?.content ?? ByteReader(0..<0)
        isConstant = place?.isConstant ?? true
        constant = place != nil && isConstant ? try content.varint(bytes) : usual
    }

    var offset: Int { content.offset }

    @inline(__always)
    mutating func next(_ bytes: Span<UInt8>) throws(WireError) -> UInt64 {
        isConstant ? constant : try content.varint(bytes)
    }

    @inline(__always)
    mutating func flags(_ bytes: Span<UInt8>) throws(WireError) -> UInt64 { try next(bytes) }

    /// Clamped: what does not fit is a code of a later version.
    @inline(__always)
    mutating func code(_ bytes: Span<UInt8>) throws(WireError) -> UInt8 {
        UInt8(clamping: try next(bytes))
    }

    @inline(__always)
    mutating func uint32(_ bytes: Span<UInt8>) throws(WireError) -> UInt32 {
        guard let value = UInt32(exactly: try next(bytes)) else {
            throw .invalid(what: "number", at: offset)
        }
        return value
    }

    /// Nothing is 0, n is n + 1.
    @inline(__always)
    mutating func optional(_ bytes: Span<UInt8>) throws(WireError) -> UInt32? {
        let value = try next(bytes)
        guard value > 0 else { return nil }
        guard let value = UInt32(exactly: value - 1) else {
            throw .invalid(what: "number", at: offset)
        }
        return value
    }

    /// Names a string of the frame's table.
    @inline(__always)
    mutating func string(
        _ bytes: Span<UInt8>,
        _ strings: Span<String>
    ) throws(WireError) -> String {
        try strings.string(try next(bytes), at: offset)
    }

    /// Names a list of the frame's table.
    @inline(__always)
    mutating func nextHops(
        _ bytes: Span<UInt8>,
        _ lists: Span<[NextHop]>
    ) throws(WireError) -> [NextHop] {
        let number = try next(bytes)
        guard number > 0 else { return [] }
        guard number <= UInt64(lists.count) else {
            throw .invalid(what: "next-hop index", at: offset)
        }
        return lists[Int(number) - 1]
    }

    /// Ages become moments before `now`.
    @inline(__always)
    mutating func moment(
        _ bytes: Span<UInt8>,
        before now: Timestamp
    ) throws(WireError) -> Timestamp? {
        let age = try next(bytes)
        return age == 0 ? nil : now - Int64(clamping: age - 1)
    }
}

/// Runs of prefixes of one length (`PrefixWalk`).
struct PrefixColumn {
    private var content: ByteReader
    private var walk = PrefixWalk()
    private var code = PrefixWalk.none
    private var run: Int
    /// Facts that no run was read for.
    private var left: Int

    init(_ content: ByteReader?, _ rows: Int) {
        self.content = content ?? ByteReader(0..<0)
        run = content == nil ? rows : 0
        left = content == nil ? 0 : rows
    }

    @inline(__always)
    mutating func next(_ bytes: Span<UInt8>) throws(WireError) -> Prefix? {
        if run == 0 { try begin(bytes) }
        run &-= 1
        guard code != PrefixWalk.none else { return nil }
        return try walk.read(code, bytes, &content)
    }

    private mutating func begin(_ bytes: Span<UInt8>) throws(WireError) {
        code = try content.byte(bytes)
        run = try content.count(bytes, "run", atMost: left)
        guard run > 0 else { throw .invalid(what: "run", at: content.offset) }
        left -= run
    }
}

/// One address a fact, none where the column is left out.
struct AddressColumn {
    var content: ByteReader?

    @inline(__always)
    mutating func next(_ bytes: Span<UInt8>) throws(WireError) -> IPAddress? {
        try content?.address(bytes)
    }
}
