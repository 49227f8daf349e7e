// SPDX-License-Identifier: Apache-2.0
import Routing

/// What a decoder passed over because a newer agent said it: counted, never an error.
package struct SkippedContent: Hashable, Sendable {
    package var facts = 0
    package var fields = 0

    package init() {}
}

/// Reads the sections of a frame, with the frame's string and next-hop tables at hand.
struct ReportDecoder {
    let now: Timestamp
    var skipped: SkippedContent
    private var strings: [String] = []
    private var hopLists: [[NextHop]] = []
    /// What a frame may still hold: an attacker's few bytes must not become many facts.
    private var rowsLeft = WireLimit.facts

    /// Reads the two tables that stand before the sections.
    init(
        _ bytes: Span<UInt8>,
        _ reader: inout ByteReader,
        now: Timestamp,
        skipped: SkippedContent
    ) throws(WireError) {
        self.now = now
        self.skipped = skipped
        let stringCount = try reader.count(bytes, "string table", atMost: WireLimit.strings)
        strings.reserveCapacity(min(stringCount, reader.remaining))
        for _ in 0..<stringCount { strings.append(try reader.text(bytes)) }
        let listCount = try reader.count(bytes, "next-hop table", atMost: WireLimit.nextHops)
        hopLists.reserveCapacity(min(listCount, reader.remaining))
        for _ in 0..<listCount { hopLists.append(try hopList(bytes, &reader)) }
    }

    private func hopList(
        _ bytes: Span<UInt8>,
        _ reader: inout ByteReader
    ) throws(WireError) -> [NextHop] {
        let count = try reader.count(bytes, "next hops", atMost: WireLimit.nextHopsOfRoute)
        var hops: [NextHop] = []
        hops.reserveCapacity(min(count, reader.remaining))
        for _ in 0..<count {
            let flags = try reader.byte(bytes)
            let gateway = try reader.address(bytes)
            let device = try string(try reader.varint(bytes), at: reader.offset)
            hops.append(
                NextHop(
                    gateway: gateway,
                    device: device.isEmpty ? nil : device,
                    isDead: flags & 1 != 0
                )
            )
        }
        return hops
    }

    func string(_ index: UInt64, at offset: Int) throws(WireError) -> String {
        guard index > 0 else { return "" }
        guard index <= UInt64(strings.count) else {
            throw .invalid(what: "string index", at: offset)
        }
        return strings[Int(index) - 1]
    }

    // MARK: - Sections

    mutating func report(
        _ bytes: Span<UInt8>,
        _ reader: inout ByteReader
    ) throws(WireError) -> Report {
        var report = Report()
        for _ in 0..<(try reader.count(bytes, "sections", atMost: WireLimit.sections)) {
            let type = try reader.byte(bytes)
            let length = try reader.count(bytes, "section", atMost: WireLimit.frame)
            var section = try reader.section(length)
            let rows = try section.count(bytes, "facts", atMost: rowsLeft)
            // Two facts differ in their keys, so each but one takes a byte at least.
            guard rows <= max(1, length) else { throw .invalid(what: "facts", at: section.offset) }
            guard let type = SectionType(rawValue: type) else {
                skipped.facts += rows
                continue
            }
            rowsLeft -= rows
            try read(type, rows, bytes, &section, into: &report)
        }
        report.sort()
        return report
    }

    private mutating func read(
        _ type: SectionType,
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: inout ByteReader,
        into report: inout Report
    ) throws(WireError) {
        switch type {
        case .kernel: report.kernel += try kernel(rows, bytes, &section)
        case .links: report.links += try links(rows, bytes, &section)
        case .routes: report.routes += try routes(rows, bytes, &section)
        case .birds: report.birds += try birds(rows, bytes, &section)
        case .sessions: report.sessions += try sessions(rows, bytes, &section)
        case .statics: report.statics += try statics(rows, bytes, &section)
        case .birdRoutes: report.birdRoutes += try birdRoutes(rows, bytes, &section)
        case .exports: report.exports += try exports(rows, bytes, &section)
        case .addresses: report.addresses += try addresses(rows, bytes, &section)
        case .rules: report.rules += try rules(rows, bytes, &section)
        }
    }

