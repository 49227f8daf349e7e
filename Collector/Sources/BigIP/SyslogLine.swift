// SPDX-License-Identifier: Apache-2.0
package import Routing

/// What a line of a BIG-IP's log makes worth a look. A line is a hint and never a state: it may be late, cut,
/// doubled or forged, and what it speaks of is read from the unit itself.
package enum SyslogHint: Hashable, Sendable {
    /// Members or state of that pool, by full path.
    case pool(String)
    /// Members with that address, in whatever pool.
    case node(IPAddress)
    /// A virtual server, the unit's role, or something of GTM: the next round may come sooner.
    case round
}

/// `[<PRI>]Mon DD hh:mm:ss[.mmm] host [level] process[pid]: CODE:SEVERITY: text`, RFC 3164 or 5424, with a
/// PRI or without: the code tells what follows, wherever it stands.
///
/// Nil for everything else. No line is longer than 2,048 bytes.
package func syslogHint(_ line: some Sequence<UInt8>) -> SyslogHint? {
    let words = String(decoding: Array(line.prefix(2_048)), as: UTF8.self)
        .split(whereSeparator: \.isWhitespace)
    guard let place = words.firstIndex(where: isCode) else { return nil }
    let rest = words[(place + 1)...]
    switch words[place].prefix(8) {
    case "01070638", "01070727", "01070639", "01010028", "01010221": return pool(in: rest)
    case "01070640", "01070728": return node(in: rest)
    case "01071681", "01071682": return .round
    // Somebody's transaction: members that are deleted go without a word of their monitor.
    case "01070417" where rest.contains { $0.hasPrefix("obj_") } && rest.contains(where: isOfPool):
        return .round
    case let code where code.hasPrefix("010c00") || code.hasPrefix("011a"): return .round
    default: return nil
    }
}

private func isOfPool(_ word: Substring) -> Bool {
    word == "pool" || word.hasPrefix("pool_member")
}

/// `01070638:5:`
private func isCode(_ word: Substring) -> Bool {
    let bytes = Array(word.utf8)
    guard bytes.count == 11, bytes[8] == UInt8(ascii: ":"), bytes[10] == UInt8(ascii: ":") else {
        return false
    }
    return bytes.prefix(8).allSatisfy(isHexadecimal) && isDigit(bytes[9])
}

private func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}

private func isHexadecimal(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
}

/// `Pool /K8S/web member …`, `No members available for pool /K8S/web`. One that ends the line may be cut.
private func pool(in words: ArraySlice<Substring>) -> SyslogHint? {
    guard let place = words.firstIndex(where: { $0.lowercased() == "pool" }),
        words.indices.contains(place + 1), words[place + 1].hasPrefix("/")
    else { return .round }
    let name = words[place + 1]
    guard name.utf8.count <= 512 else { return nil }
    return .pool(String(name))
}

/// `Node /K8S/10.16.0.10%0 address 10.16.0.10%0 monitor status down.`
private func node(in words: ArraySlice<Substring>) -> SyslogHint? {
    guard let place = words.firstIndex(of: "address"), words.indices.contains(place + 1),
        let address = BigIPAddress(plain: words[place + 1]).address
    else { return .round }
    return .node(address)
}
