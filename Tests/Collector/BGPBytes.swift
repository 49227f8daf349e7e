// SPDX-License-Identifier: Apache-2.0

// BGP's messages by hand (RFC 4271), for what a switch sends over BMP and over a session alike.

func be<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
}

func pdu(_ type: UInt8, _ body: [UInt8] = []) -> [UInt8] {
    [UInt8](repeating: 0xff, count: 16) + be(UInt16(19 + body.count)) + [type] + body
}

func update(withdrawn: [UInt8] = [], nextHop: UInt8? = nil, _ prefixes: [UInt8] = [])
    -> [UInt8]
{
    let attributes: [UInt8] =
        nextHop.map { [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 10, 1, 0, $0] } ?? []
    return pdu(
        2,
        be(UInt16(withdrawn.count)) + withdrawn + be(UInt16(attributes.count)) + attributes
            + prefixes
    )
}

let cidr: [UInt8] = [24, 10, 16, 0]
