// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

// What a person types on a node, or on a load balancer.

extension Verification {
    /// Every table, for a route may stand in another than main; `ip` shows the other family's only if it is asked to.
    static func route(_ prefix: Prefix, on node: String) -> Verification {
        let family = prefix.family == .ipv4 ? "-4" : "-6"
        return Verification(on: node, "ip \(family) route show table all \(prefix)")
    }
}

extension NodeFacts {
    /// Of the daemon that has the session.
    func birdc(_ words: String, session: String) -> String {
        birdc(words, birds.first { $0.value.sessions[session] != nil }?.key)
    }

    /// Of the daemon that holds the prefix, or should.
    func birdc(_ words: String, prefix: Prefix) -> String {
        birdc(words, daemon(for: prefix, birds.sorted { $0.key < $1.key }.map { ($0, $1) })?.path)
    }

    private func birdc(_ words: String, _ socket: String?) -> String {
        "birdc -r" + (socket.map { " -s \(shellWord($0))" } ?? "") + " " + words
    }
}

/// `show protocols all uplink0`. A name with other characters than a symbol's has to be in quotes, for BIRD and for
/// the shell; one that a shell might make something of is left out.
func showProtocol(_ name: String) -> String { words("show protocols all", name) }

func words(_ command: String, _ name: String) -> String {
    func isPlain(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == "_")
    }
    if name.allSatisfy(isPlain), name.first?.isNumber != true { return "\(command) \(name)" }
    let isHarmless = name.allSatisfy { isPlain($0) || ".:@-".contains($0) }
    return isHarmless ? "\(command) \"'\(name)'\"" : command
}

extension World {
    /// Where a person logs in to see what a verdict on a load balancer stands on: its active unit.
    func device(of loadBalancer: String) -> String {
        guard let facts = snapshot.loadBalancers[loadBalancer], facts.units.count > 1,
            let unit = facts.activeUnitName(at: now)
        else { return loadBalancer }
        return "\(loadBalancer) (\(host(of: unit)))"
    }
}

/// `https://10.1.0.21` is a unit's name in the configuration, and no place to log in to.
func host(of unit: String) -> String {
    let rest = unit.split(separator: "/", omittingEmptySubsequences: true).last.map(String.init)
    guard unit.contains("://"), let rest else { return unit }
    guard rest.contains("."), let port = rest.lastIndex(of: ":") else { return rest }
    return String(rest[..<port])
}

/// As one word of a shell's line, whatever it holds: paths and devices have the names that somebody gave them.
func shellWord(_ text: String) -> String {
    let isPlain = text.allSatisfy { character in
        character.isASCII
            && (character.isLetter || character.isNumber || "_-./:@%+".contains(character))
    }
    guard !isPlain || text.isEmpty else { return text }
    return "'"
        + text.split(separator: "'", omittingEmptySubsequences: false)
        .joined(separator: "'\\''") + "'"
}