    // MARK: - Columns

    struct Head {
        let id: UInt8
        let isConstant: Bool
        let content: ByteReader
    }

    /// The next column of a section; nil at its end.
    func column(
        _ bytes: Span<UInt8>,
        _ section: inout ByteReader
    ) throws(WireError) -> Head? {
        guard section.remaining > 0 else { return nil }
        let head = try section.byte(bytes)
        let length = try section.count(bytes, "column", atMost: WireLimit.frame)
        return Head(
            id: head >> 1,
            isConstant: head & 1 == 1,
            content: try section.section(length)
        )
    }

    /// One number a row, or one for all. What stands behind them belongs to a later version.
    @inline(__always)
    func numbers(
        _ column: Head,
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ store: (Int, UInt64) throws(WireError) -> Void
    ) throws(WireError) {
        var content = column.content
        if column.isConstant {
            let value = try content.varint(bytes)
            for row in 0..<rows { try store(row, value) }
        } else {
            for row in 0..<rows { try store(row, try content.varint(bytes)) }
        }
    }

    @inline(__always)
    func uint32s(
        _ column: Head,
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ store: (Int, UInt32) -> Void
    ) throws(WireError) {
        try numbers(column, rows, bytes) { (row, value) throws(WireError) in
            guard let value = UInt32(exactly: value) else {
                throw .invalid(what: "number", at: column.content.offset)
            }
            store(row, value)
        }
    }

    @inline(__always)
    func optionals(
        _ column: Head,
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ store: (Int, UInt32?) -> Void
    ) throws(WireError) {
        try numbers(column, rows, bytes) { (row, value) throws(WireError) in
            guard value > 0 else { return store(row, nil) }
            guard let value = UInt32(exactly: value - 1) else {
                throw .invalid(what: "number", at: column.content.offset)
            }
            store(row, value)
        }
    }

    @inline(__always)
    func moments(
        _ column: Head,
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ store: (Int, Timestamp?) -> Void
    ) throws(WireError) {
        try numbers(column, rows, bytes) { (row, value) throws(WireError) in
            store(row, value == 0 ? nil : now - Int64(clamping: value - 1))
        }
    }

    @inline(__always)
    func strings(
        _ column: Head,
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ store: (Int, String) -> Void
    ) throws(WireError) {
        try numbers(column, rows, bytes) { (row, value) throws(WireError) in
            store(row, try string(value, at: column.content.offset))
        }
    }

    @inline(__always)
    func hops(
        _ column: Head,
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ store: (Int, [NextHop]) -> Void
    ) throws(WireError) {
        try numbers(column, rows, bytes) { (row, value) throws(WireError) in
            guard value > 0 else { return store(row, []) }
            guard value <= UInt64(hopLists.count) else {
                throw .invalid(what: "next-hop index", at: column.content.offset)
            }
            store(row, hopLists[Int(value) - 1])
        }
    }

    @inline(__always)
    func prefixes(
        _ column: Head,
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ store: (Int, Prefix) -> Void
    ) throws(WireError) {
        var content = column.content
        var walk = PrefixWalk()
        var row = 0
        while row < rows {
            let code = try content.byte(bytes)
            let end = row + (try content.count(bytes, "run", atMost: rows - row))
            guard end > row else { throw .invalid(what: "run", at: content.offset) }
            guard code != PrefixWalk.none else {
                row = end
                continue
            }
            while row < end {
                store(row, try walk.read(code, bytes, &content))
                row += 1
            }
        }
    }

    @inline(__always)
    func addresses(
        _ column: Head,
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ store: (Int, IPAddress?) -> Void
    ) throws(WireError) {
        var content = column.content
        for row in 0..<rows { store(row, try content.address(bytes)) }
    }
}

/// What a fact holds where a frame leaves a column out.
let unspecified = (
    address: IPAddress(family: .ipv4, bits: 0),
    prefix: Prefix(host: IPAddress(family: .ipv4, bits: 0))
)
