// SPDX-License-Identifier: Apache-2.0
import Foundation
import Incidents
import Verdicts

/// What `/api/v1/openapi.json` says: made of the endpoints that requests are held to. The shapes of documents stand in
/// schemas.json; words that types know are filled in from them.
enum OpenAPI {
    typealias Object = [String: any Sendable]

    /// `isGuarded`: nobody is answered without a password.
    static func document(version: String, isGuarded: Bool) -> Data {
        var document: Object = [
            "openapi": "3.0.3",
            "info": ["title": "podpath-collector", "version": version],
            "servers": [["url": "/"]],
            "paths": paths(isGuarded),
        ]
        var components: Object = ["schemas": schemas]
        if isGuarded {
            components["securitySchemes"] = ["basic": ["type": "http", "scheme": "basic"]]
            document["security"] = [["basic": [String]()]]
        }
        document["components"] = components
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
        return (try? JSONSerialization.data(withJSONObject: document, options: options)) ?? Data()
    }

    private static var schemas: Object {
        let read = try? JSONSerialization.jsonObject(with: Data(PackageResources.schemas_json))
        var schemas = read as? Object ?? [:]
        schemas["Kind"] = word(Kind.allCases.map(\.rawValue))
        schemas["Severity"] = word(Severity.allCases.map(\.rawValue))
        schemas["Stage"] = word(PathStage.allCases.map(\.rawValue))
        schemas["Verdict"] = word(["ok", "unknown"] + Kind.allCases.map(\.rawValue))
        return schemas
    }

    private static func word(_ words: [String]) -> Object { ["type": "string", "enum": words] }

    private static func paths(_ isGuarded: Bool) -> Object {
        Dictionary(grouping: Endpoint.all, by: \.path).mapValues { endpoints in
            let operations = endpoints.map {
                ($0.method.rawValue.lowercased(), operation($0, isGuarded))
            }
            return Object(uniqueKeysWithValues: operations)
        }
    }

    private static func operation(_ endpoint: Endpoint, _ isGuarded: Bool) -> any Sendable {
        var operation: Object = [
            "summary": endpoint.summary,
            "responses": responses(endpoint, isGuarded),
        ]
        var parameters = endpoint.parameters.map(parameter)
        if endpoint.path.hasSuffix("{id}") {
            parameters.append([
                "name": "id", "in": "path", "required": true,
                "schema": ["type": "string", "minLength": 1, "maxLength": 64] as Object,
            ])
        }
        if endpoint.isTagged {
            parameters.append([
                "name": "If-None-Match", "in": "header", "schema": ["type": "string"],
                "description": "The ETag of an answer that the client has.",
            ])
        }
        if !parameters.isEmpty { operation["parameters"] = parameters }
        if let body = endpoint.body {
            operation["requestBody"] =
                ["required": true, "content": content(.schema(body))] as Object
        }
        return operation
    }

    private static func responses(_ endpoint: Endpoint, _ isGuarded: Bool) -> Object {
        var responses: Object = [:]
        for (status, meaning) in endpoint.statuses {
            responses[String(status)] = response(
                meaning,
                status == 201 || isText(endpoint) ? endpoint.content : .schema("Error")
            )
        }
        if endpoint.statuses[201] == nil {
            var good = response("As asked.", endpoint.content)
            if endpoint.isTagged {
                good["headers"] = ["ETag": ["schema": ["type": "string"]]]
                responses["304"] = ["description": "The client has it already."]
            }
            responses["200"] = good
        }
        responses["400"] = response("The request is not understood.", .schema("Error"))
        if isGuarded { responses["401"] = response("Name or password.", .schema("Error")) }
        return responses
    }

    private static func isText(_ endpoint: Endpoint) -> Bool {
        guard case .text("text/plain") = endpoint.content else { return false }
        return true
    }

    private static func response(_ meaning: String, _ shape: Endpoint.Content) -> Object {
        ["description": meaning, "content": content(shape)]
    }

    private static func content(_ content: Endpoint.Content) -> Object {
        switch content {
        case .text(let type): [type: ["schema": ["type": "string"]]]
        case .schema(let name):
            ["application/json": ["schema": ["$ref": "#/components/schemas/\(name)"]]]
        }
    }

    private static func parameter(_ parameter: QueryParameter) -> Object {
        var object: Object = [
            "name": parameter.name, "in": "query", "description": parameter.about,
            "schema": schema(parameter.form),
        ]
        if case .words = parameter.form { (object["style"], object["explode"]) = ("form", false) }
        return object
    }

    private static func schema(_ form: QueryParameter.Form) -> Object {
        switch form {
        case .number(let range):
            ["type": "integer", "minimum": range.lowerBound, "maximum": range.upperBound]
        case .text(let range):
            ["type": "string", "minLength": range.lowerBound, "maxLength": range.upperBound]
        case .continuation(let pattern): ["type": "string", "pattern": pattern]
        case .moment: ["type": "string", "format": "date-time"]
        case .prefix: ["anyOf": prefixes]
        case .words(let words):
            [
                "type": "array", "items": word(words), "minItems": 1, "maxItems": words.count,
            ]
        }
    }

    private static let prefixes: [Object] = [
        ["type": "string", "format": "ipv4"],
        ["type": "string", "format": "ipv6"],
        [
            "type": "string",
            "pattern": "^(\(byte)\\.){3}\(byte)/(3[0-2]|[12]?[0-9])$",
        ],
        [
            "type": "string",
            "pattern": "^(\(ipv6.joined(separator: "|")))/(12[0-8]|1[01][0-9]|[1-9]?[0-9])$",
        ],
    ]

    private static let byte = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

    /// Eight groups, or fewer around the two colons that stand for those left out.
    private static var ipv6: [String] {
        let group = "[0-9A-Fa-f]{1,4}"
        let around = (1...6).map { "(\(group):){1,\($0)}(:\(group)){1,\(7 - $0)}" }
        return ["(\(group):){7}\(group)", "(\(group):){1,7}:", ":(:\(group)){1,7}", "::"] + around
    }
}
