// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation
package import Routing

/// One cluster's API server: what it has of nodes, services and what is exposed, kept up to date by a list
/// and a watch of each. Read only.
package struct KubernetesSource: Sendable {
    private let client: ClusterClient

    package init(_ client: ClusterClient) { self.client = client }

    /// Runs until cancelled.
    package func run(
        clock: @escaping @Sendable () -> Timestamp,
        deliver: @escaping @Sendable (ClusterUpdate) -> Void
    ) async {
        let minor = await minorVersion()
        // On in 1.32; where it is off again the server says so, and the list is asked for in pages.
        let mayStream = minor.map { $0 >= 32 } ?? false
        // A server that starts may not have its resources yet: only one that never had slices has none.
        let hasSlices = minor.map { $0 >= 17 } ?? true
        let client = client
        await withDiscardingTaskGroup { group in
            func keep<Object: ClusterObject>(_ type: Object.Type) {
                group.addTask {
                    var watch = ClusterWatch(
                        type,
                        client,
                        mayStream: mayStream,
                        clock: clock,
                        deliver: deliver
                    )
                    await watch.run()
                }
            }
            keep(NodeObject.self)
            keep(CiliumNodeObject.self)
            keep(BlockAffinityObject.self)
            keep(ServiceObject.self)
            keep(ExposureObject.self)
            group.addTask {
                var slices = ClusterWatch(
                    EndpointSliceObject.self,
                    client,
                    mayStream: mayStream,
                    clock: clock,
                    deliver: deliver
                )
                await slices.run(endsIfNotOffered: !hasSlices)
                guard !Task.isCancelled else { return }
                var endpoints = ClusterWatch(
                    EndpointsObject.self,
                    client,
                    mayStream: mayStream,
                    clock: clock,
                    deliver: deliver
                )
                await endpoints.run()
            }
        }
        await client.close()
    }

    private struct Version: Decodable {
        var minor: String
    }

    private func minorVersion() async -> Int? {
        guard let response = try? await client.get("/version", []),
            let body = try? await response.body.collect(upTo: 64 << 10),
            let version = try? JSONDecoder().decode(Version.self, from: Data(buffer: body))
        else { return nil }
        // "32", "19+"
        return Int(version.minor.prefix { $0.isNumber && $0.isASCII })
    }
}
