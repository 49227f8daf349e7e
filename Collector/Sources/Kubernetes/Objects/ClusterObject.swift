// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Routing

/// A kind of object that is watched, and what is kept of each: decoded from its own JSON, of which all
/// other fields are passed over.
protocol ClusterObject: Decodable, Sendable {
    associatedtype Fact: Sendable & Hashable

    /// Where the API server has them, the best first: older servers have older versions.
    static var paths: [String] { get }
    /// What the query narrows them down to.
    static var labelSelector: String? { get }
    static var fieldSelector: String? { get }
    static func update(_ update: WatchUpdate<Fact>) -> ClusterUpdate

    var metadata: ObjectMetadata { get }
    /// What is kept of it, by key: several of one object, or none that matters here.
    var facts: [String: Fact] { get }
}

extension ClusterObject {
    static var labelSelector: String? { nil }
    static var fieldSelector: String? { nil }
}

/// metav1.ObjectMeta, of which only this is read.
struct ObjectMetadata: Decodable, Sendable {
    var name: String
    var namespace: String?
    var uid: String?
    var resourceVersion: String?
    var creationTimestamp: String?
    var deletionTimestamp: String?
    var labels: [String: String]?
    var annotations: [String: String]?

    /// `default/web`, or the name alone of what has no namespace.
    var key: String { namespace.map { "\($0)/\(name)" } ?? name }

    var createdAt: Timestamp? { creationTimestamp.flatMap(moment) }
}

/// RFC 3339, as the API server writes it: whole seconds, UTC.
private func moment(_ text: String) -> Timestamp? {
    guard let date = try? Date(text, strategy: .iso8601) else { return nil }
    let seconds = date.timeIntervalSince1970
    guard seconds.magnitude < 1e11 else { return nil }
    return Timestamp(milliseconds: Int64(seconds * 1_000))
}

/// metav1.ListMeta.
struct ListMetadata: Decodable, Sendable {
    var resourceVersion: String?
    var `continue`: String?
}

/// metav1.Status: what the server says in place of what was asked for.
struct ServerStatus: Decodable, Sendable {
    var code: Int?
    var reason: String?
    var message: String?
}

extension [String] {
    /// As prefixes; what is none is passed over.
    var prefixes: [Prefix] { compactMap { Prefix(lenient: $0) } }
    var addresses: [IPAddress] { compactMap { IPAddress($0)?.unmapped } }
}
