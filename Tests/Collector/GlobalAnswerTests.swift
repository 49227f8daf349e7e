// SPDX-License-Identifier: Apache-2.0
import BigIPSource
import Facts
import Routing
import Support
import Testing

/// Bytes in the shapes that facts about 13.1 give, written by hand: no unit with the DNS module was at hand.
@Suite struct GlobalAnswers {
    private let members = """
        {"kind":"tm:gtm:pool:a:members:memberscollectionstats","entries":{
        "https://localhost/mgmt/tm/gtm/pool/a/~Common~web/members/web:~Common~ltm-pair/stats":{"nestedStats":{
        "entries":{"serverName":{"description":"/Common/ltm-pair"},"vsName":{"description":"web"},
        "status.availabilityState":{"description":"offline"},"status.enabledState":{"description":"enabled"},
        "status.statusReason":{"description":" Monitor /Common/bigip : no reply from big3d: timed out"}}}},
        "https://localhost/mgmt/tm/gtm/pool/a/~Common~web/members/web:far/stats":{"nestedStats":{
        "entries":{"serverName":{"description":"far"},"vsName":{"description":"web"},
        "status.availabilityState":{"description":"available"}}}}}}
        """

    @Test("states of members are joined by server and virtual server, whatever their keys")
    func memberStates() throws {
        let states = try decodeGlobalMemberStates(Array(members.utf8))
        #expect(states.keys.sorted() == ["far:web", "ltm-pair:web"])
        let own = try #require(states["ltm-pair:web"])
        #expect(own.isDown)
        #expect(own.isUnheard)
        #expect(own.reason == "Monitor /Common/bigip : no reply from big3d: timed out")
        #expect(states["far:web"]?.isDown == false)
    }

    @Test(
        "a member's name is server and virtual server, with or without a partition",
        arguments: [
            ("/Common/ltm-pair:web", "ltm-pair:web"),
            ("ltm-pair:/Common/web", "ltm-pair:/Common/web"),
            ("ltm-pair:web", "ltm-pair:web"), ("alias.example.com", nil), (":", nil), ("::", nil),
            ("/Common/:", nil), ("", nil), ("/", nil),
        ]
    )
    func names(_ member: String, _ name: String?) {
        #expect(globalName(member: member) == name)
    }

    @Test("an answer about another thing, and one that is an error, is no state")
    func others() {
        #expect(throws: BigIPDecodingError.self) {
            try decodeWideIPState(Array(members.utf8))
        }
        #expect(throws: BigIPDecodingError.self) {
            try decodeGlobalMemberStates(
                Array(#"{"code":404,"message":"no","errorStack":[]}"#.utf8)
            )
        }
    }

    @Test(
        "a live route table is read whatever its columns are called",
        arguments: [
            ("destination", "nextHop", "origin"), ("dest", "gw", "source"),
            ("status.destination", "nexthop", "Origin"),
        ]
    )
    func liveRoutes(_ destination: String, _ hop: String, _ origin: String) throws {
        let text = """
            {"kind":"tm:net:route:routecollectionstats","entries":{"https://localhost/1":{"nestedStats":{"entries":{
            "name":{"description":"10.16.1.0/24"},"\(destination)":{"description":"10.16.1.0%2/24"},
            "type":{"description":"gw"},"\(hop)":{"description":"10.3.1.254%2"},"\(origin)":{"description":"dynamic"}
            }}}}}
            """
        let answer = try decodeLiveRoutes(Array(text.utf8))
        #expect(answer.problems == [])
        let route = LoadBalancerRoute(
            name: "10.16.1.0/24",
            prefix: prefix("10.16.1.0/24"),
            routeDomain: 2,
            target: .gateway(address("10.3.1.254")),
            isDynamic: true
        )
        #expect(answer.routes == [route])
    }

    @Test("a row without a destination is a problem, not a route less")
    func noDestination() throws {
        let text = """
            {"kind":"tm:net:route:routecollectionstats","entries":{"https://localhost/1":{"nestedStats":{"entries":{
            "name":{"description":"x"},"type":{"description":"gw"}}}}}}
            """
        #expect(try decodeLiveRoutes(Array(text.utf8)).problems.count == 1)
    }
}
