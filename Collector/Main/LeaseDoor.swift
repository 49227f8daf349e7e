// SPDX-License-Identifier: Apache-2.0
import Deadline
import Election
import KubernetesSource

/// From what the election asks to the API server and back.
struct LeaseDoor: Sendable {
    private let lease: Configuration.Lease
    private let cluster: ClusterLease

    init(_ lease: Configuration.Lease, _ client: ClusterClient) {
        self.lease = lease
        cluster = ClusterLease(client, namespace: lease.namespace, name: lease.name)
    }

    /// Whoever stands by takes over after 15 s: what takes longer than a third of it, to its last byte, has failed.
    private static let deadline = 5

    func ask(_ request: Election.Request) async -> Election.Answer {
        do {
            return try await withDeadline(seconds: Self.deadline) { await answer(to: request) }
        } catch {
            return .failed("\(error)")
        }
    }

    private func answer(to request: Election.Request) async -> Election.Answer {
        do throws(LeaseError) {
            switch request {
            case .read:
                return try answer(await cluster.read(limit: Lease.sizeLimit)) { .found($0) }
            case .write(let wanted):
                let body = try wanted.encoded(namespace: lease.namespace, name: lease.name)
                let written = await cluster.write(
                    body,
                    isNew: wanted.document == nil,
                    limit: Lease.sizeLimit
                )
                return try answer(written) { .written($0) }
            }
        } catch {
            return .failed(error.description)
        }
    }

    private func answer(
        _ answer: ClusterLease.Answer,
        _ make: (Lease) -> Election.Answer
    ) throws(LeaseError) -> Election.Answer {
        switch answer {
        case .found(let bytes): make(try Lease(from: bytes))
        case .absent: .absent
        case .conflict: .conflict
        case .failed(let reason): .failed(reason)
        }
    }
}
