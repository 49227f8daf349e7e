// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Verdicts

/// What users of such sites have reported, each as a folder: the story in plain words, its facts in order of
/// time, and what people are told of it, line by line.
struct FieldCase: Sendable, CustomTestStringConvertible {
    let name: String
    let happens: @Sendable (inout Story) -> Void

    init(
        _ name: String,
        happens: @escaping @Sendable (inout Story) -> Void
    ) {
        self.name = name
        self.happens = happens
    }

    var testDescription: String { name }

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    static let names = (1...48).map { ($0 < 10 ? "F0" : "F") + "\($0)" }

    static let all = [
        f01, f02, f03, f04, f05, f06, f07, f08, f09, f10, f11, f12, f13, f14, f15, f16, f17, f18,
        f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36,
        f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47, f48,
    ]

    func lines(of file: String) throws -> [String] {
        let url = Self.folder.appending(path: name).appending(path: file)
        return try String(contentsOf: url, encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}

@Suite struct FieldCases {
    @Test("people are told of a case from the field what its story says", arguments: FieldCase.all)
    func told(of fieldCase: FieldCase) throws {
        var story = Story()
        fieldCase.happens(&story)
        let text = try fieldCase.lines(of: "story.md")
        let expected = try fieldCase.lines(of: "transcript.txt").filter { !$0.isEmpty }
        let kinds = try kinds(in: text)
        try note(fieldCase, injected: kinds, named: story.named)
        compare(story, expected, kinds, of: fieldCase)
    }

    private func compare(
        _ story: Story,
        _ expected: [String],
        _ kinds: Set<Kind>,
        of fieldCase: FieldCase
    ) {
        for index in 0..<max(story.transcript.count, expected.count) {
            let told = index < story.transcript.count ? story.transcript[index] : "(nothing)"
            let should = index < expected.count ? expected[index] : "(nothing)"
            #expect(told == should, "\(fieldCase.name)/transcript.txt, line \(index + 1)")
        }
        #expect(story.named == kinds, "\(fieldCase.name)/story.md, the line Kinds")
        #expect(story.isQuiet, "\(fieldCase.name) leaves something firing at its end")
    }

    /// `Kinds: not-exported, session-down`, or `Kinds: none`.
    private func kinds(in text: [String]) throws -> Set<Kind> {
        let mark = "Kinds: "
        let line = try #require(text.first { $0.contains(mark) }, "no line of kinds")
        let words = line[(line.range(of: mark)?.upperBound ?? line.endIndex)...]
            .split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        guard words != ["none"] else { return [] }
        return Set(try words.map { word in try #require(Kind(rawValue: word), "\(word)") })
    }

    /// For the table of what was injected and what was named, whoever injected it: one line, written at once.
    private func note(_ fieldCase: FieldCase, injected: Set<Kind>, named: Set<Kind>) throws {
        guard let path = ProcessInfo.processInfo.environment["PODPATH_MATRIX"] else { return }
        func list(_ kinds: Set<Kind>) -> String {
            kinds.map { "\"\($0.rawValue)\"" }.sorted().joined(separator: ",")
        }
        let line =
            "{\"by\":\"case\",\"name\":\"\(fieldCase.name)\",\"injected\":[\(list(injected))],"
            + "\"named\":[\(list(named))]}\n"
        let file = try #require(fopen(path, "a"), "\(path) cannot be written")
        defer { fclose(file) }
        fputs(line, file)
    }

    @Test("every case has its folder, and all that is in it can be read at one sitting")
    func folders() throws {
        let found = try FileManager.default.contentsOfDirectory(atPath: FieldCase.folder.path)
            .filter { !$0.hasSuffix(".swift") }.sorted()
        #expect(found == FieldCase.names)
        #expect(FieldCase.all.map(\.name) == FieldCase.names)
        for fieldCase in FieldCase.all {
            let name = fieldCase.name
            let limits = [("story.md", 25), ("\(name).swift", 90), ("transcript.txt", 25)]
            let folder = FieldCase.folder.appending(path: name).path
            let files = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(Set(files) == Set(limits.map(\.0)))
            for (file, limit) in limits {
                let count = try fieldCase.lines(of: file).count
                #expect(count <= limit, "\(name)/\(file) has \(count) lines")
            }
            #expect(try fieldCase.lines(of: "story.md")[0].hasPrefix("# \(name): "))
        }
    }
}
