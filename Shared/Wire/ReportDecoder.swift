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
    let tables: FrameTables
    /// What a frame may still hold: an attacker's few bytes must not become many facts.
    var rowsLeft = WireLimit.facts

    /// Reads the two tables that stand before the sections.
    init(
        _ bytes: Span<UInt8>,
        _ reader: inout ByteReader,
        now: Timestamp,
        skipped: SkippedContent
    ) throws(WireError) {
        self.now = now
        self.skipped = skipped
        tables = try FrameTables(bytes, &reader)
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
            try read(type, rows, bytes, section, into: &report)
        }
        report.sort()
        return report
    }

    private mutating func read(
        _ type: SectionType,
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: ByteReader,
        into report: inout Report
    ) throws(WireError) {
        switch type {
        case .kernel: report.kernel.take(try kernel(rows, bytes, section))
        case .links: report.links.take(try links(rows, bytes, section))
        case .routes: report.routes.take(try routes(rows, bytes, section))
        case .birds: report.birds.take(try birds(rows, bytes, section))
        case .sessions: report.sessions.take(try sessions(rows, bytes, section))
        case .statics: report.statics.take(try statics(rows, bytes, section))
        case .birdRoutes: report.birdRoutes.take(try birdRoutes(rows, bytes, section))
        case .exports: report.exports.take(try exports(rows, bytes, section))
        case .addresses: report.addresses.take(try addresses(rows, bytes, section))
        case .rules: report.rules.take(try rules(rows, bytes, section))
        }
    }

    // MARK: - Facts of a section

    mutating func columns(
        _ bytes: Span<UInt8>,
        _ section: ByteReader,
        known: UInt8
    ) throws(WireError) -> SectionColumns {
        let columns = try SectionColumns(bytes, section, known: known)
        skipped.fields += columns.unknown
        return columns
    }

    /// `count` is bounded by what the frame may still hold.
    @inline(__always)
    func facts<Fact>(
        _ count: Int,
        _ next: () throws(WireError) -> Fact
    ) throws(WireError) -> [Fact] {
        guard count > 0 else { return [] }
        return try [Fact](capacity: count) { (facts) throws(WireError) in
            for _ in 0..<count { facts.append(try next()) }
        }
    }
}

extension Array {
    /// Mostly the only section of its type: nothing is copied then.
    fileprivate mutating func take(_ facts: [Element]) {
        if isEmpty { self = facts } else { self += facts }
    }
}
