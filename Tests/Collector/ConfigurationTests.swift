// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import KubernetesSource
import OperatorSource
import Routing
import Support
import Testing
import Verdicts

@testable import podpath_collector

@Suite struct ConfigurationFiles {
    private func read(_ text: String) throws -> Configuration {
        try ConfigurationReader(folder: "/etc/podpath").read(
            try Tree(parsing: text, file: "c.yaml")
        )
    }

    private func error(_ text: String) -> String {
        do {
            _ = try read(text)
            return "accepted"
        } catch {
            return "\(error)"
        }
    }

    private let whole = """
        cluster: prod-a
        pod-cidrs: [10.16.0.0/12, "fd00:10::/48"]
        agents: { listen: "0.0.0.0:10443", certificate: tls.crt, key: /k/tls.key, client-ca: ca.crt, stale-after: 9s }
        http: { listen: "[::1]:10480" }
        nodes: { from: file, file: nodes.yaml }
        switches:
          - name: a
            neighbors: [10.1.0.254]
            command: { run: [vtysh, -c, "show ip route json"], format: frr-json, every: 2s }
        alerts:
          hold: { session-down: 30s, kernel-route-missing: 250ms }
          repeat: 4h
          sinks:
            - { name: pipe, command: { run: [/bin/cat] }, only: { severity: [critical] } }
            - { name: out, stdout: { format: json } }
        """

    @Test("a whole file is read, paths relative to it")
    func whole_() throws {
        let configuration = try read(whole)
        #expect(configuration.podCIDRs == [prefix("10.16.0.0/12"), prefix("fd00:10::/48")])
        #expect(configuration.agents?.files.certificate == "/etc/podpath/tls.crt")
        #expect(configuration.agents?.files.key == "/k/tls.key")
        #expect(configuration.agents?.staleAfter == 9_000)
        #expect(configuration.http.host == "::1")
        #expect(configuration.switches[0].every == 2_000)
        #expect(configuration.policy.holds == [.sessionDown: 30_000, .kernelRouteMissing: 250])
        #expect(configuration.sinks[0].filter.severities == [.critical])
    }

    @Test("an address of a device holds no password: it is written in messages and journals")
    func accounts() {
        let door = """
            pod-cidrs: [10.16.0.0/12]
            switches:
              - { name: a, neighbors: [10.1.0.254], nxapi: { url: "https://me:secret@10.1.0.1", username: me } }
            """
        let unit = """
            pod-cidrs: [10.16.0.0/12]
            load-balancers:
              - { name: l, bigip: { units: ["https://me:secret@10.1.0.21"], username: me } }
            """
        let bare = unit.replacing("https://me:secret@", with: "me:secret@")
        let slash = unit.replacing("me:secret@", with: "me:se/secret@")
        for text in [door, unit, bare, slash] {
            let told = error(text)
            #expect(told.hasSuffix("no name and password belong here"), "\(told)")
            #expect(!told.contains("secret"), "\(told)")
        }
    }

