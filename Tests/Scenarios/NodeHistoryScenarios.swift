// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing
import Verdicts

/// The small site, and what its agents tell one report after another.
@Suite struct NodeHistoryScenarios {
    private let cidr = Site.cidr(3)

    private func verdict(_ site: Site, _ kind: Kind) -> Verdict? {
        site.judgement.verdicts.first { $0.kind == kind }
    }

    // MARK: - Kernel

    @Test("kernel-device-recreated: the device has a new index, its route was not put back")
    func recreated() {
        var site = Site()
        site.pass(1_000)
        // The kernel tells of the route first.
        site.report(3) { kernel, _ in kernel.routes = [] }
        site.pass(10)
        site.report(3) { kernel, _ in
            kernel.routes = []
            kernel.links["cilium_host"] = nil
        }
        site.pass(1_000)
        site.report(3) { kernel, _ in
            kernel.routes = []
            kernel.links["cilium_host"]?.index = 9
        }
        #expect(site.kinds == [.kernelDeviceRecreated])
        #expect(
            site.judgement.verdicts[0].summary
                == "10.16.2.0/24 of n3 is lost: device cilium_host was made anew, and its"
                + " route was not put back"
        )
        #expect(site.judgement.verdicts[0].since == site.now)
        site.report(3) { kernel, _ in kernel.links["cilium_host"]?.index = 9 }
        #expect(site.kinds == [])
        // A route that is lost later has another cause.
        site.report(3) { kernel, _ in
            kernel.routes = []
            kernel.links["cilium_host"]?.index = 9
        }
        #expect(site.kinds == [.kernelRouteMissing])
    }

    private func crowd(_ kernel: inout KernelFacts, _ count: Int, proto: UInt8 = 4) {
        for host in 0..<count {
            kernel.routes.append(
                KernelRoute(
                    prefix: prefix("10.16.2.\(20 + host)/32"),
                    proto: proto,
                    nextHops: [NextHop(device: "cilium_host")]
                )
            )
        }
        kernel.routes.sort { $0.prefix < $1.prefix }
    }

    @Test("kernel-routes-swept: the CIDR's route and many others leave the kernel in one burst")
    func swept() {
        var site = Site()
        site.report(3) { kernel, _ in crowd(&kernel, 5) }
        site.pass(10_000)
        site.report(3) { kernel, _ in
            crowd(&kernel, 2)
            kernel.routes.removeAll { $0.prefix == cidr }
        }
        site.pass(500)
        site.report(3) { kernel, _ in kernel.routes = [] }
        #expect(site.kinds == [.kernelRoutesSwept])
        let verdict = site.judgement.verdicts.first
        #expect(verdict?.severity == .critical)
        #expect(verdict?.since == site.now - 500)
        #expect(
            verdict?.summary
                == "10.16.2.0/24 of n3 is lost: 6 routes (proto static, unspec) were deleted at once,"
                + " and not by BIRD"
        )
        site.report(3) { kernel, _ in crowd(&kernel, 5) }
        #expect(site.kinds == [])
    }

    @Test("a sweep stays one until its routes are back, whatever goes after it")
    func sweepStays() {
        var site = Site()
        site.report(3) { kernel, _ in crowd(&kernel, 6) }
        site.pass(10_000)
        site.report(3) { kernel, _ in
            crowd(&kernel, 1)
            kernel.routes.removeAll { $0.prefix == cidr }
        }
        #expect(site.kinds == [.kernelRoutesSwept])
        site.pass(4_000)
        site.heartbeats()
        site.report(3) { kernel, _ in kernel.routes = [] }
        #expect(site.kinds == [.kernelRoutesSwept])
        // Of a report that is not complete nothing is taken.
        site.report(3) { kernel, _ in
            kernel.routes = []
            kernel.isComplete = false
        }
        site.report(3) { kernel, _ in kernel.routes = [] }
        #expect(site.kinds == [.kernelRoutesSwept])
        site.report(3)
        #expect(site.kinds == [])
    }

    @Test("pods that end, routes of BIRD and a device that goes are no sweep")
    func notSwept() {
        var pods = Site()
        pods.report(3) { kernel, _ in crowd(&kernel, 5) }
        pods.pass(5_000)
        pods.report(3)
        #expect(pods.kinds == [])
        pods.pass(5_000)
        pods.report(3) { kernel, _ in kernel.routes = [] }
        #expect(pods.kinds == [.kernelRouteMissing])
        var bird = Site()
        bird.report(3) { kernel, _ in crowd(&kernel, 5, proto: 12) }
        bird.pass(10_000)
        bird.report(3) { kernel, _ in kernel.routes = [] }
        #expect(bird.kinds == [.kernelRouteMissing])
        var device = Site()
        device.report(3) { kernel, _ in crowd(&kernel, 5) }
        device.pass(10_000)
        device.report(3) { kernel, _ in
            kernel.routes = []
            kernel.links["cilium_host"]?.isAdminUp = false
        }
        #expect(device.kinds == [.kernelDeviceDown])
        // A dump that is not complete proves nothing.
        var half = Site()
        half.report(3) { kernel, _ in crowd(&kernel, 5) }
        half.report(3) { kernel, _ in
            kernel.routes = []
            kernel.isComplete = false
        }
        #expect(half.kinds == [])
    }

    private func hole(
        _ text: String,
        metric: UInt32 = 0,
        _ destination: Destination = .blackhole
    ) -> KernelRoute {
        KernelRoute(prefix: prefix(text), metric: metric, destination: destination, proto: 4)
    }

    private func add(_ routes: KernelRoute..., to index: Int, of site: inout Site) {
        site.report(index) { kernel, _ in
            kernel.routes = (kernel.routes + routes).sorted { $0.prefix < $1.prefix }
        }
    }

    @Test("kernel-blackhole: a route of one node drops what it sends to another's CIDR")
    func blackhole() {
        for text in ["10.16.1.0/24", "10.16.0.0/16", "10.16.1.128/25"] {
            var site = Site()
            add(hole(text), to: 3, of: &site)
            #expect(site.kinds == [.kernelBlackhole])
            let verdict = site.judgement.verdicts[0]
            #expect(verdict.subject == Subject(node: "n3"))
            #expect(verdict.severity == .warning)
            #expect(
                verdict.summary.hasPrefix(
                    "n3: its kernel has a blackhole route \(text), which drops"
                )
            )
        }
    }

    @Test("a route that drops what a better route takes, or what nobody owns, is no fault")
    func harmless() {
        var site = Site(nodes: 2)
        let other = KernelRoute(
            prefix: Site.cidr(2),
            proto: 12,
            nextHops: [NextHop(gateway: address("10.1.0.254"), device: "uplink0")]
        )
        add(hole("10.16.0.0/16", metric: 9, .unreachable), other, to: 1, of: &site)
        #expect(site.kinds == [])
        add(hole("10.16.99.0/24"), hole("192.168.0.0/16"), to: 1, of: &site)
        #expect(site.kinds == [])
        add(hole("10.16.1.0/24", metric: 99), other, to: 1, of: &site)
        #expect(site.kinds == [])
    }

    @Test("kernel-blackhole: a node's own CIDR is dropped by its own kernel")
    func ownBlackhole() {
        var site = Site()
        site.report(3) { kernel, _ in kernel.routes = [hole("10.16.2.0/24", .prohibit)] }
        #expect(site.kinds == [.kernelBlackhole])
        #expect(site.judgement.verdicts[0].severity == .critical)
        #expect(site.judgement.verdicts[0].subject == Subject(node: "n3", prefix: cidr))
    }

    @Test("a Calico fleet, of which each node holds its own block as a blackhole, is well")
    func blocks() {
        var site = Site()
        site.snapshot.intentSource = .kubernetes
        var intents = Site.intents(4)
        for index in 1...4 {
            intents["n\(index)"]?.claims = ["BlockAffinity": [Site.cidr(index)]]
            site.report(index) { kernel, _ in kernel.routes = [hole("10.16.\(index - 1).0/24")] }
        }
        site.snapshot.apply(.intent(.read(intents)), at: site.now)
        #expect(!site.kinds.contains(.kernelBlackhole))
        #expect(!site.kinds.contains(.kernelRouteMissing))
    }

    @Test("kernel-blackhole: an address that was lent to another node is in the block of its owner")
    func lent() {
        var site = Site()
        site.snapshot.kubernetes = ClusterFacts()
        let endpoint = EndpointSlice.Endpoint(
            address: address("10.16.2.77"),
            node: "n1",
            isReady: true
        )
        let slice = EndpointSlice(
            service: "default/web",
            endpoints: [endpoint],
            ports: [ClusterService.Port(name: "http", number: 80)]
        )
        site.snapshot.apply(.cluster(.endpointSlices(.listed(["web-1": slice]))), at: site.now)
        add(hole("10.16.2.64/26"), to: 3, of: &site)
        #expect(
            verdict(site, .kernelBlackhole)?.summary
                == "n3: its kernel has a blackhole route 10.16.2.64/26, which drops what it sends to"
                + " pod 10.16.2.77, which runs on n1"
        )
        let way = KernelRoute(
            prefix: prefix("10.16.2.77/32"),
            nextHops: [NextHop(gateway: address("10.1.0.1"))]
        )
        add(hole("10.16.2.64/26"), way, to: 3, of: &site)
        #expect(verdict(site, .kernelBlackhole) == nil)
    }

    // MARK: - BIRD and sessions

    @Test("bird-two-speakers: two daemons speak to one switch, or the port is taken")
    func twoSpeakers() {
        var site = Site()
        let node = "n3"
        let bird = Site.healthyBIRD(3)
        site.snapshot.apply(
            .agent(node: node, .snapshot(Site.healthyKernel(3), ["a.ctl": bird, "b.ctl": bird])),
            at: site.now
        )
        #expect(
            verdict(site, .birdTwoSpeakers)?.summary
                == "n3: two BIRDs, a.ctl and b.ctl, speak BGP to 10.1.0.254"
        )
        site.report(3) { _, bird in
            for name in ["uplink0", "uplink1"] {
                bird.sessions[name]?.state = .down
                bird.sessions[name]?.protocolState = .down
                bird.sessions[name]?.lastError = "Error: No listening socket"
            }
        }
        #expect(site.kinds == [.birdTwoSpeakers])
        #expect(site.judgement.verdicts[0].subject == Subject(node: "n3"))
        #expect(
            verdict(site, .birdTwoSpeakers)?.summary
                == "n3: BIRD has no listening socket for BGP (Error: No listening socket): another"
                + " program has port 179, or the address that it should listen on is missing"
        )
        site.report(3)
        #expect(site.kinds == [])
    }

    private func drop(_ site: inout Site, _ change: (inout BIRDFacts) -> Void = { _ in }) {
        let now = site.now
        site.report(3) { _, bird in
            bird.sessions["uplink0"]?.state = .active
            bird.sessions["uplink0"]?.protocolState = .start
            bird.sessions["uplink0"]?.since = now
            bird.sessions["uplink0"]?.lastError = "Hold timer expired"
            change(&bird)
        }
    }

    @Test("session-flapping: three transitions in ten minutes, told once")
    func flapping() {
        var site = Site()
        for _ in 0..<2 {
            site.pass(10_000)
            site.heartbeats()
            drop(&site)
            #expect(!site.kinds.contains(.sessionFlapping) || site.kinds == [.sessionFlapping])
            site.pass(5_000)
            site.heartbeats()
            site.report(3)
        }
        #expect(site.kinds == [.sessionFlapping])
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.subject == Subject(node: "n3", uplink: "uplink0", switchName: "a"))
        #expect(
            verdict.summary
                == "n3: BGP session uplink0 with switch a flaps, 4 transitions in ten minutes, up now"
        )
        site.pass(5_000)
        site.heartbeats()
        drop(&site)
        #expect(site.kinds == [.sessionFlapping])
        for _ in 0..<3 { site.round() }
        #expect(site.kinds == [.sessionDown, .sessionFlapping])
        site.report(3)
        for _ in 0..<70 { site.round() }
        #expect(site.kinds == [])
    }

    @Test("what a session did before BIRD was restarted counts no more")
    func begunAnew() {
        var site = Site()
        func report(_ boot: String) { site.report(3) { _, bird in bird.lastReboot = boot } }
        report("2026-11-27 09:00:00.500")
        for _ in 0..<2 {
            site.pass(5_000)
            site.heartbeats()
            drop(&site) { $0.lastReboot = "2026-11-27 09:00:00.501" }
            site.pass(5_000)
            site.heartbeats()
            report("2026-11-27 09:00:01.002")
        }
        // BIRD computes the text anew each time.
        #expect(site.kinds == [.sessionFlapping])
        report("2026-11-27 09:00:20.000")
        #expect(site.kinds == [])
    }

    @Test("a session that is lost with a new configuration, and comes back, does not flap")
    func reconfigured() {
        var site = Site()
        for turn in 0..<3 {
            site.pass(5_000)
            site.heartbeats()
            drop(&site) { $0.lastReconfiguration = "configuration \(turn)" }
            site.pass(2_000)
            site.report(3) { _, bird in bird.lastReconfiguration = "configuration \(turn)" }
        }
        #expect(site.kinds == [])
    }

    @Test("a switch whose sessions flap with most of its nodes is one verdict")
    func flappingSwitch() {
        var site = Site()
        for _ in 0..<5 {
            for state in [BGPState.active, .established] {
                site.pass(2_000)
                let now = site.now
                for index in 1...4 {
                    site.report(index) { _, bird in
                        bird.sessions["uplink0"]?.state = state
                        bird.sessions["uplink0"]?.since = now
                        bird.sessions["uplink0"]?.lastError = "Received: Administrative reset"
                    }
                }
            }
        }
        #expect(site.judgement.verdicts.map(\.identity) == ["session-flapping/switch/a"])
        #expect(site.judgement.verdicts[0].subject == Subject(switchName: "a"))
        #expect(site.judgement.verdicts[0].absorbs.contains("session-flapping/n3"))
    }

    @Test(
        "what a switch does to all its sessions is not counted to one of them that had moved before"
    )
    func sharedLoss() {
        var site = Site()
        func step(_ nodes: [Int], _ state: BGPState) {
            site.pass(60_000)
            let now = site.now
            for index in 1...4 {
                site.report(index) { _, bird in
                    guard nodes.contains(index) else { return }
                    bird.sessions["uplink0"]?.state = state
                    bird.sessions["uplink0"]?.since = now
                    bird.sessions["uplink0"]?.lastError = "Hold timer expired"
                }
            }
        }
        step([3], .active)
        step([3], .established)
        step([1, 2, 3, 4], .active)
        step([1, 2, 3, 4], .established)
        #expect(!site.kinds.contains(.sessionFlapping))
        step([3], .active)
        #expect(site.kinds.contains(.sessionFlapping))
        #expect(verdict(site, .sessionFlapping)?.subject.node == "n3")
    }

    @Test("what a switch did to all is still known as that when BIRDs were restarted since")
    func sharedBeforeRestarts() {
        var site = Site()
        func step(_ nodes: ClosedRange<Int>, _ state: BGPState, boot: String = "one") {
            site.pass(60_000)
            let now = site.now
            for index in 1...4 {
                site.report(index) { _, bird in
                    bird.lastReboot = nodes.contains(index) || boot == "one" ? "one" : boot
                    guard nodes.contains(index) else { return }
                    bird.sessions["uplink0"]?.state = state
                    bird.sessions["uplink0"]?.since = now
                }
            }
        }
        step(1...4, .active)
        step(1...4, .established)
        step(3...3, .active, boot: "two")
        #expect(!site.kinds.contains(.sessionFlapping))
        step(3...3, .established, boot: "two")
        #expect(!site.kinds.contains(.sessionFlapping))
        step(3...3, .active, boot: "two")
        #expect(verdict(site, .sessionFlapping)?.subject.node == "n3")
    }

    @Test("a session that flaps within seconds of what the switch did to all is told")
    func flapsBeside() {
        var site = Site()
        func step(_ nodes: ClosedRange<Int>, _ state: BGPState, after milliseconds: Int64) {
            site.pass(milliseconds)
            let now = site.now
            for index in nodes {
                site.report(index) { _, bird in
                    bird.sessions["uplink0"]?.state = state
                    bird.sessions["uplink0"]?.since = now
                }
            }
        }
        step(1...4, .active, after: 60_000)
        step(1...4, .established, after: 5_000)
        #expect(!site.kinds.contains(.sessionFlapping))
        step(3...3, .active, after: 1_000)
        step(3...3, .established, after: 1_000)
        #expect(!site.kinds.contains(.sessionFlapping))
        step(3...3, .active, after: 1_000)
        #expect(verdict(site, .sessionFlapping)?.subject.node == "n3")
    }

    @Test("restarts of BIRD and what an operator does are no flapping")
    func restarts() {
        var site = Site()
        for turn in 0..<4 {
            site.pass(10_000)
            drop(&site) { $0.lastReboot = "boot \(turn)" }
            site.pass(5_000)
            site.report(3) { _, bird in bird.lastReboot = "boot \(turn) again" }
        }
        #expect(!site.kinds.contains(.sessionFlapping))
        var disabled = Site()
        for _ in 0..<4 {
            disabled.pass(10_000)
            drop(&disabled) { $0.sessions["uplink0"]?.isDisabled = true }
        }
        #expect(!disabled.kinds.contains(.sessionFlapping))
        // The agent believes that somebody disabled it only when it still is a moment later.
        var confirmed = Site()
        for _ in 0..<4 {
            confirmed.pass(10_000)
            drop(&confirmed)
            confirmed.pass(300)
            drop(&confirmed) { $0.sessions["uplink0"]?.isDisabled = true }
            confirmed.pass(10_000)
            confirmed.report(3) { _, _ in }
        }
        #expect(!confirmed.kinds.contains(.sessionFlapping))
    }

    private func recover(_ site: inout Site, restartTime: UInt32?) {
        let since = site.now
        for _ in 0..<3 {
            site.report(3) { _, bird in
                bird.isRecovering = true
                for name in ["uplink0", "uplink1"] {
                    bird.sessions[name]?.since = since
                    bird.sessions[name]?.restartTime = restartTime
                    bird.exports[ExportKey(uplink: name, prefix: cidr)] = .notSent
                }
            }
        }
    }

    @Test("restart-stuck: BIRD is in recovery for longer than the restart time")
    func stuck() {
        for (time, patience) in [(UInt32(120), Int64(130_000)), (nil, 250_000)] {
            var site = Site()
            recover(&site, restartTime: time)
            #expect(site.kinds == [])
            #expect(
                site.states(.export, of: 3)
                    == .init(
                        repeating: .unknown(reason: "BIRD is in recovery from a graceful restart"),
                        count: 2
                    )
            )
            #expect(site.judgement.nextChange.map { $0 <= site.now + patience } ?? false)
            for _ in 0..<(patience / 10_000) {
                site.pass(10_000)
                site.heartbeats()
                for name in ["a", "b"] { site.read(name, .read(site.table(name))) }
                site.readLTM(.read(site.loadBalancer()))
            }
            #expect(site.kinds == [.restartStuck])
            #expect(
                site.judgement.verdicts[0].summary.hasPrefix(
                    "n3 exports nothing over uplink0 and uplink1: BIRD is still in recovery from"
                        + " its graceful restart, for which "
                )
            )
            site.report(3)
            #expect(site.kinds == [])
        }
    }

    /// BIRD restarts at site.now, and is back with its sessions five seconds later.
    private func restart(_ site: inout Site, isGraceful: Bool = true, restartTime: UInt32? = 120) {
        func report(_ change: (inout BIRDFacts) -> Void) {
            site.report(3) { _, bird in
                for name in ["uplink0", "uplink1"] {
                    bird.sessions[name]?.restartTime = restartTime
                }
                change(&bird)
            }
        }
        let now = site.now
        report { $0.lastReboot = "first" }
        site.report(3) { _, bird in bird = BIRDFacts(condition: .refused, conditionSince: now)
        }
        site.pass(5_000)
        site.heartbeats()
        report { bird in
            (bird.lastReboot, bird.isRecovering) = ("second", isGraceful)
            for name in ["uplink0", "uplink1"] { bird.sessions[name]?.since = now + 5_000 }
        }
        report { $0.lastReboot = "second" }
    }

    private func lose(_ site: inout Site) {
        for has in [false, true, true] {
            site.pass(1_000)
            site.heartbeats()
            site.read("a", .read(site.table("a") { if !has { $0.routes[cidr] = nil } }))
            site.read("b", .read(site.table("b")))
        }
    }

    @Test("switch-restart-not-honoured: negotiated, and the switch dropped the CIDR")
    func notHonoured() {
        var site = Site()
        restart(&site)
        lose(&site)
        #expect(site.kinds == [.switchRestartNotHonoured])
        #expect(
            site.judgement.verdicts[0].summary
                == "switch a dropped 10.16.2.0/24 of n3 while the node's BIRD restarted gracefully: it had"
                + " agreed to keep it for 120 s"
        )
        for _ in 0..<45 { site.round() }
        #expect(site.kinds == [])
    }

    @Test("without recovery, without agreement, or kept by the switch, a restart is nobody's fault")
    func honoured() {
        var plain = Site()
        restart(&plain, isGraceful: false)
        lose(&plain)
        #expect(plain.kinds == [])
        var unaware = Site()
        restart(&unaware, restartTime: nil)
        lose(&unaware)
        #expect(unaware.kinds == [])
        var kept = Site()
        restart(&kept)
        for _ in 0..<3 { kept.round() }
        #expect(kept.kinds == [])
    }

    // MARK: - Host routes

    private func readHosts(
        _ site: inout Site,
        _ hosts: [String],
        withCIDR: Bool = true,
        via: String = "10.1.0.3"
    ) {
        for _ in 0..<2 {
            site.pass(15_000)
            site.heartbeats()
            for name in ["a", "b"] {
                site.read(
                    name,
                    .read(
                        site.table(name) { table in
                            for host in hosts.map(prefix) {
                                table.routes[host] = [
                                    SwitchRoute(
                                        prefix: host,
                                        vrf: "default",
                                        nextHops: [
                                            address(
                                                name == "a"
                                                    ? via : via.replacing("10.1", with: "10.2")
                                            )
                                        ],
                                        protocolName: "bgp",
                                        isBest: true
                                    )
                                ]
                            }
                            if !withCIDR { table.routes[cidr] = nil }
                        }
                    )
                )
            }
            site.readLTM(.read(site.loadBalancer()))
        }
    }

    @Test("host-routes-exported: routes to single pods beside their CIDR, or in its place")
    func hostRoutes() {
        var site = Site()
        readHosts(&site, ["10.16.2.10/32", "10.16.2.11/32"])
        #expect(site.kinds == [.hostRoutesExported])
        let verdict = site.judgement.verdicts.first
        #expect(verdict?.severity == .warning)
        #expect(verdict?.subject == Subject(node: "n3", prefix: cidr))
        #expect(
            verdict?.summary
                == "n3 exports more than 10.16.2.0/24: switch a and switch b have 2 host routes inside"
                + " it (10.16.2.10/32, 10.16.2.11/32) beside it"
        )
        site.report(3) { _, bird in
            for name in ["uplink0", "uplink1"] {
                bird.exports[ExportKey(uplink: name, prefix: cidr)] = .rejectedByFilter
            }
        }
        readHosts(&site, ["10.16.2.10/32"], withCIDR: false)
        #expect(site.kinds == [.hostRoutesExported])
        #expect(site.judgement.verdicts.first?.severity == .critical)
        site.report(3)
        readHosts(&site, [])
        #expect(site.kinds == [])
    }

    @Test(
        "a host route outside of every CIDR is no pod's, and another node's announcement is a matter of owners"
    )
    func otherHosts() {
        var site = Site()
        readHosts(&site, ["10.99.0.1/32"])
        #expect(site.kinds == [])
        readHosts(&site, ["10.16.2.10/32"], via: "10.1.0.1")
        #expect(!site.kinds.contains(.hostRoutesExported))
    }
}
