// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Routing
import Support
import Testing
import Verdicts

@testable import Sinks

private func trace(_ number: Int, _ state: StageState, at switchName: String) -> PathTrace {
    PathTrace(
        prefix: prefix("10.16.\(number).0/24"),
        node: "n\(number)",
        stages: [
            StageResult(.kernel, state), StageResult(.switchRIB, at: switchName, .ok),
            StageResult(.member, at: "ltm-1", .notChecked),
        ]
    )
}

@Suite struct WebPage {
    @Test(
        "from a browser only the page itself writes: by an address, or by a name that is configured",
        arguments: [
            ("http://10.1.0.9:10480", "10.1.0.9:10480", true),
            ("https://10.1.0.9", "10.1.0.9", true),
            ("http://[fd00::9]:10480", "[fd00::9]:10480", true),
            ("http://localhost:10480", "localhost:10480", true),
            ("https://podpath.example", "podpath.example", true),
            ("https://podpath.example", "10.1.0.9:10480", true),
            ("http://podpath.example", "podpath.example", false),
            ("http://evil.example:10480", "evil.example:10480", false),
            ("http://10.1.0.9.evil.example", "10.1.0.9.evil.example", false),
            ("http://10.1.0.9:80", "10.1.0.9:10480", false),
            ("http://10.1.0.8:10480", "10.1.0.9:10480", false),
            ("http://localhost.evil.example", "localhost.evil.example", false),
            ("null", "10.1.0.9:10480", false),
            ("", "", false),
        ]
    )
    func origins(_ origin: String, _ authority: String, _ isOwn: Bool) {
        let named: Set = ["https://podpath.example"]
        #expect(WriteOrigin.isOwn(origin, reachedBy: authority, named) == isOwn)
    }

    @Test("the matrix says each look once, and every way by its look")
    func matrix() throws {
        let traces = [
            trace(1, .ok, at: "a"), trace(2, .ok, at: "a"), trace(3, .missing, at: "a"),
            trace(4, .ok, at: "b"), trace(5, .unknown(reason: "no agent"), at: "a"),
        ]
        let document = MatrixDocument(traces, of: 9, sequence: 7, at: at(1_000))
        #expect(document.shapes.count == 2)
        #expect(document.patterns.map(\.states) == ["oon", "mon", "oon", "uon"])
        #expect(document.patterns.map(\.shape) == [0, 0, 1, 0])
        #expect(document.patterns.map(\.verdict) == ["ok", "ok", "ok", "unknown"])
        #expect(document.looks == [0, 0, 1, 2, 3])
        #expect(document.nodes == ["n1", "n2", "n3", "n4", "n5"])
        #expect(document.prefixes.first == "10.16.1.0/24")
        #expect((document.total, document.sequence) == (9, 7))
        let places = try #require(document.shapes.first)
        #expect(places.map(\.stage) == ["kernel", "switch", "member"])
        #expect(places.map(\.at) == [nil, "a", "ltm-1"])
    }

    @Test("states can be told apart by their first letter, which is all the matrix has of them")
    func letters() {
        let states: [StageState] = [
            .ok, .missing, .extra, .wrong(expected: "", found: ""), .unknown(reason: ""),
            .notChecked,
        ]
        #expect(Set(states.map { $0.word.prefix(1) }).count == states.count)
    }

    @Test("the files of the page name no other host, and run nothing that stands in the markup")
    func assets() throws {
        for asset in PageAsset.all {
            let text = String(decoding: asset.bytes, as: UTF8.self)
            let others = text.matches(of: /https?:\/\/[a-z0-9.]+/).map { String($0.output) }
            // The namespace of a picture is a name, nobody is asked for it.
            #expect(others.allSatisfy { $0 == "http://www.w3.org" }, "\(asset.name): \(others)")
            #expect(!text.contains("innerHTML"), "\(asset.name)")
            #expect(!text.contains("insertAdjacentHTML"), "\(asset.name)")
        }
        let page = try #require(PageAsset.all.first { $0.name == "page.html" })
        let markup = String(decoding: page.bytes, as: UTF8.self)
        #expect(!markup.contains("style="))
        #expect(markup.matches(of: /<script/).count == 1)
        #expect(markup.contains("<script type=\"module\" src=\"assets/page.js\"></script>"))
        #expect(!markup.contains(/[ ]on[a-z]+=/))
    }

    @Test("every file that another imports is served, and each has a tag of its own")
    func imports() {
        let names = Set(PageAsset.all.map(\.name))
        for asset in PageAsset.all {
            let text = String(decoding: asset.bytes, as: UTF8.self)
            for match in text.matches(of: /from "\.\/([a-z]+\.js)"/) {
                #expect(names.contains(String(match.output.1)), "\(asset.name)")
            }
            // All of them are asked for at once, not one after another as they import each other.
            for match in text.matches(of: /(?:href|src)="(assets\/[a-z]+\.(?:js|css))"/) {
                #expect(names.contains(String(match.output.1.dropFirst("assets/".count))))
            }
        }
        #expect(Set(PageAsset.all.map(\.tag)).count == names.count)
    }
}
