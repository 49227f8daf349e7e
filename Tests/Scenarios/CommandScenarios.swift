// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing
import Verdicts

/// What a verdict tells an engineer to type, and where: it runs as it stands, and leads to what is broken.
@Suite struct NodeCommandScenarios {
    private func commands(_ site: Site, on place: String) -> [String] {
        site.judgement.verdicts.flatMap(\.verify).filter { $0.on == place }.map(\.command)
    }

    @Test(
        "an export is asked for in words that the BIRD of the node knows",
        arguments: [
            ("2.0.7", "export"), ("1.6.8", "export"), ("v0.3.3+birdv1.6.8", "export"),
            ("2.0.8", "exported"), ("2.0.12", "exported"), ("3.1.8", "exported"), ("", "exported"),
        ]
    )
    func export(version: String, word: String) {
        var site = Site()
        site.report(3) { _, bird in
            bird.version = version
            for key in bird.exports.keys { bird.exports[key] = .notSent }
        }
        #expect(site.kinds == [.notExported])
        let asked = "birdc -r -s bird.ctl show route 10.16.2.0/24 \(word) uplink0"
        #expect(commands(site, on: "n3").contains(asked))
    }

    @Test("a static protocol is asked for by its name, and one that is disabled is the cause")
    func statics() {
        var site = Site()
        site.report(3) { _, bird in
            bird.routes = [:]
            bird.statics[0].prefix = prefix("10.16.99.0/24")
            bird.statics[0].protocolName = "pods:v4"
            bird.answer(.notInTable)
        }
        #expect(site.kinds == [.birdConfigDrift])
        #expect(commands(site, on: "n3").contains("birdc -r -s bird.ctl show static \"'pods:v4'\""))
        site.report(3) { _, bird in
            (bird.routes, bird.statics, bird.isStaticDown) = ([:], [], true)
            bird.answer(.notInTable)
        }
        #expect(site.kinds == [.birdRouteMissing])
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.summary.contains("a static protocol of BIRD is disabled, so BIRD has no"))
        #expect(commands(site, on: "n3").contains("birdc -r -s bird.ctl show protocols"))
    }

    @Test("of two BIRDs with a session of one name the one is asked whose session is down")
    func twoDaemons() {
        var site = Site()
        site.report(3)
        var second = Site.healthyBIRD(3)
        second.sessions = second.sessions.filter { $0.key == "uplink0" }
        second.sessions["uplink0"]?.neighbor = address("10.2.0.254")
        second.sessions["uplink0"]?.state = .active
        second.sessions["uplink0"]?.protocolState = .start
        second.sessions["uplink0"]?.lastError = "Socket: Connection refused"
        var first = Site.healthyBIRD(3)
        first.sessions["uplink1"] = nil
        let daemons = ["z.ctl": second, "a.ctl": first]
        site.snapshot.apply(
            .agent(node: "n3", .snapshot(Site.healthyKernel(3), daemons)),
            at: site.now
        )
        #expect(site.kinds == [.sessionDown])
        #expect(commands(site, on: "n3") == ["birdc -r -s z.ctl show protocols all uplink0"])
    }

    @Test(
        "two nodes with one CIDR are each asked at their BIRD's socket, and Kubernetes only where it is the source"
    )
    func duplicates() {
        var site = Site()
        site.report(2) { _, bird in bird.alsoAnnounces(Site.cidr(3)) }
        #expect(site.kinds.first == .ownerDuplicate)
        let asked = "birdc -r -s bird.ctl show route 10.16.2.0/24 all"
        #expect(commands(site, on: "n3") == [asked])
        #expect(commands(site, on: "n2") == [asked])
        #expect(commands(site, on: "kubernetes").isEmpty)
        #expect(
            site.judgement.verdicts[0].evidence.contains {
                $0.source == "nodes file" && $0.fact == "pod CIDR of node n3" && $0.at != nil
            }
        )
    }

    @Test("who says that the CIDR is the node's stands beside what its kernel or its BIRD lacks")
    func ownership() {
        var site = Site()
        site.report(3) { kernel, _ in kernel.routes = [] }
        site.report(4) { _, bird in bird.forget() }
        let said = site.judgement.verdicts.map { verdict in
            verdict.evidence.filter { $0.source == "nodes file" }.map(\.value)
        }
        #expect(site.kinds == [.birdRouteMissing, .kernelRouteMissing])
        #expect(said == [["10.16.3.0/24"], ["10.16.2.0/24"]])
    }

    @Test("a session that is down: whether another way is left is seen at once")
    func redundancy() {
        var site = Site()
        site.report(3) { _, bird in bird.lose("uplink0", error: "Hold timer expired", since: at(1))
        }
        let seen = site.judgement.verdicts[0].evidence.map { "\($0.fact): \($0.value)" }
        #expect(
            seen.prefix(2) == [
                "session uplink0 (neighbor 10.1.0.254): Active, Hold timer expired",
                "session uplink1 (neighbor 10.2.0.254): Established",
            ]
        )
    }

    @Test(
        "a recovery that does not end: what was agreed, and how long the switch keeps what it has"
    )
    func recovery() {
        var site = Site()
        site.report(3) { _, bird in
            for name in bird.sessions.keys {
                bird.sessions[name]?.restartTime = 120
                bird.sessions[name]?.channels[0].isRecovering = true
            }
            bird.answer(.notSent)
        }
        #expect(site.kinds == [.restartStuck])
        let verdict = site.judgement.verdicts[0]
        #expect(
            verdict.summary
                == "n3 exports nothing over uplink0 and uplink1: BIRD is still in recovery from its graceful restart,"
                + " for which 120 s were agreed; switch a forwards by what it kept from before, until its own"
                + " stale-path time is over"
        )
        #expect(verdict.evidence.contains { $0.fact == "end of recovery" && $0.at == at(630_000) })
        #expect(commands(site, on: "a") == ["show bgp ipv4 unicast 10.16.2.0/24"])
    }
}

