// SPDX-License-Identifier: Apache-2.0
import Foundation
import HTTPTypes
import Hummingbird
import Incidents

/// One resource and what may be asked of it: requests are held to it, and `/api/v1/openapi.json` is made of it.
struct Endpoint: Sendable {
    /// What an answer holds: a schema's name, or text of a media type.
    enum Content: Sendable {
        case schema(String)
        case text(String)
    }

    var method: HTTPRequest.Method
    var path: String
    var summary: String
    var parameters: [QueryParameter] = []
    var body: String?
    var content: Content
    /// What else is answered than 200, and what that means; those that are common to all are left out.
    var statuses: [Int: String] = [:]
    /// Whether its answers bear an entity tag.
    var isTagged = false

    static let all: [Endpoint] = [
        incidents, incident, paths, matrix, timeline, sources, silences, addSilence, endSilence,
        events, description,
        metrics, health, readiness,
    ]

    private static let limit = QueryParameter(
        "limit",
        .number(1...10_000),
        "How many at most; 1000 where nothing is said."
    )
    /// Which ways, and of when.
    private static let choice = [
        QueryParameter("prefix", .prefix, "Only of this pod CIDR."),
        QueryParameter("node", .text(1...253), "Only of this node."),
        QueryParameter("switch", .text(1...253), "Only those that pass this switch."),
        QueryParameter(
            "q",
            .text(1...253),
            "A pod's address, or a part of a prefix, node, pool or virtual server."
        ),
        QueryParameter("at", .moment, "As they were then; needs a store."),
    ]
    private static let notYet = [503: "The collector is starting."]

    static let incidents = Endpoint(
        method: .get,
        path: "/api/v1/incidents",
        summary: "Incidents, the one detected last first",
        parameters: [
            QueryParameter(
                "state",
                .words(["pending", "firing", "resolved"]),
                "Only those in one of these states."
            ),
            QueryParameter("since", .moment, "Only those that were not over by then."),
            limit,
            QueryParameter(
                "next",
                .continuation("^[0-9]{1,15}-[0-9A-Za-z_.-]{1,64}$"),
                "Where the page begins: `next` of the answer before."
            ),
        ],
        content: .schema("Incidents"),
        statuses: notYet,
        isTagged: true
    )
    static let incident = Endpoint(
        method: .get,
        path: "/api/v1/incidents/{id}",
        summary: "One incident with its timeline",
        content: .schema("Incident"),
        statuses: notYet.merging([404: "There is no such incident."]) { one, _ in one },
        isTagged: true
    )
    static let paths = Endpoint(
        method: .get,
        path: "/api/v1/paths",
        summary: "The ways of pod CIDRs, stage by stage",
        parameters: choice + [
            limit,
            QueryParameter(
                "next",
                .continuation("^[0-9]{1,9}$"),
                "Where the page begins: `next` of the answer before."
            ),
        ],
        content: .schema("Paths"),
        statuses: [
            404: "There is no store of what was.",
            503: "The collector is starting, or its store cannot be read.",
        ],
        isTagged: true
    )
    static let matrix = Endpoint(
        method: .get,
        path: "/api/v1/matrix",
        summary: "All ways by their states alone, for whoever draws them",
        parameters: choice,
        content: .schema("Matrix"),
        statuses: [
            404: "There is no store of what was.",
            503: "The collector is starting, or its store cannot be read.",
        ]
    )
    static let timeline = Endpoint(
        method: .get,
        path: "/api/v1/timeline",
        summary: "Incidents with what happened to each, the one detected last first",
        parameters: [
            QueryParameter("since", .moment, "Those that were not over by then; else of a day.")
        ],
        content: .schema("Timeline"),
        statuses: notYet
    )
    static let sources = Endpoint(
        method: .get,
        path: "/api/v1/sources",
        summary: "What is asked, and how well it answers",
        content: .schema("Sources"),
        statuses: notYet
    )
    static let silences = Endpoint(
        method: .get,
        path: "/api/v1/silences",
        summary: "Silences, acknowledgements and maintenance windows, the one that ends last first",
        parameters: [
            QueryParameter(
                "origin",
                .text(1...300),
                "A page's own origin, of which `mayWrite` then tells whether it may write."
            )
        ],
        content: .schema("Silences"),
        statuses: notYet,
        isTagged: true
    )
    static let addSilence = Endpoint(
        method: .post,
        path: "/api/v1/silences",
        summary: "Adds one, or changes the one whose id it bears; where `http.writes` is true",
        body: "SilenceRequest",
        content: .schema("Silence"),
        statuses: [
            201: "Taken.", 403: "Nobody may write here.", 404: "There is none of this id.",
            413: "The body is too large.", 415: "The body must be JSON.",
            503: "The collector is starting.",
        ]
    )
    static let endSilence = Endpoint(
        method: .delete,
        path: "/api/v1/silences/{id}",
        summary: "Ends one now; where `http.writes` is true",
        content: .schema("Silence"),
        statuses: [
            403: "Nobody may write here.", 404: "There is none of this id.",
            503: "The collector is starting.",
        ]
    )
    static let events = Endpoint(
        method: .get,
        path: "/api/v1/events",
        summary:
            "What changes, as server-sent events: incident, path, source and silence, each with its document, "
            + "or {} where it is to be asked for anew; lost: more happened than could be told",
        content: .text("text/event-stream"),
        statuses: [503: "Too many listen already."]
    )
    static let description = Endpoint(
        method: .get,
        path: "/api/v1/openapi.json",
        summary: "This description",
        content: .schema("Description"),
        isTagged: true
    )
    static let metrics = Endpoint(
        method: .get,
        path: "/metrics",
        summary: "Metrics in Prometheus' text format",
        content: .text("text/plain")
    )
    static let health = Endpoint(
        method: .get,
        path: "/healthz",
        summary: "Alive",
        content: .text("text/plain")
    )
    static let readiness = Endpoint(
        method: .get,
        path: "/readyz",
        summary: "Every source has been read once",
        content: .text("text/plain"),
        statuses: [503: "Some have not."]
    )
}

extension Router {
    /// A query that the endpoint does not know is refused before anything is done.
    func on(
        _ endpoint: Endpoint,
        _ respond: @escaping @Sendable (Query, Request, Context) async throws -> Response
    ) {
        on(RouterPath(endpoint.path), method: endpoint.method) { request, context -> Response in
            let query: Query
            do throws(QueryError) {
                query = try Query(request.uri.query, endpoint.parameters)
            } catch {
                return WebServer.bad(error.reason)
            }
            return try await respond(query, request, context)
        }
    }
}
