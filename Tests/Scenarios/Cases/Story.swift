// SPDX-License-Identifier: Apache-2.0
import Facts
import Incidents
import Routing
import Support
import Testing
import Verdicts

/// The small site, what happens to it, and what people are told meanwhile.
///
/// Time goes by in seconds. Agents say every five of them that they are there; every fifteen each switch and
/// the load balancer are read and Kubernetes is heard of, each at a moment of its own. What a source shows
/// stays so until the story changes it.
struct Story {
    var site = Site()
    /// What every read of the load balancer holds at this site, beside what happens to it.
    var furnishing: (inout LoadBalancerTable) -> Void = { _ in }
    /// How a unit that is ready to take over differs; nil where there is none.
    var standby: ((inout LoadBalancerTable) -> Void)?
    /// Agents that say nothing.
    var silent: Set<Int> = []
    /// Whether the watches of the API server are open.
    var isKubernetesHeard = true
    private var tables: [String: (inout SwitchTable) -> Void] = [:]
    private var balancer: (inout LoadBalancerTable) -> Void = { _ in }
    private var failures: [String: String] = [:]
    private var ledger = IncidentLedger(cluster: "lab", policy: AlertPolicy())
    private var beginning = at(0)
    private var second = 0

    /// One line for each time that somebody was told something.
    private(set) var transcript: [String] = []
    /// The kind that each told incident bore last, by incident.
    private var bearing: [IncidentKey: Kind] = [:]

    /// What was named: a session that turns out to be the switch's doing counts as that.
    var named: Set<Kind> { Set(bearing.values) }

    /// Nobody has been told of anything that is not over.
    var isQuiet: Bool { ledger.incidents.allSatisfy { $0.state != .firing } }

    /// All is well, for longer than any source takes to be read twice; the clock of the transcript begins
    /// after that.
    mutating func begin() {
        beginning = site.now + 60_000
        pass(60)
    }

    mutating func pass(_ seconds: Int) {
        for _ in 0..<seconds {
            second += 1
            site.pass(1_000)
            if second % 5 == 0 { site.heartbeats(except: silent) }
            switch second % 15 {
            case 3: read("a")
            case 6: hearKubernetes()
            case 8: read("b")
            case 12: readLoadBalancer()
            default: break
            }
            step()
        }
    }

    private mutating func step() {
        for verdict in site.judgement.verdicts { expectWhole(verdict) }
        for transition in ledger.step(site.judgement, now: site.now) {
            let (incident, verdict) = (transition.incident, transition.incident.verdict)
            let seconds = (transition.at - beginning) / 1_000
            transcript.append(
                "\(seconds < 0 ? "" : "+")\(seconds) s \(transition.change.rawValue)"
                    + " \(verdict.kind.rawValue) \(verdict.severity.rawValue): \(incident.summary)"
            )
            bearing[incident.key] = verdict.kind
        }
    }

    // MARK: - Sources

    /// A node's agent reports at once; without a change all is well there.
    mutating func node(
        _ index: Int,
        _ change: (inout KernelFacts, inout BIRDFacts) -> Void = { _, _ in }
    ) {
        site.report(index, change)
    }

    mutating func agent(_ index: Int, _ update: AgentUpdate) {
        site.snapshot.apply(.agent(node: "n\(index)", update), at: site.now)
    }

    mutating func nodes(_ intents: [String: NodeIntent]) {
        site.snapshot.apply(.intent(.read(intents)), at: site.now)
    }

    /// What those switches show from now on; without a change all that they should.
    mutating func switches(
        _ names: String...,
        show change: @escaping (inout SwitchTable) -> Void = { _ in }
    ) {
        for name in names { tables[name] = change }
    }

    /// What the load balancer shows from now on.
    mutating func loadBalancer(
        shows change: @escaping (inout LoadBalancerTable) -> Void = { _ in }
    ) {
        balancer = change
    }

    /// A switch, or the load balancer, that answers every read with that; nil: it can be read again.
    mutating func reading(_ name: String, fails reason: String?) { failures[name] = reason }

    private mutating func read(_ name: String) {
        let table = site.table(name, tables[name] ?? { _ in })
        site.read(name, failures[name].map { .failed($0) } ?? .read(table))
    }

