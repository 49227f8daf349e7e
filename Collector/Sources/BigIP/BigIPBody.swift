// SPDX-License-Identifier: Apache-2.0
import VendorJSON

/// One object's statistics and the place they stand at.
struct BigIPStatistics {
    var place: String
    var fields: JSONValue
}

/// The two shapes of every answer: a collection with `items`, statistics with `entries`.
extension JSONValue {
    /// A unit of the largest size has a few thousand of anything.
    private static let rowLimit = 50_000

    /// An answer's root object; an error object in a 200 is an error, and so is an answer about other objects
    /// than `wanted`: of a list of routes nobody learns that there are no pools. An answer that does not say
    /// what it is about is taken for what was asked for.
    static func answer(
        _ bytes: [UInt8],
        about wanted: String = "",
        butNot excluded: String? = nil
    ) throws(BigIPDecodingError) -> JSONValue {
        let root: JSONValue
        do throws(JSONError) {
            root = try JSONValue(bytes)
        } catch {
            throw .json(error)
        }
        guard root.object != nil else { throw .missing("the root object") }
        if let twice = repeatedKey(bytes) { throw .repeatedKey(twice.key) }
        let isError = root["kind"]?.text?.hasSuffix("resterrorresponse") ?? false
        let isRefusal = root["code"]?.integer != nil && root["message"] != nil
        if isError || isRefusal
            || root["code"] != nil && root["items"] == nil && root["entries"] == nil
        {
            throw .refused(code: root["code"]?.integer ?? 0)
        }
        let kind = root.kind
        guard kind.isEmpty || kind.hasPrefix(wanted), excluded.map({ !kind.hasPrefix($0) }) ?? true
        else { throw .unexpected(kind: String(kind.prefix(80))) }
        return root
    }

    var kind: String { self["kind"]?.text ?? "" }

    /// A collection's rows; `items` is left out when there are none, but only in a collection.
    func items() throws(BigIPDecodingError) -> [JSONValue] {
        guard let items = self["items"] else {
            guard !kind.isEmpty else { throw .missing("kind") }
            guard kind.hasSuffix("collectionstate") else { throw unexpected }
            return []
        }
        guard let rows = items.array else { throw .missing("items") }
        guard rows.count <= Self.rowLimit else { throw .tooMany("items") }
        return rows
    }

    /// The entries of a statistics answer, in order of their keys, and what cannot be read of them.
    /// Keys are URLs that vary by version: they only name a place, values say what it is.
    func statistics() throws(BigIPDecodingError) -> (rows: [BigIPStatistics], problems: [String]) {
        guard let entries = self["entries"] else {
            guard !kind.isEmpty else { throw .missing("kind") }
            guard kind.hasSuffix("stats") else { throw unexpected }
            return ([], [])
        }
        guard let all = entries.object else { throw .missing("entries") }
        guard all.count <= Self.rowLimit else { throw .tooMany("entries") }
        // Old versions give a single object's fields without the level between.
        if !all.isEmpty, all.values.allSatisfy({ $0["value"] != nil || $0["description"] != nil }) {
            return ([BigIPStatistics(place: "entries", fields: entries)], [])
        }
        var rows: [BigIPStatistics] = []
        var problems: [String] = []
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            let place = "entries[\(key.suffix(120))]"
            if let fields = value["nestedStats"]?["entries"], fields.object != nil {
                rows.append(BigIPStatistics(place: place, fields: fields))
            } else {
                problems.append("\(place): no nestedStats.entries")
            }
        }
        return (rows, problems)
    }

    /// `{"description": text}` or `{"value": number}` of a statistics field.
    func field(_ name: String) -> JSONValue? {
        self[name].flatMap { $0["description"] ?? $0["value"] }
    }

    /// A state in the device's own word; its own length is never trusted.
    func word(_ name: String) -> String {
        (field(name)?.text).map { String($0.prefix(64)) } ?? "unknown"
    }

    /// The device's sentence about a state; it may be a single blank.
    var statusReason: String { trimmed(field("status.statusReason")?.text ?? "") }

    private var unexpected: BigIPDecodingError { .unexpected(kind: String(kind.prefix(80))) }
}
