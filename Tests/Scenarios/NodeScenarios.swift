// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing
import Verdicts

@Suite struct NodeScenarios {
    @Test("a healthy site says nothing, and every stage of every path is known")
    func healthy() {
        let judgement = Site().judgement
        #expect(judgement.verdicts.isEmpty)
        #expect(judgement.paths.count == 4)
        for path in judgement.paths {
            for result in path.stages where result.state != .notChecked {
                #expect(result.state == .ok, "\(path.prefix) \(result)")
            }
        }
    }

    @Test("kernel-route-missing: the route is gone, BIRD still announces, members die: one root")
    func kernelRouteMissing() {
        var site = Site()
        site.report(3) { kernel, _ in kernel.routes = [] }
        site.readLTM(
            .read(
                site.loadBalancer { table in
                    for index in table.all.indices where index % 4 == 2 {
                        table.all[index].monitor = "down"
                        table.all[index].availability = "offline"
                    }
                }
            )
        )
        #expect(site.kinds == [.kernelRouteMissing])
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.subject == Subject(node: "n3", prefix: prefix("10.16.2.0/24")))
        #expect(
            verdict.summary
                == "10.16.2.0/24 of n3 is lost: the kernel has no route for it"
        )
        #expect(verdict.impact.poolMembers == 2)
        #expect(verdict.impact.virtualServers == ["/K8S/web"])
        #expect(
            verdict.verify.contains {
                $0.on == "n3" && $0.command == "ip -4 route show table all 10.16.2.0/24"
            }
        )
    }

    @Test("a kernel that was not read completely has lost nothing")
    func kernelIncomplete() {
        var site = Site()
        site.report(3) { kernel, _ in kernel = KernelFacts() }
        #expect(site.kinds == [])
        #expect(
            site.states(.kernel, of: 3) == [
                .unknown(reason: "kernel tables not read completely yet")
            ]
        )
    }

    @Test("kernel-device-down: the route vanished with its device, and the device is named")
    func kernelDeviceDown() {
        var site = Site()
        site.report(3) { kernel, bird in
            kernel.routes = []
            kernel.links["cilium_host"]?.isAdminUp = false
            bird.statics[0].isDormant = true
            bird.routes = [:]
            for key in bird.exports.keys { bird.exports[key] = .notInTable }
        }
        #expect(site.kinds == [.kernelDeviceDown])
        #expect(site.judgement.verdicts[0].summary.contains("device cilium_host is down"))
    }

    @Test("bird-unreachable: what BIRD would say is unknown, not missing")
    func birdUnreachable() {
        var site = Site()
        site.report(3) { _, bird in
            bird = BIRDFacts(condition: .refused, conditionSince: at(990_000))
        }
        #expect(site.kinds == [.birdUnreachable])
        #expect(site.judgement.verdicts[0].since == at(990_000))
        for result in site.states(.session, of: 3) {
            guard case .unknown = result else { return #expect(Bool(false), "\(result)") }
        }
    }

    @Test("a BIRD that starts or shuts down is unknown, and no fault")
    func birdPassing() {
        for condition in [BIRDCondition.starting, .shuttingDown] {
            var site = Site()
            site.report(3) { _, bird in
                bird = BIRDFacts(condition: condition, conditionSince: at(0))
            }
            #expect(site.kinds == [])
        }
    }

    @Test("bird-route-missing: the kernel has the CIDR, BIRD does not, exports follow")
    func birdRouteMissing() {
        var site = Site()
        site.report(3) { _, bird in
            bird.statics = []
            bird.routes = [:]
            for key in bird.exports.keys { bird.exports[key] = .notInTable }
        }
        #expect(site.kinds == [.birdRouteMissing])
    }

    @Test("bird-config-drift: BIRD holds a CIDR nobody owns in place of the node's own")
    func birdConfigDrift() {
        var site = Site()
        let stray = prefix("10.16.99.0/24")
        site.report(3) { _, bird in
            bird.statics[0].prefix = stray
            bird.routes = [:]
            bird.exports = [:]
        }
        for _ in 0..<2 {
            site.pass(15_000)
            site.heartbeats()
            for name in ["a", "b"] {
                let table = site.table(name) { table in
                    table.routes[Site.cidr(3)] = nil
                    table.routes[stray] = [
                        SwitchRoute(
                            prefix: stray,
                            vrf: "default",
                            nextHops: [address("10.1.0.3")],
                            protocolName: "bgp",
                            isBest: true
                        )
                    ]
                }
                site.read(name, .read(table))
            }
            site.readLTM(.read(site.loadBalancer()))
        }
        #expect(site.kinds == [.birdConfigDrift])
        #expect(site.judgement.verdicts[0].summary.contains("10.16.99.0/24, which no node owns"))
    }

    @Test("a static protocol that an operator disabled is no drift, whatever another one holds")
    func disabledStatic() {
        var site = Site()
        site.report(3) { _, bird in
            bird.isStaticDown = true
            bird.statics[0].prefix = prefix("10.16.99.0/24")
            bird.routes = [:]
            for key in bird.exports.keys { bird.exports[key] = .notInTable }
        }
        #expect(site.kinds == [.birdRouteMissing])
        #expect(
            site.judgement.verdicts[0].summary.contains("a static protocol of BIRD is disabled")
        )
    }

    @Test("bird-route-unreachable: BIRD knows it, but as unreachable")
    func birdRouteUnreachable() {
        var site = Site()
        site.report(3) { _, bird in bird.routes[Site.cidr(3)]?[0].destination = .unreachable }
        #expect(site.kinds == [.birdRouteUnreachable])
    }

    @Test("agent-silent: its stages are unknown, nothing is missing, and no route is blamed")
    func agentSilent() {
        var site = Site()
        for _ in 0..<3 {
            site.pass(10_000)
            site.heartbeats(except: [3])
            site.readAll()
        }
        #expect(site.kinds == [.agentSilent])
        #expect(site.judgement.verdicts[0].subject == Subject(node: "n3"))
        #expect(site.states(.kernel, of: 3) == [.unknown(reason: "agent silent")])
        #expect(site.states(.switchRIB, of: 3) == [.ok, .ok])
    }

    @Test("an agent that said goodbye has a minute to return")
    func goodbye() {
        var site = Site()
        site.snapshot.apply(.agent(node: "n3", .disconnected(.left)), at: site.now)
        for _ in 0..<5 {
            site.pass(10_000)
            site.heartbeats(except: [3])
            site.readAll()
            #expect(site.kinds == [])
        }
        site.pass(15_000)
        site.heartbeats(except: [3])
        site.readAll()
        #expect(site.kinds == [.agentSilent])
    }

    @Test("after a collector's restart nothing is said before each source has spoken")
    func restart() {
        let site = Site()
        var empty = Snapshot(
            cluster: "lab",
            podSupernets: site.snapshot.podSupernets,
            agentStaleAfter: 15_000,
            intentSource: .file,
            startedAt: at(0)
        )
        empty.apply(.intent(.read(Site.intents(4))), at: at(0))
        for (name, facts) in site.snapshot.switches {
            empty.switches[name] = SwitchFacts(
                name: name,
                neighbors: facts.neighbors,
                ways: [.polled: 45_000]
            )
        }
        #expect(judge(empty, now: at(1_000)).verdicts.isEmpty)
        #expect(judge(empty, now: at(59_000)).verdicts.isEmpty)
    }

    @Test("most agents silent at once is one verdict")
    func fleetSilent() {
        var site = Site()
        for _ in 0..<2 {
            site.pass(15_000)
            site.heartbeats(except: [1, 2, 3])
            site.readAll()
        }
        #expect(site.kinds == [.agentSilent])
        #expect(
            site.judgement.verdicts[0].summary
                == "podpath's agents on 3 nodes are silent at once; the nodes' traffic may be"
                + " fine, podpath just cannot see it"
        )
    }
}
