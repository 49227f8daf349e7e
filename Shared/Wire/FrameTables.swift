// SPDX-License-Identifier: Apache-2.0
import Routing

/// The strings and lists of next hops of a frame, each written once and named by its place from one
/// on (FORMAT.md, Tables).
struct FrameTables {
    let strings: [String]
    let nextHops: [[NextHop]]

    init(_ bytes: Span<UInt8>, _ reader: inout ByteReader) throws(WireError) {
        let count = try reader.count(bytes, "string table", atMost: WireLimit.strings)
        var strings: [String] = []
        strings.reserveCapacity(min(count, reader.remaining))
        for _ in 0..<count { strings.append(try reader.text(bytes)) }
        self.strings = strings
        let lists = try reader.count(bytes, "next-hop table", atMost: WireLimit.nextHops)
        var nextHops: [[NextHop]] = []
        nextHops.reserveCapacity(min(lists, reader.remaining))
        for _ in 0..<lists { nextHops.append(try reader.nextHops(bytes, strings.span)) }
        self.nextHops = nextHops
    }
}

extension ByteReader {
    fileprivate mutating func nextHops(
        _ bytes: Span<UInt8>,
        _ strings: Span<String>
    ) throws(WireError) -> [NextHop] {
        let count = try count(bytes, "next hops", atMost: WireLimit.nextHopsOfRoute)
        var hops: [NextHop] = []
        hops.reserveCapacity(min(count, remaining))
        for _ in 0..<count {
            let flags = try byte(bytes)
            let gateway = try address(bytes)
            let device = try strings.string(try varint(bytes), at: offset)
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
}

extension Span where Element == String {
    /// 0 is the empty string.
    @inline(__always)
    func string(_ number: UInt64, at offset: Int) throws(WireError) -> String {
        guard number > 0 else { return "" }
        guard number <= UInt64(count) else { throw .invalid(what: "string index", at: offset) }
        return self[Int(number) - 1]
    }
}