@Suite struct DeviceCommandScenarios {
    private func killed(_ table: inout LoadBalancerTable, _ hosts: [String]) {
        table.kill { hosts.contains($0.address?.description ?? "") }
    }

    private let unit = "https://10.1.0.21:8443"

    /// The load balancer's one unit by an address, as people configure it.
    private func addressed() -> Site {
        var site = Site()
        let known = site.snapshot.loadBalancers["ltm-1"]?.units["u"]
        site.snapshot.loadBalancers["ltm-1"]?.units = [unit: known ?? Readings(staleAfter: 45_000)]
        return site
    }

    @Test(
        "a unit is a place to log in to: no scheme, no port, no path, of IPv6 no brackets",
        arguments: [
            ("https://10.1.0.21", "10.1.0.21"), ("https://10.1.0.21:8443", "10.1.0.21"),
            ("https://bigip-a:8443", "bigip-a"),
            ("https://bigip-a.example.net:443/", "bigip-a.example.net"),
            ("https://[2001:db8::21]:8443", "2001:db8::21"),
            ("https://10.1.0.21/mgmt", "10.1.0.21"),
        ]
    )
    func places(unit: String, place: String) {
        var site = Site()
        let known = site.snapshot.loadBalancers["ltm-1"]?.units["u"]
        site.snapshot.loadBalancers["ltm-1"]?.units = [unit: known ?? Readings(staleAfter: 45_000)]
        for _ in 0..<2 {
            site.pass(15_000)
            site.heartbeats()
            let table = site.loadBalancer { $0.routes = [] }
            site.snapshot.apply(
                .loadBalancerRead(name: "ltm-1", unit: unit, .read(table), took: 50),
                at: site.now
            )
        }
        let verdict = judge(site.snapshot, now: site.now).verdicts.first {
            $0.kind == .ltmRouteMissing
        }
        #expect(
            verdict?.verify == [
                Verification(
                    on: "ltm-1 (\(place))",
                    "tmsh -c 'cd /; list net route recursive'",
                    shows: "no network that covers 10.16.0.0/24"
                ),
                Verification(
                    on: "ltm-1 (\(place))",
                    "tmsh show net route",
                    shows: "none that covers it either"
                ),
            ]
        )
    }

    @Test(
        "a CIDR that does not answer: each stage that holds, with its age, and the way back on the node"
    )
    func cidrDown() throws {
        var site = Site()
        for _ in 0..<2 { site.round { killed(&$0, ["10.16.2.10", "10.16.2.11"]) } }
        let verdict = try #require(site.judgement.verdicts.first { $0.kind == .ltmCIDRDown })
        let seen = verdict.evidence.map { "\($0.source), \($0.fact): \($0.value)" }
        for stage in [
            "agent n3, kernel route 10.16.2.0/24: via 10.16.2.1 dev cilium_host",
            "agent n3, export uplink0: sent, session Established",
            "agent n3, export uplink1: sent, session Established",
            "switch a, RIB 10.16.2.0/24: via 10.1.0.3, bgp",
            "switch b, RIB 10.16.2.0/24: via 10.2.0.3, bgp",
            "ltm-1, route for 10.16.2.0/24: 10.16.0.0/16 via 10.3.1.254",
        ] {
            #expect(seen.contains(stage))
        }
        #expect(verdict.evidence.allSatisfy { $0.at != nil })
        #expect(
            verdict.verify.map { "\($0.on): \($0.command)" } == [
                "ltm-1 (u): tmsh show ltm pool /K8S/api members",
                "n3: timeout 3 bash -c '</dev/tcp/10.16.2.10/80 && echo open'",
                "n3: timeout 20 tcpdump -n -i any -c 20 host 10.16.2.10 and net 10.3.1.0/24",
                "a: show ip route 10.16.2.0/24", "b: show ip route 10.16.2.0/24",
                "n3: ip -4 route get 10.3.1.1 from 10.16.2.10 iif cilium_host",
                "n3: grep . /proc/sys/net/ipv4/conf/*/rp_filter",
            ]
        )
    }

    @Test("scattered members: how many, of which pool, where")
    func scattered() {
        var site = Site()
        for _ in 0..<2 { site.round { killed(&$0, ["10.16.2.10"]) } }
        #expect(
            site.judgement.verdicts.map(\.summary) == [
                "ltm-1: 1 member of pool /K8S/web is down in 10.16.2.0/24 of n3, 1 other there is up:"
                    + " look at the application"
            ]
        )
    }

    @Test("units that differ: what the active one has is seen too, and both are asked alike")
    func units() {
        var site = Site()
        let (active, other) = ("https://10.1.0.21", "https://10.1.0.22")
        site.snapshot.loadBalancers["ltm-1"]?.units = [
            active: Readings(staleAfter: 45_000), other: Readings(staleAfter: 45_000),
        ]
        for _ in 0..<3 {
            site.pass(15_000)
            site.heartbeats()
            for name in ["a", "b"] { site.read(name, .read(site.table(name))) }
            for unit in [active, other] {
                let table = site.loadBalancer {
                    $0.partitions = ["K8S"]
                    guard unit == other else { return }
                    $0.role = .standby
                    $0.all.removeAll { $0.address == address("10.16.1.10") }
                }
                site.snapshot.apply(
                    .loadBalancerRead(name: "ltm-1", unit: unit, .read(table), took: 50),
                    at: site.now
                )
            }
        }
        let verdict = judge(site.snapshot, now: site.now).verdicts[0]
        #expect(verdict.summary == "ltm-1: unit 10.1.0.22 (standby) lacks 1 member")
        #expect(
            verdict.evidence.contains {
                $0.fact == "unit 10.1.0.21 (active)" && $0.value == "has them" && $0.at != nil
            }
        )
        #expect(
            verdict.verify.map { "\($0.on): \($0.command)" } == [
                "ltm-1 (10.1.0.22): tmsh show ltm pool /K8S/web members",
                "ltm-1 (10.1.0.21): tmsh show ltm pool /K8S/web members",
                "ltm-1 (10.1.0.22): tmsh show cm sync-status",
            ]
        )
    }

    @Test(
        "a next hop that is another node's is called by that node, one that is nobody's is called so"
    )
    func wrongHop() {
        var site = Site()
        read(&site, times: 3) { $0.has("10.16.2.0/24", via: "10.1.0.4") }
        let summary =
            site.judgement.verdicts.first { $0.kind == .switchWrongNextHop }?.summary ?? ""
        #expect(summary.contains("switch a sends it to 10.1.0.4 (n4's)"))
        read(&site, times: 3) { $0.has("10.16.2.0/24", via: "10.1.0.99") }
        let stranger =
            site.judgement.verdicts.first { $0.kind == .switchWrongNextHop }?.summary ?? ""
        #expect(stranger.contains("switch a sends it to 10.1.0.99 (no node's)"))
    }

    @Test("a part of a unit that cannot be read is called a part, and asked for by itself")
    func parts() {
        var site = Site()
        for _ in 0..<3 { site.round { $0.unreadPools["/K8S/web"] = "HTTP 500" } }
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.kind == .sourceUnreadable)
        #expect(verdict.summary == "a part of ltm-1 cannot be read: pool /K8S/web: HTTP 500")
        #expect(verdict.verify[0].command == "tmsh show ltm pool /K8S/web members")
    }
}
