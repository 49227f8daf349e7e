// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// A node under judgement: what the rules of its lane ask for again and again, looked up once.
struct NodeSight {
    let name: String
    /// Nil if no such node should be.
    let intent: NodeIntent?
    /// What its agent told last, whether that may be believed or not.
    let told: NodeFacts?
    /// Why that may not be believed now; nil if it may.
    let doubt: String?
    /// Its daemons, in order of their sockets.
    let daemons: [(path: String, facts: BIRDFacts)]
    /// The sessions that are uplinks, in order: those to configured switches, or all where none is known.
    let uplinks: [Uplink]
    /// Switches that any session told of leads to.
    let facing: [String]
    /// All that it may announce with.
    let addresses: Set<IPAddress>

    init(_ name: String, in world: World) {
        self.name = name
        intent = world.intents[name]
        let told = world.snapshot.nodes[name]
        self.told = told
        doubt = world.doubt(of: told)
        daemons = told?.birds.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } ?? []
        var (uplinks, facing): ([Uplink], [String]) = ([], [])
        for (_, bird) in daemons {
            for session in bird.sessions.values {
                let name = world.switchName(of: session)
                uplinks.append(Uplink(session: session, switchName: name))
                if let name, !facing.contains(name) { facing.append(name) }
            }
        }
        if !facing.isEmpty { uplinks.removeAll { $0.switchName == nil } }
        uplinks.sort { $0.session.name < $1.session.name }
        (self.uplinks, self.facing) = (uplinks, facing)
        addresses = world.addresses(of: name)
    }
}

extension NodeSight {
    /// As told, while it may be believed.
    var facts: NodeFacts? { doubt == nil ? told : nil }
}

/// A session to a switch, by the switch's name where it is one that is watched.
struct Uplink {
    let session: BGPSession
    let switchName: String?
}
