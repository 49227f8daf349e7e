// SPDX-License-Identifier: Apache-2.0
import Foundation
import Hummingbird
import Incidents
import Routing
import Verdicts

/// `GET /api/v1/incidents`.
package struct IncidentsDocument: Codable, Sendable {
    package var incidents: [IncidentDocument]
}

/// `GET /api/v1/paths`.
package struct PathsDocument: Codable, Sendable {
    package var paths: [PathDocument]
    /// Where the next page begins; absent on the last.
    package var next: String?
    /// Only of the past: until when a collector had looked, where none did at that moment.
    package var lastSeen: String?
}

/// `GET /api/v1/sources`.
package struct SourcesDocument: Codable, Sendable {
    package var cluster: String
    package var version: String
    package var sources: [SourceDocument]
}

struct ErrorDocument: Encodable { var error: String }

extension WebServer {
    static func addAPI(
        _ router: Router<BasicRequestContext>,
        _ board: StateBoard,
        _ version: String,
        _ archive: Archive
    ) {
        router.get("/api/v1/incidents") { request, _ -> Response in
            guard let state = board.state else { return starting() }
            return await incidents(state, request.uri.queryParameters, archive, now: board.clock())
        }
        router.get("/api/v1/incidents/{id}") { _, context -> Response in
            guard let state = board.state else { return starting() }
            return incident(state, context.parameters.get("id") ?? "", now: board.clock())
        }
        router.get("/api/v1/paths") { request, _ -> Response in
            guard let state = board.state else { return starting() }
            let query = request.uri.queryParameters
            if let text = query.get("at") { return await past(text, state, query, archive) }
            return paths(state.judgement.paths, state, query, now: board.clock())
        }
        router.get("/api/v1/sources") { _, _ -> Response in
            guard let state = board.state else { return starting() }
            return answer(
                SourcesDocument(
                    cluster: state.snapshot.cluster,
                    version: version,
                    sources: SourceDocument.all(in: state, now: board.clock())
                )
            )
        }
    }

    static func starting() -> Response {
        answer(ErrorDocument(error: "the collector is starting"), .serviceUnavailable)
    }

    static func bad(_ reason: String) -> Response {
        answer(ErrorDocument(error: reason), .badRequest)
    }

    static func missing(_ reason: String) -> Response {
        answer(ErrorDocument(error: reason), .notFound)
    }

    private static func incidents(
        _ state: CollectorState,
        _ query: Parameters,
        _ archive: Archive,
        now: Timestamp
    ) async -> Response {
        let asked = query.get("state")?.split(separator: ",").map(String.init)
        let states = asked?.compactMap(Incident.State.init(rawValue:))
        if let asked, states?.count != asked.count {
            return bad("state is a comma-separated list of pending, firing, resolved")
        }
        var since: Timestamp?
        if let text = query.get("since") {
            guard let moment = moment(text) else { return bad("since is an RFC 3339 time") }
            since = moment
        }
        let all = await known(since: since, state, archive)
        let chosen = all.filter { incident in
            states?.contains(incident.state) ?? true
                && since.map { (incident.resolvedAt ?? now) >= $0 } ?? true
        }
        return answer(IncidentsDocument(incidents: chosen.map { IncidentDocument($0, now: now) }))
    }

    /// Those in memory, and where they do not go back far enough those of the store.
    static func known(
        since: Timestamp?,
        _ state: CollectorState,
        _ archive: Archive
    ) async -> [Incident] {
        let oldest = state.incidents.last?.resolvedAt ?? .zero
        guard let since, since < oldest, let read = archive.incidents,
            let stored = try? await read(since)
        else { return state.incidents }
        let known = Set(state.incidents.map(\.key))
        return state.incidents + stored.filter { !known.contains($0.key) && $0.state == .resolved }
    }