    @Test("agents may bring tokens, beside certificates or in their place")
    func tokens() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try
            "{current-context: c, contexts: [{name: c, context: {cluster: c}}], clusters: [{name: c, cluster: {server: \"https://k\"}}]}"
            .write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        func agents(_ rest: String) throws -> Configuration.Agents? {
            try read(
                """
                pod-cidrs: [10.0.0.0/8]
                kubernetes: { kubeconfig: \(file.path) }
                agents: { listen: ":10443", certificate: c, key: k, \(rest) }
                """
            ).agents
        }
        let alone = try agents("tokens: {}")
        #expect(alone?.files.ca == nil && alone?.files.mayOmitCertificate == true)
        #expect(alone?.tokens == AgentTokens())
        let both = try agents("client-ca: ca, tokens: { audience: p, service-account: a/b-c }")
        #expect(both?.files.ca == "/etc/podpath/ca" && both?.files.mayOmitCertificate == true)
        #expect(both?.tokens?.audience == "p")
        #expect(both?.tokens?.namespace == "a" && both?.tokens?.serviceAccount == "b-c")
        let neither = try agents("client-ca: ca")
        #expect(neither?.tokens == nil && neither?.files.mayOmitCertificate == false)
    }

    @Test("an unknown key is an error with its line and the nearest known key")
    func unknownKey() {
        #expect(
            error("pod-cidrs: [10.0.0.0/8]\nswitchs: []")
                == "c.yaml:2: switchs: unknown key; did you mean \"switches\"?"
        )
    }

    @Test(
        "a mistake is named where it stands",
        arguments: [
            ("cluster: x", "c.yaml:1: \"pod-cidrs\" is missing"),
            (
                "pod-cidrs: [10.0.0.1/8]",
                "c.yaml:1: pod-cidrs[0]: a prefix such as 10.16.0.0/24, host bits zero, is expected"
            ),
            ("pod-cidrs: 5", "c.yaml:1: pod-cidrs: a list is expected"),
            (
                "pod-cidrs: [10.0.0.0/8]\nagents: { listen: \":1\", certificate: c, key: k }",
                "c.yaml:2: agents: \"client-ca\" or \"tokens\" is missing: by what agents prove their nodes"
            ),
            (
                "pod-cidrs: [10.0.0.0/8]\nagents: { listen: \":1\", certificate: c, key: k, tokens: {} }",
                "c.yaml:2: agents: \"tokens\" need the API server that makes them: \"kubernetes: {}\", or \"nodes: { from: kubernetes }\""
            ),
            (
                "pod-cidrs: [10.0.0.0/8]\nagents: { listen: \":1\", certificate: c, key: k, tokens: { service-account: agent } }",
                "c.yaml:2: agents.tokens.service-account: NAMESPACE/NAME is expected"
            ),
            (
                "pod-cidrs: [10.0.0.0/8]\nagents: { listen: \":1\", certificate: c, key: k, tokens: { audiense: a } }",
                "c.yaml:2: agents.tokens.audiense: unknown key; did you mean \"audience\"?"
            ),
            (
                "pod-cidrs: [10.0.0.0/8]\nalerts:\n  hold:\n    session-dwn: 3s",
                "c.yaml:4: alerts.hold.session-dwn: no such kind"
            ),
            (
                "pod-cidrs: [10.0.0.0/8]\nalerts: { hold: { session-down: soon } }",
                "c.yaml:2: alerts.hold.session-down: a duration such as 500ms, 15s, 2m, 4h is expected"
            ),
            (
                "pod-cidrs: [10.0.0.0/8]\nhttp: { listen: 10480 }",
                "c.yaml:2: http.listen: ADDRESS:PORT is expected"
            ),
            (
                "pod-cidrs: [10.0.0.0/8]\nhttp: { listen: \"[::1]:80\", origins: [podpath.example] }",
                "c.yaml:2: http.origins[0]: an origin is https://NAME or https://NAME:PORT, in small letters"
            ),
        ]
    )
    func mistakes(text: String, expected: String) {
        #expect(error(text) == expected)
    }

    @Test("what is not YAML, or nothing, is said with the line")
    func broken() {
        #expect(error("a: [1, 2").hasPrefix("c.yaml:"))
        #expect(error("") == "c.yaml: empty")
    }

    @Test("a password comes from a file, and cannot print itself")
    func secrets() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try "hunter2\n".write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let configuration = try read(
            """
            pod-cidrs: [10.0.0.0/8]
            load-balancers:
              - name: l
                bigip: { units: ["https://l"], username: u, password-file: \(file.path), partitions: [K8S] }
            """
        )
        let password = configuration.loadBalancers[0].bigip.password
        #expect(password.reveal() == "hunter2")
        #expect(!"\(configuration)".contains("hunter2"))
        var dumped = ""
        dump(configuration, to: &dumped)
        #expect(!dumped.contains("hunter2"))
    }

    @Test("nodes: names, CIDRs, addresses; the same name twice is an error")
    func nodes() throws {
        let text = """
            nodes:
              - { name: n1, pod-cidrs: [10.16.0.0/24], addresses: [10.1.0.1] }
              - { name: n1 }
            """
        #expect(throws: FileError(file: "n.yaml", line: 3, reason: "nodes[1]: n1 stands twice")) {
            _ = try NodesFile.parse(text, file: "n.yaml")
        }
        let nodes = try NodesFile.parse(
            text.replacingOccurrences(of: "name: n1 }", with: "name: n2 }"),
            file: "n"
        )
        #expect(nodes["n1"]?.podCIDRs == [prefix("10.16.0.0/24")])
    }
}
