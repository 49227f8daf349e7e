// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Routing
import Sinks

struct TracePath: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "The way of a pod CIDR, stage by stage.",
        discussion: "Exit 0: good, or not known whole; 1: broken; 2: nothing is known of it."
    )

    @Argument(
        help: "A prefix, pod address, node, virtual server or pool, or a part of its name.",
        completion: .subjects
    )
    var what: String
    @Option(name: .long, help: "As it was then, RFC 3339.") var at: String?
    @OptionGroup var api: APIOptions
    @OptionGroup var watching: WatchOptions

    func validate() throws {
        guard let at else { return }
        guard moment(at) != nil else {
            throw ValidationError("--at is an RFC 3339 time, such as 2026-11-27T03:12:00Z")
        }
        guard !watching.watch else { throw ValidationError("the past does not change: no --watch") }
    }

    func run() async throws {
        try await watching.run(TraceView(what: what, at: at), api) { document in
            if document.paths.contains(where: TraceText.isBroken) { throw ExitCode(1) }
        }
    }
}

struct TraceView: View {
    let what: String
    let at: String?

    func read(_ client: APIClient) async throws(APIFailure) -> Reading<PathsDocument> {
        let name = Prefix(lenient: what) != nil && what.contains("/") ? "prefix" : "q"
        let then = at.map { "&at=\(escaped($0))" } ?? ""
        let document = try await client.paths("\(name)=\(escaped(what))\(then)")
        guard !document.paths.isEmpty else {
            throw APIFailure(
                description:
                    "nothing is known of \(what): a prefix, pod address, node, virtual server "
                    + "or pool is expected; `podpath-collector status` tells whether all sources are read"
            )
        }
        return Reading(document, at: nil)
    }

    func lines(_ document: PathsDocument, now: Timestamp, _ screen: Screen) -> [Line] {
        TraceText.lines(document, screen)
    }

    func changes(from old: PathsDocument?, to new: PathsDocument) -> [Line] {
        Changes.paths(from: old?.paths, to: new.paths)
    }
}