    /// The ways as they were at a moment.
    private static func past(
        _ text: String,
        _ state: CollectorState,
        _ query: Parameters,
        _ archive: Archive
    ) async -> Response {
        guard let at = moment(text) else { return bad("at is an RFC 3339 time") }
        guard let read = archive.paths else { return missing("there is no store of what was") }
        do {
            let prefix = query.get("prefix").flatMap { Prefix($0) }
            guard prefix != nil || query.get("prefix") == nil else { return bad("no such prefix") }
            let past = try await read(at, prefix)
            return paths(past.paths, state, query, now: at, lastSeen: past.lastSeen)
        } catch {
            return answer(ErrorDocument(error: "the store: \(error)"), .serviceUnavailable)
        }
    }

    private static func incident(
        _ state: CollectorState,
        _ id: String,
        now: Timestamp
    ) -> Response {
        guard let incident = state.incidents.first(where: { $0.id == id }) else {
            return answer(ErrorDocument(error: "no such incident"), .notFound)
        }
        var document = IncidentDocument(incident, now: now)
        document.timeline = incident.timeline.map {
            EventDocument(at: rfc3339($0.at), text: $0.text)
        }
        return answer(document)
    }

    private static func paths(
        _ all: some Collection<PathTrace>,
        _ state: CollectorState,
        _ query: Parameters,
        now: Timestamp,
        lastSeen: Timestamp? = nil
    ) -> Response {
        guard let limit = Int(query.get("limit") ?? "1000"), (1...10_000).contains(limit),
            let offset = Int(query.get("next") ?? "0"), offset >= 0
        else { return bad("limit is 1 to 10000, next is what the last page gave") }
        let filter = PathFilter(query, state)
        let chosen = all.filter(filter.passes)
        let page = chosen.dropFirst(offset).prefix(limit)
        let next = offset + page.count < chosen.count ? String(offset + page.count) : nil
        return answer(
            PathsDocument(
                paths: page.map { PathDocument($0, now: now) },
                next: next,
                lastSeen: lastSeen.map(rfc3339)
            )
        )
    }
}

/// The `prefix`, `node`, `switch` and `q` of a query for paths or the matrix.
struct PathFilter {
    let prefix: Prefix?
    let address: IPAddress?
    let node: String?
    let switchName: String?
    let text: String?
    /// Prefixes with members of pools, or behind virtual servers, that the text names.
    private var named: Set<Prefix> = []

    init(_ query: Parameters, _ state: CollectorState) {
        let asked = query.get("q")
        prefix = query.get("prefix").flatMap { Prefix($0) }
        node = query.get("node")
        switchName = query.get("switch")
        address = asked.flatMap { IPAddress($0) }
        text = address == nil ? asked?.lowercased() : nil
        if let text { named = Self.prefixes(naming: text, in: state) }
    }

    func passes(_ trace: PathTrace) -> Bool {
        if let prefix, trace.prefix != prefix { return false }
        if let node, trace.node != node { return false }
        if let switchName, !trace.states(.switchRIB).contains(where: { $0.at == switchName }) {
            return false
        }
        if let address { return trace.prefix.contains(address) }
        guard let text else { return true }
        return trace.node.lowercased().contains(text) || trace.prefix.description.contains(text)
            || named.contains(trace.prefix)
            // A part of a switch's name would bring all that is behind it.
            || trace.states(.switchRIB).contains { $0.at?.lowercased() == text }
    }

    /// Once a request: of a site's 150,000 members each is looked up once at most.
    private static func prefixes(naming text: String, in state: CollectorState) -> Set<Prefix> {
        func isNamed(_ name: String) -> Bool { name.lowercased().contains(text) }
        var owners = PrefixMap<Bool>()
        for path in state.judgement.paths { owners[path.prefix] = true }
        let tables = state.snapshot.loadBalancers.values.flatMap(\.units.values)
            .compactMap { $0.latest?.value }
        var found: Set<Prefix> = []
        for table in tables {
            let behind = table.virtualServers.filter { isNamed($0.name) || isNamed($0.destination) }
            let pools = Set(table.pools.keys.filter(isNamed)).union(behind.compactMap(\.pool))
            let addresses = pools.flatMap { table.pools[$0]?.members ?? [] }.compactMap(\.address)
            found.formUnion(addresses.compactMap { owners.longestMatch($0)?.prefix })
        }
        return found
    }
}
