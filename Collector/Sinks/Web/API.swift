// SPDX-License-Identifier: Apache-2.0
import Foundation
import Hummingbird
import Incidents
import Routing
import Verdicts

/// `GET /api/v1/incidents`.
package struct IncidentsDocument: Codable, Sendable {
    package var incidents: [IncidentDocument]
    /// Where the next page begins; absent on the last.
    package var next: String?

    package init(incidents: [IncidentDocument], next: String? = nil) {
        self.incidents = incidents
        self.next = next
    }
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

extension WebServer {
    static func addAPI(
        _ router: Router<BasicRequestContext>,
        _ board: StateBoard,
        _ version: String,
        _ archive: Archive
    ) {
        router.on(.incidents) { query, request, _ in
            guard let (state, generation) = board.current else { return starting() }
            let tag = EntityTag(generation: generation.incidents, of: board)
            return try await answer(request, tag) {
                try await incidents(state, query, archive, now: board.clock())
            }
        }
        router.on(.incident) { _, request, context in
            guard let (state, generation) = board.current else { return starting() }
            let id = context.parameters.get("id")?.removingPercentEncoding ?? ""
            guard let incident = try await find(id, state, archive) else {
                return missing("no such incident; /api/v1/incidents lists them")
            }
            let tag = EntityTag(generation: generation.incidents, of: board)
            return answer(request, tag) { document(incident, now: board.clock()) }
        }
        router.on(.paths) { query, request, _ in
            guard let (state, generation) = board.current else { return starting() }
            if let at = query.moment("at") { return await past(at, state, query, archive) }
            let tag = EntityTag(generation: generation.paths, of: board)
            return answer(request, tag) {
                paths(state.judgement.paths, state, query, now: board.clock())
            }
        }
        router.on(.sources) { _, _, _ in
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
        _ query: Query,
        _ archive: Archive,
        now: Timestamp
    ) async throws -> IncidentsDocument {
        let states = query.words("state").map { Set($0) }
        let since = query.moment("since")
        let limit = query.number("limit") ?? standardLimit
        let after = continuation(query)
        let isPast = states?.contains(Incident.State.resolved.rawValue) ?? true
        let all =
            isPast
            ? try await known(since: since, after: after, limit: limit + 1, state, archive)
            : state.incidents
        let chosen = all.filter { incident in
            states?.contains(incident.state.rawValue) ?? true
                && since.map { (incident.resolvedAt ?? now) >= $0 } ?? true
        }
        let (page, next) = page(chosen, after: after, limit: limit)
        return IncidentsDocument(
            incidents: page.map { IncidentDocument($0, now: now) },
            next: next
        )
    }

    /// By when they were detected, which never changes: what happens between two pages moves nothing from one to the other.
    private static func page(
        _ incidents: [Incident],
        after: IncidentKey?,
        limit: Int
    ) -> (page: ArraySlice<Incident>, next: String?) {
        func place(_ key: IncidentKey) -> (Int64, String) {
            (-key.detectedAt.milliseconds, key.id)
        }
        var rest = incidents.sorted { place($0.key) < place($1.key) }[...]
        if let after { rest = rest.drop { place($0.key) <= place(after) } }
        let page = rest.prefix(limit)
        guard page.count < rest.count, let last = page.last else { return (page, nil) }
        return (page, "\(last.detectedAt.milliseconds)-\(last.id)")
    }

    private static func continuation(_ query: Query) -> IncidentKey? {
        guard let parts = query["next"]?.split(separator: "-", maxSplits: 1), parts.count == 2,
            let moment = Int64(parts[0])
        else { return nil }
        return IncidentKey(id: String(parts[1]), detectedAt: Timestamp(milliseconds: moment))
    }

    private static let standardLimit = 1_000

    /// Those in memory, and where they do not go back far enough as many of the store as a page needs.
    static func known(
        since: Timestamp?,
        after: IncidentKey? = nil,
        limit: Int,
        _ state: CollectorState,
        _ archive: Archive
    ) async throws -> [Incident] {
        // What memory holds ended after all that it does not hold.
        let oldest = state.incidents.last?.resolvedAt ?? .zero
        guard let since, since < oldest, let read = archive.incidents else {
            return state.incidents
        }
        let range = PastIncidents(
            since: since,
            until: oldest,
            after: after,
            // Of those that ended in the same moment some may be known.
            limit: limit + IncidentLedger.resolvedLimit
        )
        let stored = try await kept { try await read(range) }
        let known = Set(state.incidents.map(\.key))
        return state.incidents + stored.filter { !known.contains($0.key) && $0.state == .resolved }
    }

    /// In memory, else in the store, of which the newest occurrence counts.
    private static func find(
        _ id: String,
        _ state: CollectorState,
        _ archive: Archive
    ) async throws -> Incident? {
        if let incident = state.incidents.first(where: { $0.id == id }) { return incident }
        guard let read = archive.incident else { return nil }
        return try await kept { try await read(id) }
    }

    /// What a store that cannot be read leaves out is not said to be nothing.
    private static func kept<Value>(_ read: () async throws -> Value) async throws -> Value {
        do {
            return try await read()
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw HTTPError(.serviceUnavailable, message: "the store: \(error)")
        }
    }

    /// The ways as they were at a moment.
    private static func past(
        _ at: Timestamp,
        _ state: CollectorState,
        _ query: Query,
        _ archive: Archive
    ) async -> Response {
        guard let read = archive.paths else { return missing("there is no store of what was") }
        do {
            let past = try await read(at, query.prefix("prefix"))
            return answer(paths(past.paths, state, query, now: at, lastSeen: past.lastSeen))
        } catch {
            return answer(ErrorDocument(error: "the store: \(error)"), .serviceUnavailable)
        }
    }

    private static func document(_ incident: Incident, now: Timestamp) -> IncidentDocument {
        var document = IncidentDocument(incident, now: now)
        document.timeline = incident.timeline.map {
            EventDocument(at: rfc3339($0.at), text: $0.text)
        }
        return document
    }

    private static func paths(
        _ all: some Collection<PathTrace>,
        _ state: CollectorState,
        _ query: Query,
        now: Timestamp,
        lastSeen: Timestamp? = nil
    ) -> PathsDocument {
        let (limit, offset) = (
            query.number("limit") ?? standardLimit, query.number("next") ?? 0
        )
        let filter = PathFilter(query, state)
        let chosen = all.filter(filter.passes)
        let page = chosen.dropFirst(offset).prefix(limit)
        let end = offset + page.count
        return PathsDocument(
            paths: page.map { PathDocument($0, now: now) },
            next: !page.isEmpty && end < chosen.count ? String(end) : nil,
            lastSeen: lastSeen.map(rfc3339)
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

    init(_ query: Query, _ state: CollectorState) {
        let asked = query["q"]
        prefix = query.prefix("prefix")
        node = query["node"]
        switchName = query["switch"]
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
