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
        let parts = text.split(separator: "%", maxSplits: 1)
        address = parts.first.flatMap { IPAddress($0) }.map(\.unmapped)
        routeDomain = parts.count == 2 ? Int(parts[1]) : nil
        port = nil
        // All zeros stand for "none" in statistics of FQDN templates.
        if address?.bits == 0 { address = nil }
    }

    /// A member's name without its path: IPv4 and names end in `:port`, IPv6 in `.port`.
    package init(member text: some StringProtocol) {
        var name = String(text.split(separator: "/").last ?? "")
        if name.hasPrefix("_auto_") { name.removeFirst(6) }
        let isIPv6 = name.split(separator: ":", omittingEmptySubsequences: false).count > 2
        let separator: Character = isIPv6 ? "." : ":"
        guard let end = name.lastIndex(of: separator),
            let port = Int(name[name.index(after: end)...])
        else {
            self.init(plain: name)
            return
        }
        self.init(plain: name[..<end])
        if address == nil, !isIPv6, name.contains("..") || name.filter({ $0 == "." }).count > 3 {
            // Ephemeral IPv6 names carry dots for colons.
            let dotted = name[..<end].replacing(".", with: ":")
            address = IPAddress(dotted)
        }
        self.port = port
    }
}

/// `/P/name` as it stands in a REST path: `~P~name`, `%` and blanks escaped.
func pathName(_ fullPath: String) -> String {
    var escaped = ""
    for character in fullPath.unicodeScalars {
        switch character {
        case "/": escaped += "~"
        case "%": escaped += "%25"
        case " ": escaped += "%20"
        case "?", "#": escaped += "%" + String(character.value, radix: 16)
        default: escaped.unicodeScalars.append(character)
        }
    }
    return escaped
}

/// The only path that tells members' states: by the pool's full path.
package func memberStatsPath(pool fullPath: String) -> String {
    "/mgmt/tm/ltm/pool/\(pathName(fullPath))/members/stats"
}
