// SPDX-License-Identifier: Apache-2.0
package import Routing

/// An address as BIG-IP writes it, parsed: `10.16.3.7%0:80`, `2001:db8::1%2.80`, `any6`,
/// `_auto_2607.f8b0.400a.80a..200e:80`.
package struct BigIPAddress: Hashable, Sendable {
    /// Nil for a name, `any`, `any6`: an FQDN template has no address of its own.
    package var address: IPAddress?
    /// Nil where none is written: the partition's default, like `%0`.
    package var routeDomain: Int?
    package var port: Int?

    package init(address: IPAddress?, routeDomain: Int? = nil, port: Int? = nil) {
        self.address = address
        self.routeDomain = routeDomain
        self.port = port
    }

    /// An address alone, with or without `%NN`.
    package init(plain text: some StringProtocol) {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        address = parts.first.flatMap { IPAddress($0) }.map(\.unmapped)
        if parts.count == 2 {
            routeDomain = routeDomainNumber(parts[1])
            // Another domain's address is another host: better none than a wrong one.
            if routeDomain == nil { address = nil }
        }
        // All zeros stand for "none" in statistics of FQDN templates.
        if address?.bits == 0 { address = nil }
    }

    /// A member's name without its path: IPv4 and names end in `:port`, IPv6 in `.port`.
    package init(member text: some StringProtocol) {
        var name = String(text.split(separator: "/").last ?? "")
        let isEphemeral = name.hasPrefix("_auto_")
        if isEphemeral { name.removeFirst(6) }
        self.init(plain: name)
        let isIPv6 = name.count { $0 == ":" } > 1
        guard address == nil, let end = name.lastIndex(of: isIPv6 ? "." : ":") else { return }
        let host = name[..<end]
        self.init(plain: host)
        // Ephemeral IPv6 names carry dots for colons.
        if address == nil, isEphemeral { self.init(plain: host.replacing(".", with: ":")) }
        port = portNumber(name[name.index(after: end)...])
    }
}

/// Route domains are 0 to 65534.
func routeDomainNumber(_ text: some StringProtocol) -> Int? {
    Int(text).flatMap { (0...65_534).contains($0) ? $0 : nil }
}

/// `any` and `*` are port 0; service names are tmsh's, REST writes numbers.
private func portNumber(_ text: some StringProtocol) -> Int? {
    text == "any" || text == "*" ? 0 : Int(text).flatMap { (0...65_535).contains($0) ? $0 : nil }
}

/// `/P/name` as it stands in a REST path: `~P~name`, everything that is not plain escaped.
func pathName(_ fullPath: String) -> String {
    let plain = Set("-._:~".utf8)
    var escaped = ""
    for byte in fullPath.utf8 {
        switch byte {
        case UInt8(ascii: "/"): escaped += "~"
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            escaped.unicodeScalars.append(Unicode.Scalar(byte))
        case _ where plain.contains(byte): escaped.unicodeScalars.append(Unicode.Scalar(byte))
        default: escaped += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
        }
    }
    return escaped
}

/// The only path that tells members' states: by the pool's full path.
package func memberStatsPath(pool fullPath: String) -> String {
    "/mgmt/tm/ltm/pool/\(pathName(fullPath))/members/stats"
}
