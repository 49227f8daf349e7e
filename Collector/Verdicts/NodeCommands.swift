// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

// What a person types on a node, or on a load balancer.

extension Verification {
    /// Every table, for a route may stand in another than main; `ip` shows the other family's only if it is asked to.
    static func route(_ prefix: Prefix, on node: String) -> Verification {
        Verification(on: node, "ip \(Verdicts.family(prefix)) route show table all \(prefix)")
    }
}

/// As `ip` asks for it: without, it shows IPv4 alone.
func family(_ prefix: Prefix) -> String { prefix.family == .ipv4 ? "-4" : "-6" }

extension NodeFacts {
    /// Of the daemon that has the session; where two have one of that name, of that which has it so.
    func birdc(_ words: String, session: BGPSession) -> String {
        let having = daemons.filter { $0.facts.sessions[session.name] != nil }
        let own = having.first { $0.facts.sessions[session.name] == session } ?? having.first
        return birdc(words, own?.path)
    }

    /// Of the daemon that holds the prefix, or should.
    func birdc(_ words: String, prefix: Prefix) -> String {
        birdc(words, daemon(for: prefix, daemons)?.path)
    }

    /// What is configured where the prefix is, or should be. Without a protocol's name BIRD refuses, or does not say
    /// which is whose; where none is known all are listed, those that are down too.
    func showStatic(_ prefix: Prefix) -> String {
        let holding = daemons.first { $0.facts.statics.contains { $0.prefix == prefix } }
        guard let daemon = holding ?? daemon(for: prefix, daemons) else {
            return birdc(listed, nil)
        }
        let statics = daemon.facts.statics
        let name = (statics.first { $0.prefix == prefix } ?? statics.first)?.protocolName ?? ""
        let isKnown = !name.isEmpty && !daemon.facts.isStaticDown
        return birdc(isKnown ? words("show static", name) : listed, daemon.path)
    }

    /// Asks that on the node.
    func askStatic(_ prefix: Prefix, on node: String, shows words: String) -> Verification {
        let command = showStatic(prefix)
        let isListed = command.hasSuffix(listed)
        return Verification(on: node, command)
            .showing(isListed ? "which of its static protocols is not up" : words)
    }

    /// Whether the prefix is sent over the session, in words that the daemon's version knows.
    func showExport(_ prefix: Prefix, over session: BGPSession, isRefused: Bool) -> String {
        let daemon = birds.values.first { $0.sessions[session.name] == session }
        // What a limit holds back is no route that is not exported, in BIRD's words: it is missing among the exported.
        let sent = daemon.map(\.knowsExported) ?? true ? "exported" : "export"
        let asked = "show route \(prefix) \(isRefused ? "noexport" : sent)"
        return birdc(words(asked, session.name), session: session)
    }

    /// In order of their sockets.
    private var daemons: [(path: String, facts: BIRDFacts)] {
        birds.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private func birdc(_ words: String, _ socket: String?) -> String {
        "birdc -r" + (socket.map { " -s \(shellWord($0))" } ?? "") + " " + words
    }
}

extension BIRDFacts {
    /// `show route … exported` came with 2.0.8; `export` runs the filter anew. Calico's is called `v0.3.3+birdv1.6.8`.
    fileprivate var knowsExported: Bool {
        let own = version.split(separator: "birdv").last ?? ""
        let numbers = own.split { !$0.isNumber }.prefix(3).compactMap { Int($0) }
        return numbers.isEmpty || !numbers.lexicographicallyPrecedes([2, 0, 8])
    }
}

private let listed = "show protocols"

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
        guard let facts = snapshot.loadBalancers[loadBalancer],
            let unit = facts.activeUnitName(at: now)
        else { return loadBalancer }
        return login(loadBalancer, unit: unit)
    }
}

/// One unit of a load balancer, to log in to.
func login(_ loadBalancer: String, unit: String) -> String {
    "\(loadBalancer) (\(host(of: unit)))"
}

/// `https://10.1.0.21:8443` is a unit's name in the configuration, and no place to log in to.
func host(of unit: String) -> String {
    let place = authority(of: unit)
    guard place.count < unit.count else { return unit }
    if place.first == "[" { return String(place.dropFirst().prefix { $0 != "]" }) }
    // An address of IPv6 is full of colons, and without brackets has no port.
    return place.count { $0 == ":" } == 1 ? String(place.prefix { $0 != ":" }) : String(place)
}

/// With its port, if it has one.
private func authority(of unit: String) -> Substring {
    guard let scheme = unit.firstRange(of: "://") else { return unit[...] }
    let place = unit[scheme.upperBound...].prefix { $0 != "/" }
    // The configuration takes none with a name and a password; nor are they shown.
    guard let end = place.lastIndex(of: "@") else { return place }
    return place[place.index(after: end)...]
}

extension LoadBalancerFacts {
    /// A unit in words: its host, and its port where another unit has the same.
    func place(of unit: String) -> String {
        let name = host(of: unit)
        let isShared = units.keys.contains { $0 != unit && host(of: $0) == name }
        return isShared ? String(authority(of: unit)) : name
    }
}

/// Routes of every partition: without `cd /` tmsh shows those of /Common alone.
let listRoutes = "tmsh -c 'cd /; list net route recursive'"

/// What GTM hears of its servers, and what that shows where it does not.
let showQueries = "tmsh show gtm iquery"
let unheardServers = "which server it is not connected to"

func showMembers(of pool: String) -> String { "tmsh show ltm pool \(pool) members" }

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