    private mutating func readLoadBalancer() {
        func table(_ change: (inout LoadBalancerTable) -> Void) -> LoadBalancerTable {
            site.loadBalancer { table in
                furnishing(&table)
                change(&table)
            }
        }
        site.readLTM(failures["ltm-1"].map { .failed($0) } ?? .read(table(balancer)))
        guard let standby else { return }
        let other = table { table in
            table.role = .standby
            standby(&table)
        }
        site.snapshot.apply(
            .loadBalancerRead(name: "ltm-1", unit: "v", .read(other), took: 50),
            at: site.now
        )
    }

    private mutating func hearKubernetes() {
        guard site.snapshot.kubernetes != nil, isKubernetesHeard else { return }
        for update in [
            ClusterUpdate.nodes(.heard), .services(.heard), .endpointSlices(.heard),
            .exposures(.heard),
        ] {
            tell(update)
        }
    }

    mutating func tell(_ update: ClusterUpdate) {
        site.snapshot.apply(.cluster(update), at: site.now)
    }

    /// The collector is started anew: what it is configured with stays, of what it knew nothing.
    mutating func restartCollector() {
        let old = site.snapshot
        ledger = IncidentLedger(cluster: old.cluster, policy: AlertPolicy())
        site.snapshot = Snapshot(
            cluster: old.cluster,
            podSupernets: old.podSupernets,
            agentStaleAfter: old.agentStaleAfter,
            intentSource: old.intentSource,
            startedAt: site.now
        )
        site.snapshot.switches = old.switches.mapValues { facts in
            SwitchFacts(
                name: facts.name,
                neighbors: facts.neighbors,
                ways: facts.views.mapValues(\.readings.staleAfter)
            )
        }
        site.snapshot.loadBalancers = old.loadBalancers.mapValues { facts in
            LoadBalancerFacts(
                name: facts.name,
                podsVia: facts.podsVia,
                units: facts.units.mapValues { Readings(staleAfter: $0.staleAfter) }
            )
        }
    }

    // MARK: - What often goes together

    /// Neither switch has the node's CIDR any more, and its pods answer no monitor.
    mutating func lose(_ index: Int) {
        switches("a", "b") { $0.lacks(index) }
        loadBalancer { $0.buries(index) }
    }

    /// Switches and load balancer are as they should be.
    mutating func restore() {
        switches("a", "b")
        loadBalancer()
    }
}

extension SwitchTable {
    mutating func lacks(_ indices: Int...) {
        for index in indices { routes[Site.cidr(index)] = nil }
    }

    /// A best route of BGP, whoever owns what it leads to.
    mutating func has(_ text: String, via hops: String...) {
        routes[prefix(text)] = [
            SwitchRoute(
                prefix: prefix(text),
                vrf: "default",
                nextHops: hops.map(address),
                protocolName: "bgp",
                isBest: true
            )
        ]
    }

    /// The summary lists these nodes alone, by the addresses that switch a knows them by.
    mutating func lists(_ indices: [Int], state: String = "Established") {
        for index in indices {
            neighbors[address("10.1.0.\(index)")] = SwitchNeighbor(
                isEstablished: state == "Established",
                state: state,
                prefixesReceived: state == "Established" ? 1 : nil
            )
        }
    }
}

extension LoadBalancerTable {
    /// Monitors call members down that are meant by that.
    mutating func kill(where isMeant: (PoolMember) -> Bool) {
        for index in all.indices where isMeant(all[index]) {
            all[index].monitor = "down"
            all[index].availability = "offline"
            all[index].reason = "No successful responses"
        }
    }

    /// All members inside a node's CIDR are down.
    mutating func buries(_ indices: Int...) {
        let cidrs = indices.map(Site.cidr)
        kill { member in member.address.map { own in cidrs.contains { $0.contains(own) } } ?? false
        }
    }

    /// What a node's members were called with its old CIDR they are called with a new one.
    mutating func moveMembers(of index: Int, to network: String) {
        let old = Site.cidr(index)
        for member in all.indices {
            guard let own = all[member].address, old.contains(own) else { continue }
            all[member].address = address("\(network).\(own.bits & 0xff)")
        }
    }

    /// A route of its own for each of those nodes, as the F5 controller writes them.
    mutating func routesEach(_ indices: [Int]) {
        routes += indices.map { index in
            LoadBalancerRoute(
                name: "/Common/k8s-n\(index)",
                prefix: Site.cidr(index),
                routeDomain: nil,
                target: .gateway(address("10.3.1.254"))
            )
        }
    }

