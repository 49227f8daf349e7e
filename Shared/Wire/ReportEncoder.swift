// SPDX-License-Identifier: Apache-2.0
import Routing

/// Writes the sections of a frame. Strings and next hops go to the frame's tables, times become
/// ages.
struct ReportEncoder {
    let now: Timestamp
    private var writer = ByteWriter()
    private var strings = Interner<String>()
    private var hopLists = Interner<[NextHop]>()

    init(now: Timestamp) { self.now = now }

    /// Tables, then as many groups of sections as there were.
    consuming func finished(after head: ByteWriter) -> [UInt8] {
        var frame = head
        // Next hops name devices: they are written first, so that their strings are in the table.
        var hops = ByteWriter()
        for list in hopLists.elements { write(list, to: &hops) }
        frame.reserve(frame.bytes.count + hops.bytes.count + writer.bytes.count + 512)
        frame.varint(strings.elements.count)
        for string in strings.elements { frame.text(string) }
        frame.varint(hopLists.elements.count)
        frame.raw(hops.bytes)
        frame.raw(writer.bytes)
        return frame.bytes
    }

    private mutating func write(_ hops: [NextHop], to writer: inout ByteWriter) {
        let hops = hops.prefix(WireLimit.nextHopsOfRoute)
        writer.varint(hops.count)
        for hop in hops {
            writer.byte(hop.isDead ? 1 : 0)
            writer.address(hop.gateway)
            writer.varint(index(of: hop.device ?? ""))
        }
    }

    private mutating func index(of string: String) -> UInt64 {
        string.isEmpty ? 0 : UInt64(strings.index(of: string)) + 1
    }

    // MARK: - Sections and columns

    mutating func sections(_ count: Int) {
        writer.reserve(512 + 16 * count)
        writer.varint(count)
    }

    mutating func section(
        _ type: SectionType,
        _ rows: Int,
        _ columns: (inout ReportEncoder) -> Void
    ) {
        guard rows > 0 else { return }
        writer.byte(type.rawValue)
        let start = writer.open()
        writer.varint(rows)
        columns(&self)
        writer.close(start)
    }

    /// One number a row; one for all where they are equal; none where they are what is usual.
    @inline(__always)
    mutating func numbers(
        _ id: UInt8,
        _ rows: Int,
        usual: UInt64 = 0,
        _ value: (Int) -> UInt64
    ) {
        guard rows > 0 else { return }
        let first = value(0)
        var row = 1
        while row < rows, value(row) == first { row &+= 1 }
        guard row < rows else { return constant(id, first, usual: usual) }
        column(id, atMost: rows * Self.number) { column in
            for row in 0..<rows { column.varint(value(row)) }
        }
    }

    private mutating func constant(_ id: UInt8, _ value: UInt64, usual: UInt64) {
        guard value != usual else { return }
        writer.byte(id << 1 | 1)
        let start = writer.open()
        writer.varint(value)
        writer.close(start)
    }

    /// A number's longest form.
    private static var number: Int { 10 }

    @inline(__always)
    private mutating func column(
        _ id: UInt8,
        atMost capacity: Int,
        _ content: (inout OutputSpan<UInt8>) -> Void
    ) {
        writer.byte(id << 1)
        let start = writer.open()
        writer.append(atMost: capacity, content)
        writer.close(start)
    }

    /// Nothing is 0, n is n + 1.
    @inline(__always)
    mutating func optionals(_ id: UInt8, _ rows: Int, _ value: (Int) -> UInt32?) {
        numbers(id, rows) { row in value(row).map { UInt64($0) + 1 } ?? 0 }
    }

    @inline(__always)
    mutating func ages(_ id: UInt8, _ rows: Int, _ value: (Int) -> Timestamp?) {
        let now = now
        numbers(id, rows) { row in
            // A moment ahead of the clock is now.
            value(row).map { UInt64(clamping: now - $0) + 1 } ?? 0
        }
    }

    @inline(__always)
    mutating func strings(_ id: UInt8, _ rows: Int, _ value: (Int) -> String) {
        guard rows > 0 else { return }
        let first = value(0)
        var row = 1
        while row < rows, value(row) == first { row &+= 1 }
        guard row < rows else { return constant(id, index(of: first), usual: 0) }
        var table = Interner<String>()
        swap(&table, &strings)
        column(id, atMost: rows * Self.number) { column in
            for row in 0..<rows {
                let string = value(row)
                column.varint(string.isEmpty ? 0 : UInt64(table.index(of: string)) + 1)
            }
        }
        swap(&table, &strings)
    }

    @inline(__always)
    mutating func hops(_ id: UInt8, _ rows: Int, _ value: (Int) -> [NextHop]) {
        var table = Interner<[NextHop]>()
        swap(&table, &hopLists)
        numbers(id, rows) { row in
            let hops = value(row)
            return hops.isEmpty ? 0 : UInt64(table.index(of: hops)) + 1
        }
        swap(&table, &hopLists)
    }

    /// Left out where none is there.
    @inline(__always)
    mutating func addresses(_ id: UInt8, _ rows: Int, _ value: (Int) -> IPAddress?) {
        guard (0..<rows).contains(where: { value($0) != nil }) else { return }
        column(id, atMost: rows * 17) { column in
            for row in 0..<rows { column.address(value(row)) }
        }
    }

    /// In runs of one length; left out where none is there.
    @inline(__always)
    mutating func prefixes(_ id: UInt8, _ rows: Int, _ value: (Int) -> Prefix?) {
        guard (0..<rows).contains(where: { value($0) != nil }) else { return }
        // A run of one: its code, its length, the longest step.
        column(id, atMost: rows * 21) { column in
            var walk = PrefixWalk()
            var row = 0
            while row < rows {
                let code = PrefixWalk.code(value(row))
                var end = row + 1
                while end < rows, PrefixWalk.code(value(end)) == code { end += 1 }
                column.append(code)
                column.varint(UInt64(end - row))
                for row in row..<end {
                    if let prefix = value(row) { column.varint(walk.step(to: prefix)) }
                }
                row = end
            }
        }
    }
}
