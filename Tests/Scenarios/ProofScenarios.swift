// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing
import Verdicts

@Suite struct ProofScenarios {
    private func site() -> Site {
        var site = Site()
        site.snapshot.kubernetes = ClusterFacts()
        return site
    }

    private func lose(_ site: inout Site, _ index: Int) {
        let lost = AgentUpdate.disconnected(.lost(reason: "cannot be proved now: HTTP 503"))
        site.snapshot.apply(.agent(node: "n\(index)", lost), at: site.now)
    }

    private func fail(_ site: inout Site) {
        site.snapshot.apply(.tokenReviews(failure: "HTTP 503"), at: site.now)
    }

    private func pass(_ site: inout Site, seconds: Int, except silent: Set<Int>) {
        for _ in 0..<(seconds / 5) {
            site.pass(5_000)
            site.heartbeats(except: silent)
            site.readAll()
            if site.snapshot.kubernetes?.tokenReviews.failure != nil { fail(&site) }
        }
    }

    private func kinds(_ site: Site) -> Set<Kind> { Set(site.judgement.verdicts.map(\.kind)) }

    @Test("agents that nobody can prove are not missed; that they cannot be proved is told")
    func outage() {
        var site = site()
        fail(&site)
        for index in 1...4 { lose(&site, index) }
        pass(&site, seconds: 90, except: [1, 2, 3, 4])
        #expect(kinds(site) == [.sourceUnreadable])
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.summary.contains("token reviews: HTTP 503"), "\(verdict.summary)")
        #expect(verdict.verify.map(\.command) == ["kubectl get --raw /readyz"])
    }

    @Test("once tokens can be reviewed again an agent has a minute to return, and is missed then")
    func recovery() {
        var site = site()
        fail(&site)
        lose(&site, 3)
        pass(&site, seconds: 90, except: [3])
        site.snapshot.apply(.tokenReviews(failure: nil), at: site.now)
        pass(&site, seconds: 55, except: [3])
        // That nobody is missed is never silent.
        #expect(kinds(site) == [.sourceUnreadable])
        let settled = site.snapshot.kubernetes?.tokenReviews.settledAt
        #expect(
            site.judgement.nextChange.map { next in settled.map { next <= $0 } ?? false } ?? false
        )
        pass(&site, seconds: 10, except: [3])
        #expect(kinds(site) == [.agentSilent])
    }

    @Test(
        "of an API server that was away for half a minute nothing is told, however long agents take to return"
    )
    func restart() {
        var site = site()
        fail(&site)
        lose(&site, 3)
        pass(&site, seconds: 30, except: [3])
        site.snapshot.apply(.tokenReviews(failure: nil), at: site.now)
        for _ in 0..<11 {
            pass(&site, seconds: 5, except: [3])
            #expect(kinds(site) == [])
        }
        pass(&site, seconds: 10, except: [3])
        #expect(kinds(site) == [.agentSilent])
    }

    @Test("who was silent before, and who says nothing on an open stream, is missed all the same")
    func others() {
        var site = site()
        lose(&site, 2)
        pass(&site, seconds: 30, except: [2])
        #expect(kinds(site) == [.agentSilent])
        fail(&site)
        pass(&site, seconds: 20, except: [2, 3])
        let silent = site.judgement.verdicts.filter { $0.kind == .agentSilent }
        let nodes = silent.compactMap(\.subject.node) + silent.flatMap(\.impact.nodes)
        #expect(Set(nodes) == ["n2", "n3"], "\(silent)")
    }

    @Test(
        "after a minute it is told why nobody is missed, also when failures come and go; an API server that starts anew is no news"
    )
    func neverSilent() {
        var site = site()
        fail(&site)
        lose(&site, 3)
        for second in stride(from: 5, through: 120, by: 5) {
            pass(&site, seconds: 5, except: [3])
            if second % 20 == 10 { site.snapshot.apply(.tokenReviews(failure: nil), at: site.now) }
            if second % 20 == 0 { fail(&site) }
            #expect(kinds(site) == (second > 60 ? [.sourceUnreadable] : []), "\(second)")
        }
    }

    @Test("who was proved by a certificate is missed, whoever reviews tokens")
    func certificate() {
        var site = site()
        for index in [2, 3] {
            let update = AgentUpdate.connected(
                interval: 5_000,
                version: "t",
                byCertificate: index == 2
            )
            site.snapshot.apply(.agent(node: "n\(index)", update), at: site.now)
        }
        fail(&site)
        for index in [2, 3] { lose(&site, index) }
        pass(&site, seconds: 70, except: [2, 3])
        let silent = site.judgement.verdicts.filter { $0.kind == .agentSilent }
        #expect(silent.compactMap(\.subject.node) == ["n2"], "\(silent)")
        #expect(kinds(site).contains(.sourceUnreadable))
    }

    @Test("a failure that comes back before everybody is there is the same one")
    func flapping() {
        var site = site()
        fail(&site)
        lose(&site, 3)
        pass(&site, seconds: 30, except: [3])
        site.snapshot.apply(.tokenReviews(failure: nil), at: site.now)
        pass(&site, seconds: 30, except: [3])
        fail(&site)
        pass(&site, seconds: 50, except: [3])
        #expect(!kinds(site).contains(.agentSilent))
    }
}
