// SPDX-License-Identifier: Apache-2.0
package import Foundation
import NIOHTTP1

/// The one object that podpath writes: a Lease of its own, in its own namespace.
package struct ClusterLease: Sendable {
    package enum Answer: Sendable {
        /// JSON of a `coordination.k8s.io/v1` Lease.
        case found(Data)
        case absent
        /// Somebody else wrote it meanwhile.
        case conflict
        case failed(String)
    }

    private let client: ClusterClient
    private let collection: String
    private let name: String

    /// Whoever stands by takes over after 15 s: what takes longer than a third of it has failed.
    private static let deadline = 5

    /// Both names are checked: they become parts of a path.
    package init(_ client: ClusterClient, namespace: String, name: String) {
        self.client = client
        self.name = name
        collection = "/apis/coordination.k8s.io/v1/namespaces/\(namespace)/leases"
    }

    package func read(limit: Int) async -> Answer {
        await ask(.GET, collection + "/" + name, nil, limit)
    }

    /// `isNew`: there was none.
    package func write(_ body: Data, isNew: Bool, limit: Int) async -> Answer {
        isNew
            ? await ask(.POST, collection, body, limit)
            : await ask(.PUT, collection + "/" + name, body, limit)
    }

    private func ask(
        _ method: HTTPMethod,
        _ path: String,
        _ body: Data?,
        _ limit: Int
    ) async -> Answer {
        do {
            return .found(
                try await client.exchange(
                    method,
                    path,
                    body: body,
                    limit: limit,
                    seconds: Self.deadline
                )
            )
        } catch let failure as ClusterFailure where failure.status == 404 {
            // To a POST it says that there is no such namespace.
            return method == .GET ? .absent : method == .PUT ? .conflict : .failed(failure.reason)
        } catch let failure as ClusterFailure where failure.status == 409 {
            return .conflict
        } catch {
            if (error as? ClusterFailure)?.status == 401 { client.forgetToken() }
            return .failed(words(error))
        }
    }
}