    mutating func takeOffline(_ reason: String) {
        for index in virtualServers.indices {
            virtualServers[index].availability = "offline"
            virtualServers[index].reason = reason
        }
    }
}

extension KernelFacts {
    /// The pod device leads to another CIDR than the node's own.
    mutating func leads(to prefix: Prefix) { routes[0].prefix = prefix }

    /// Routes to pods of node 3, each through a device of its own, as Calico and others put them there.
    mutating func hasPods(_ hosts: [Int], proto: UInt8 = 3) {
        routes += hosts.map { host in
            KernelRoute(
                prefix: prefix("10.16.2.\(host)/32"),
                proto: proto,
                nextHops: [NextHop(device: "cali\(host)")]
            )
        }
        routes.sort { $0.prefix < $1.prefix }
    }

    /// Uplinks as devices: uplink0 in 10.1.0.0/24, by which all answers leave, and uplink1 in 10.2.0.0/24.
    mutating func hasUplinks(of index: Int) {
        for (number, device) in [(1, "uplink0"), (2, "uplink1")] {
            let own = address("10.\(number).0.\(index)")
            addresses.append(LinkAddress(device: device, address: own, length: 24))
            links[device] = Link(
                name: device,
                index: UInt32(number),
                isAdminUp: true,
                hasCarrier: true,
                mtu: 9_000,
                reversePathFilter: .loose
            )
        }
        let way = NextHop(gateway: address("10.1.0.254"), device: "uplink0")
        routes.insert(KernelRoute(prefix: prefix("0.0.0.0/0"), nextHops: [way]), at: 0)
    }
}

extension BIRDFacts {
    /// Its configuration names another CIDR than the node's own, and that is sent.
    mutating func announces(_ prefix: Prefix) {
        statics[0].prefix = prefix
        routes = [prefix: routes.values.first ?? []]
        routes[prefix]?[0].prefix = prefix
        exports = Dictionary(
            uniqueKeysWithValues: exports.map { key, answer in
                (ExportKey(uplink: key.uplink, prefix: prefix), answer)
            }
        )
    }

    /// Another CIDR beside its own, held as a blackhole.
    mutating func alsoAnnounces(_ prefix: Prefix) {
        statics.append(BIRDStatic(prefix: prefix, protocolName: "static1", isDormant: false))
        routes[prefix] = routes.values.first
        routes[prefix]?[0].prefix = prefix
        for name in sessions.keys { exports[ExportKey(uplink: name, prefix: prefix)] = .sent }
    }

    /// Every export is answered like that, or those over one uplink.
    mutating func answer(_ answer: ExportAnswer, over uplink: String? = nil) {
        for key in exports.keys where uplink == nil || key.uplink == uplink {
            exports[key] = answer
        }
    }

    /// The CIDR is not in its table.
    mutating func forget() {
        routes = [:]
        answer(.notInTable)
    }

    /// A session that is not up any more, with BIRD's words for it.
    mutating func lose(_ uplinks: String..., error: String, since now: Timestamp) {
        for uplink in uplinks {
            sessions[uplink]?.protocolState = .start
            sessions[uplink]?.state = .active
            sessions[uplink]?.lastError = error
            sessions[uplink]?.firstError = error
            sessions[uplink]?.since = now
            answer(.channelDown, over: uplink)
        }
    }

    /// Sessions that came up at that moment.
    mutating func established(_ uplinks: String..., since now: Timestamp) {
        for uplink in uplinks { sessions[uplink]?.since = now }
    }
}

/// Whoever reads a verdict alone finds the device: something that was seen, and something to type.
func expectWhole(_ verdict: Verdict) {
    #expect(!verdict.evidence.isEmpty, "\(verdict.identity) has no evidence")
    #expect(!verdict.verify.isEmpty, "\(verdict.identity) has nothing to type")
    let words =
        verdict.evidence.flatMap { [$0.source, $0.fact, $0.value] }
        + verdict.verify.flatMap { [$0.on, $0.command] } + [verdict.summary]
    #expect(words.allSatisfy { !$0.isEmpty }, "\(verdict.identity) has an empty word")
    guard verdict.identity.contains("/switch/") else { return }
    let name = verdict.subject.switchName ?? ""
    #expect(
        verdict.verify.contains { $0.on == name },
        "\(verdict.identity) has nothing to type there"
    )
}
