// SPDX-License-Identifier: Apache-2.0

/// One line of a watch: `{"type": "ADDED", "object": {…}}`.
enum WatchEvent<Object: ClusterObject>: Decodable {
    case put(Object)
    case deleted(Object)
    /// `isInitialEnd`: everything that was there when a streamed list began has come.
    case bookmark(resourceVersion: String, isInitialEnd: Bool)
    case error(ServerStatus)

    private enum CodingKeys: CodingKey { case type, object }

    private struct Bookmark: Decodable {
        struct Metadata: Decodable {
            var resourceVersion: String
            var annotations: [String: String]?
        }

        var metadata: Metadata
    }

    init(from decoder: any Decoder) throws {
        let line = try decoder.container(keyedBy: CodingKeys.self)
        switch try line.decode(String.self, forKey: .type) {
        case "ADDED", "MODIFIED": self = .put(try line.decode(Object.self, forKey: .object))
        case "DELETED": self = .deleted(try line.decode(Object.self, forKey: .object))
        case "BOOKMARK":
            let metadata = try line.decode(Bookmark.self, forKey: .object).metadata
            self = .bookmark(
                resourceVersion: metadata.resourceVersion,
                isInitialEnd: metadata.annotations?["k8s.io/initial-events-end"] == "true"
            )
        case "ERROR": self = .error(try line.decode(ServerStatus.self, forKey: .object))
        case let type:
            throw DecodingError.dataCorruptedError(
                forKey: .type,
                in: line,
                debugDescription: "an event of type \(type.prefix(32))"
            )
        }
    }
}
