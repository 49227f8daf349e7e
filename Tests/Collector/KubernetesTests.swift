// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Routing
import Support
import Testing

@testable import KubernetesSource

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func node(_ name: String, _ cidr: String, version: Int = 1) -> String {
    """
    {"metadata":{"name":"\(name)","resourceVersion":"\(version)","uid":"u","managedFields":[{"a":"}]"}]},\
    "spec":{"podCIDR":"\(cidr)","podCIDRs":["\(cidr)"]},\
    "status":{"addresses":[{"type":"Hostname","address":"\(name)"},{"type":"InternalIP","address":"10.1.0.1"}],\
    "conditions":[{"type":"Ready","status":"True"}],"images":[{"names":["x"],"sizeBytes":1}]}}
    """
}

@Suite struct ItemSplitting {
    private func pieces(_ text: String, by size: Int) throws -> [ItemSplitter.Piece] {
        var splitter = ItemSplitter()
        var found: [ItemSplitter.Piece] = []
        var rest = bytes(text)[...]
        while !rest.isEmpty {
            found += try splitter.take(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        #expect(splitter.isComplete)
        return found
    }

    @Test("a list is taken apart into its metadata and items, in pieces of any size")
    func split() throws {
        let items = [node("n1", "10.16.0.0/24"), #"{"a":"\"]}{","b":[{"items":[{}]}]}"#, "{}"]
        let text = """
            {"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"42","continue":"x"},
             "items": [\(items.joined(separator: " ,\n"))], "other":{"items":[{"no":1}]}}
            """
        let expected: [ItemSplitter.Piece] =
            [.metadata(bytes(#"{"resourceVersion":"42","continue":"x"}"#))]
            + items.map { .item(bytes($0)) }
        for size in [1, 2, 3, 7, 64, 100_000] { #expect(try pieces(text, by: size) == expected) }
        #expect(try pieces(#"{"items":null,"metadata":{}}"#, by: 5) == [.metadata(bytes("{}"))])
    }

    @Test("what is no list, what nests without end and what never ends is refused")
    func refused() {
        #expect(throws: SplitError.notAnObject(at: 0)) {
            var splitter = ItemSplitter()
            _ = try splitter.take(bytes("<html>"))
        }
        #expect(throws: SplitError.tooDeep(at: 260)) {
            var splitter = ItemSplitter()
            _ = try splitter.take(bytes("{\"a\":" + String(repeating: "[", count: 400)))
        }
        #expect(throws: SplitError.itemTooLarge(at: ItemSplitter.itemLimit + 10)) {
            var splitter = ItemSplitter()
            _ = try splitter.take(bytes(#"{"items":[{""#))
            _ = try splitter.take([UInt8](repeating: 0x61, count: ItemSplitter.itemLimit + 20))
        }
        var cut = ItemSplitter()
        #expect(throws: Never.self) { try cut.take(bytes(#"{"items":[{"a":1},{"#)) }
        #expect(!cut.isComplete)
    }

    @Test("a watch is one object a line, in pieces of any size")
    func lines() throws {
        for size in [1, 3, 100] {
            var splitter = LineSplitter()
            var found: [[UInt8]] = []
            var rest = bytes("{\"a\":1}\n\n{\"b\":2}\n{\"c\"")[...]
            while !rest.isEmpty {
                found += try splitter.take(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            #expect(found == [bytes("{\"a\":1}"), bytes("{\"b\":2}")])
        }
    }
}

@Suite struct Reflecting {
    private typealias Nodes = Reflector<NodeObject>

    private func synced(_ names: [String] = ["n1", "n2"]) -> Nodes {
        var reflector = Nodes(mayStream: false)
        for name in names { reflector.listed(bytes(node(name, "10.16.0.0/24"))) }
        _ = reflector.pageEnded(ListMetadata(resourceVersion: "7"), now: at(0), random: 0)
        return reflector
    }

    private func event(_ type: String, _ object: String) -> [UInt8] {
        bytes(#"{"type":"\#(type)","object":\#(object)}"#)
    }

    @Test("pages are one list, told when the last is whole; then it is watched from there")
    func pages() {
        var reflector = Nodes(mayStream: false)
        #expect(reflector.request == .list(continue: nil))
        reflector.listed(bytes(node("n1", "10.16.0.0/24")))
        let none = reflector.pageEnded(
            ListMetadata(resourceVersion: "7", continue: "more"),
            now: at(0),
            random: 0
        )
        #expect(none.isEmpty)
        #expect(reflector.request == .list(continue: "more"))
        reflector.listed(bytes(node("n2", "10.16.1.0/24")))
        let told = reflector.pageEnded(ListMetadata(resourceVersion: "7"), now: at(0), random: 0)
        let expected = { (cidr: String) in
            ClusterNode(podCIDRs: [prefix(cidr)], addresses: [address("10.1.0.1")])
        }
        #expect(
            told == [.listed(["n1": expected("10.16.0.0/24"), "n2": expected("10.16.1.0/24")])]
        )
        #expect(reflector.request == .watch(resourceVersion: "7"))
    }

    @Test("events change what they name, and move the place in history")
    func events() {
        var reflector = synced()
        let changed = reflector.received(
            event("MODIFIED", node("n1", "10.16.9.0/24", version: 9)),
            now: at(0),
            random: 0
        )
        guard case .changed(let changes) = changed.first else { return #expect(Bool(false)) }
        #expect(changes["n1"]??.podCIDRs == [prefix("10.16.9.0/24")])
        #expect(reflector.request == .watch(resourceVersion: "9"))
        let deleted = reflector.received(
            event("DELETED", node("n2", "10.16.1.0/24", version: 10)),
            now: at(0),
            random: 0
        )
        #expect(deleted == [.changed(["n2": nil])])
        let bookmark = event("BOOKMARK", #"{"metadata":{"resourceVersion":"99"}}"#)
        #expect(reflector.received(bookmark, now: at(0), random: 0) == [.heard])
        #expect(reflector.request == .watch(resourceVersion: "99"))
    }

    @Test(
        "a place that the server forgot is a new list at once, and nothing is taken back meanwhile"
    )
    func expired() {
        var reflector = synced()
        let gone = #"{"kind":"Status","code":410,"reason":"Expired","message":"too old"}"#
        #expect(reflector.received(event("ERROR", gone), now: at(5), random: 0) == [])
        #expect(reflector.request == .list(continue: nil))
        #expect(reflector.notBefore == .zero)
        var paging = Nodes(mayStream: false)
        paging.listed(bytes(node("n1", "10.16.0.0/24")))
        _ = paging.pageEnded(
            ListMetadata(resourceVersion: "7", continue: "x"),
            now: at(0),
            random: 0
        )
        _ = paging.expired(now: at(1), random: 0)
        #expect(paging.request == .list(continue: nil))
        paging.listed(bytes(node("n2", "10.16.0.0/24")))
        let told = paging.pageEnded(ListMetadata(resourceVersion: "8"), now: at(2), random: 0)
        guard case .listed(let all) = told.first else { return #expect(Bool(false)) }
        #expect(all.keys.sorted() == ["n2"])
    }

    @Test("an object that cannot be read makes the list prove nothing, and says where")
    func unreadable() {
        var reflector = Nodes(mayStream: false)
        reflector.listed(bytes(node("n1", "10.16.0.0/24")))
        reflector.listed(bytes(#"{"metadata":{"name":7}}"#))
        let told = reflector.pageEnded(ListMetadata(resourceVersion: "7"), now: at(0), random: 0)
        guard case .failed(let reason) = told.first, told.count == 1 else {
            return #expect(Bool(false))
        }
        #expect(reason.contains("metadata.name"))
        #expect(reflector.request == .list(continue: nil))
        #expect(reflector.notBefore > at(0))
        var watching = synced()
        let lost = watching.received(bytes("not JSON"), now: at(0), random: 0)
        guard case .failed = lost.first else { return #expect(Bool(false)) }
        #expect(watching.request == .list(continue: nil))
    }

    @Test("a streamed list that was given up is not ended by what still comes of it")
    func givenUp() {
        var reflector = Nodes(mayStream: true)
        let question = reflector.generation
        _ = reflector.received(event("ADDED", node("n1", "10.16.0.0/24")), now: at(0), random: 0)
        _ = reflector.received(bytes("garbage"), now: at(0), random: 0)
        // Whoever moves the bytes stops reading here.
        #expect(reflector.generation != question)
        #expect(reflector.request == .streamedList && reflector.notBefore > at(0))
    }

    @Test("a history that expires again and again is a failure, and asked for ever less often")
    func expiresAgain() {
        var reflector = synced()
        #expect(reflector.expired(now: at(0), random: 0) == [])
        for name in ["n1", "n2"] { reflector.listed(bytes(node(name, "10.16.0.0/24"))) }
        _ = reflector.pageEnded(ListMetadata(resourceVersion: "8"), now: at(0), random: 0)
        guard case .failed = reflector.expired(now: at(1), random: 0).first else {
            return #expect(Bool(false))
        }
        #expect(reflector.notBefore > at(1))
    }

    @Test("a list that lacks most of what was there is believed when the next says so too")
    func implausible() {
        var reflector = synced(["n1", "n2", "n3", "n4"])
        let gone = #"{"kind":"Status","code":410,"reason":"Expired"}"#
        _ = reflector.received(event("ERROR", gone), now: at(0), random: 0)
        let empty = ListMetadata(resourceVersion: "9")
        let told = reflector.pageEnded(empty, now: at(0), random: 0)
        #expect(told == [.failed("a list of 0 objects where there were 4")])
        #expect(reflector.notBefore == at(10_000))
        #expect(reflector.pageEnded(empty, now: at(10_000), random: 0) == [.listed([:])])
    }

    @Test(
        "failures back off to half a minute with jitter, a watch from its place; Retry-After is obeyed"
    )
    func backOff() {
        var reflector = synced()
        var pauses: [Int64] = []
        for _ in 0..<8 {
            let told = reflector.failed("HTTP 500", now: at(0), random: 500)
            #expect(told == [.failed("HTTP 500")])
            pauses.append(reflector.notBefore - at(0))
        }
        #expect(pauses == [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
        #expect(reflector.request == .watch(resourceVersion: "7"))
        _ = reflector.failed("HTTP 429", after: 120_000, now: at(0), random: 0)
        #expect(reflector.notBefore == at(120_000))
    }

    @Test("a streamed list is whole with its last bookmark, and goes on as a watch")
    func streamed() {
        var reflector = Nodes(mayStream: true)
        #expect(reflector.request == .streamedList)
        let added = event("ADDED", node("n1", "10.16.0.0/24"))
        #expect(reflector.received(added, now: at(0), random: 0) == [])
        let early = event("BOOKMARK", #"{"metadata":{"resourceVersion":"5"}}"#)
        #expect(reflector.received(early, now: at(0), random: 0) == [])
        let end = event(
            "BOOKMARK",
            #"{"metadata":{"resourceVersion":"6","annotations":{"k8s.io/initial-events-end":"true"}}}"#
        )
        let told = reflector.received(end, now: at(0), random: 0)
        guard case .listed(let all) = told.first else { return #expect(Bool(false)) }
        #expect(all.keys.sorted() == ["n1"])
        #expect(reflector.generation == 0)
        #expect(reflector.request == .watch(resourceVersion: "6"))
        var old = Nodes(mayStream: true)
        old.streamingRefused()
        #expect(old.request == .list(continue: nil))
    }
}

@Suite struct ClusterObjects {
    private func facts<Object: ClusterObject>(
        _: Object.Type,
        _ text: String
    ) throws -> [String: Object.Fact] {
        try JSONDecoder().decode(Object.self, from: Data(text.utf8)).facts
    }

    @Test("a node's CIDRs, addresses, readiness and age; podCIDR alone where a server is old")
    func nodes() throws {
        let old = """
            {"metadata":{"name":"n1","creationTimestamp":"2026-11-26T10:00:00Z","deletionTimestamp":"2026-11-26T11:00:00Z"},
             "spec":{"podCIDR":"10.16.0.0/24","unschedulable":true},"status":{"conditions":[{"type":"Ready","status":"Unknown"}]}}
            """
        let node = try facts(NodeObject.self, old)["n1"]
        #expect(node?.podCIDRs == [prefix("10.16.0.0/24")])
        #expect(node?.isReady == nil && node?.isCordoned == true && node?.isBeingDeleted == true)
        #expect(node?.createdAt == at(1_795_687_200_000))
        #expect(
            try facts(NodeObject.self, #"{"metadata":{"name":"bare"}}"#)["bare"]?.podCIDRs == []
        )
    }

    @Test(
        "the CNI's objects: Cilium's CIDRs and pools, Calico's affinities with their text booleans"
    )
    func cni() throws {
        let cilium = """
            {"metadata":{"name":"n1"},"spec":{"addresses":[{"type":"InternalIP","ip":"10.1.0.1"},
            {"type":"CiliumInternalIP","ip":"10.16.0.9"}],
            "ipam":{"podCIDRs":["10.16.0.0/24"],"pools":{"allocated":[{"pool":"b","cidrs":["10.17.0.0/24"]}]}}}}
            """
        let node = try facts(CiliumNodeObject.self, cilium)["n1"]
        #expect(node?.podCIDRs == [prefix("10.16.0.0/24"), prefix("10.17.0.0/24")])
        #expect(node?.addresses == [address("10.1.0.1")])
        func affinity(_ state: String, _ deleted: String) throws -> BlockAffinity? {
            try facts(
                BlockAffinityObject.self,
                #"{"metadata":{"name":"x"},"spec":{"cidr":"10.16.0.64/26","node":"n1","state":"\#(state)","deleted":"\#(deleted)"}}"#
            )["x"]
        }
        #expect(try affinity("confirmed", "false")?.isConfirmed == true)
        #expect(try affinity("confirmed", "true")?.isConfirmed == false)
        #expect(try affinity("pendingDeletion", "false")?.isConfirmed == false)
    }

    @Test("slices of v1 and v1beta1, and Endpoints, say the same")
    func endpoints() throws {
        let head =
            #""metadata":{"name":"web-x","namespace":"default","labels":{"kubernetes.io/service-name":"web"}}"#
        let v1 = """
            {\(head),"ports":[{"name":"http","port":8080}],
            "endpoints":[{"addresses":["10.16.0.10"],"conditions":{"ready":true},"nodeName":"n1"},
            {"addresses":["10.16.1.10"],"conditions":{"ready":false},"nodeName":"n2"}]}
            """
        let beta = v1.replacing(
            #""nodeName":"n1""#,
            with: #""topology":{"kubernetes.io/hostname":"n1"}"#
        )
        let first = try facts(EndpointSliceObject.self, v1)["default/web-x"]
        #expect(first?.service == "default/web")
        #expect(first?.endpoints.map(\.isReady) == [true, false])
        #expect(first?.ports == [ClusterService.Port(name: "http", number: 8080)])
        #expect(try facts(EndpointSliceObject.self, beta)["default/web-x"] == first)
        let endpoints = """
            {"metadata":{"name":"web","namespace":"default"},"subsets":[{"addresses":[{"ip":"10.16.0.10","nodeName":"n1"}],
            "notReadyAddresses":[{"ip":"10.16.1.10","nodeName":"n2"}],"ports":[{"name":"http","port":8080}]}]}
            """
        #expect(try facts(EndpointsObject.self, endpoints)["default/web#0"] == first)
        let none = #"{\#(head),"endpoints":null,"ports":null}"#
        #expect(try facts(EndpointSliceObject.self, none)["default/web-x"]?.endpoints == [])
    }

    @Test("a ConfigMap of the controller's schema names a pool; any other is none of ours")
    func exposures() throws {
        let definition =
            #"{\"virtualServer\":{\"frontend\":{\"partition\":\"K8S\",\"mode\":\"http\"},\"backend\":{\"serviceName\":\"web\",\"servicePort\":80}}}"#
        func map(_ schema: String, _ data: String) -> String {
            #"{"metadata":{"name":"web","namespace":"default"},"data":{"schema":"\#(schema)","data":"\#(data)"}}"#
        }
        let found = try facts(
            ExposureObject.self,
            map("f5schemadb://bigip-virtual-server_v0.1.7.json", definition)
        )
        #expect(
            found == [
                "default/web": Exposure(
                    pool: "/K8S/cfgmap_default_web_web",
                    service: "default/web",
                    port: 80
                )
            ]
        )
        #expect(try facts(ExposureObject.self, map("other", definition)) == [:])
        let broken = map("f5schemadb://bigip-virtual-server_v0.1.7.json", "{")
        #expect(try facts(ExposureObject.self, broken) == [:])
    }

    @Test(
        "a declaration for AS3 names pools by tenant and application; who fills them it does not say"
    )
    func declarations() throws {
        let template =
            #"{\"class\":\"AS3\",\"declaration\":{\"class\":\"ADC\",\"label\":\"x\",\"T\":{\"class\":\"Tenant\",\"A\":{\"class\":\"Application\",\"template\":\"generic\",\"v\":{\"class\":\"Service_HTTP\",\"virtualAddresses\":[\"10.50.0.14\"],\"pool\":\"p\"},\"p\":{\"class\":\"Pool\",\"members\":[{\"servicePort\":80,\"serverAddresses\":[]}]}}}}}"#
        func map(_ text: String) -> String {
            #"{"metadata":{"name":"mail","namespace":"default","labels":{"f5type":"virtual-server","as3":"true"}},"data":{"template":"\#(text)"}}"#
        }
        let found = try facts(ExposureObject.self, map(template))
        #expect(found == ["default/mail#/T/A/p": Exposure(pool: "/T/A/p", service: "", port: 80)])
        #expect(try facts(ExposureObject.self, map("{")) == [:])
        #expect(try facts(ExposureObject.self, map("[]")) == [:])
    }

    @Test("a VirtualServer's pools, by the names that versions of the controller give them")
    func virtualServers() throws {
        let text = """
            {"metadata":{"name":"cart","namespace":"shop"},"spec":{"host":"cart.example.com","virtualServerAddress":"10.50.0.13",
            "partition":"K8S","pools":[{"path":"/","service":"cart-v1","servicePort":80},
            {"path":"/named","service":"cart","servicePort":"http","name":"mine"},
            {"service":"a;reboot","servicePort":80}]}}
            """
        let found = try facts(VirtualServerObject.self, text)
        #expect(found.count == 2)
        let first = try #require(found["shop/cart#0"])
        #expect(first.pool == "/K8S/Shared/cart_v1_80_shop_cart_example_com")
        #expect(first.alternatives == ["/K8S/Shared/shop_cart_v1_80"])
        #expect(first.service == "shop/cart-v1")
        #expect(first.port == 80)
        let named = try #require(found["shop/cart#1"])
        #expect(named.pool == "/K8S/Shared/mine")
        #expect(named.portName == "http")
    }

    @Test("a TransportServer's pool, in the controller's own partition where it names none")
    func transportServers() throws {
        let text = """
            {"metadata":{"name":"dns","namespace":"kube"},"spec":{"virtualServerAddress":"2001:db8::53","virtualServerPort":53,
            "pool":{"service":"dns","servicePort":53}}}
            """
        let found = try facts(TransportServerObject.self, text)
        let exposure = try #require(found["kube/dns"])
        #expect(exposure.pool == "/*/Shared/dns_53_kube")
        #expect(exposure.family == .ipv6)
    }
}

@Suite struct ClusterReaching {
    private func write(_ text: String) throws -> String {
        let path = NSTemporaryDirectory() + "podpath-\(UUID().uuidString).yaml"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private func config(user: String, cluster: String = "server: https://10.0.0.1:6443/") -> String
    {
        """
        apiVersion: v1
        kind: Config
        current-context: main
        contexts: [{ name: main, context: { cluster: c, user: u, namespace: x } }]
        clusters:
          - name: c
            cluster: { \(cluster) }
        users:
          - name: u
            user: { \(user) }
        preferences: {}
        """
    }

    @Test("a kubeconfig's current context: server, trust and identity")
    func kubeconfig() throws {
        let path = try write(
            config(
                user: "token: abc",
                cluster: "server: https://10.0.0.1:6443/, certificate-authority-data: Q0E="
            )
        )
        let access = try ClusterAccess.kubeconfig(path: path)
        #expect(access.server == "https://10.0.0.1:6443")
        #expect(access.ca == "CA")
        guard case .token(let token) = access.identity else { return #expect(Bool(false)) }
        #expect(token.reveal() == "abc" && "\(access)".contains("abc") == false)
        let file = try ClusterAccess.kubeconfig(path: write(config(user: "tokenFile: t")))
        guard case .tokenFile(let name) = file.identity else { return #expect(Bool(false)) }
        #expect(name.hasPrefix("/") && name.hasSuffix("/t"))
        let pair = "client-certificate-data: Qw==, client-key-data: Sw=="
        let certificate = try ClusterAccess.kubeconfig(path: write(config(user: pair)))
        guard case .certificate = certificate.identity else { return #expect(Bool(false)) }
    }

    @Test(
        "what cannot be done is refused with the reason",
        arguments: [
            ("exec: { command: aws }", "server: https://x", "needs a program or a password"),
            (
                "token: a", "server: https://x, insecure-skip-tls-verify: true",
                "insecure-skip-tls-verify"
            ),
            ("token: a", "server: https://x, certificate-authority-data: '*'", "not base64"),
        ]
    )
    func refused(user: String, cluster: String, reason: String) throws {
        let path = try write(config(user: user, cluster: cluster))
        do {
            _ = try ClusterAccess.kubeconfig(path: path)
            Issue.record("not refused")
        } catch {
            #expect("\(error)".contains(reason))
            #expect("\(error)".hasPrefix(path))
        }
    }

    @Test("outside of a pod the environment is missing, and that is said")
    func inCluster() {
        #expect(throws: ClusterAccessError.self) { try ClusterAccess.inCluster(environment: [:]) }
    }
}
