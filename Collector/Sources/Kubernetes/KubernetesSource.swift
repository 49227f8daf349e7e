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
        @Sendable func watch<Object: ClusterObject>(
            _ type: Object.Type,
            endsIfNotOffered: Bool = false
        ) async {
            var watch = ClusterWatch(
                type,
                client,
                mayStream: mayStream,
                clock: clock,
                deliver: deliver
            )
            await watch.run(endsIfNotOffered: endsIfNotOffered)
        }
        await withDiscardingTaskGroup { group in
            func keep<Object: ClusterObject>(_ type: Object.Type) {
                group.addTask { await watch(type) }
            }
            keep(NodeObject.self)
            keep(CiliumNodeObject.self)
            keep(BlockAffinityObject.self)
            keep(ServiceObject.self)
            keep(ExposureObject.self)
            keep(VirtualServerObject.self)
            keep(TransportServerObject.self)
            keep(ControllerObject.self)
            keep(CiliumSettingsObject.self)
            keep(MasqueradeAgentObject.self)
            group.addTask {
                await watch(EndpointSliceObject.self, endsIfNotOffered: !hasSlices)
                guard !Task.isCancelled else { return }
                await watch(EndpointsObject.self)
            }
        }
        await client.close()
    }

    /// One object of each collection is asked for: nil if it is given or known not to be there, else why not.
    package func check() async -> [(what: String, failure: String?)] {
        var answers: [(what: String, failure: String?)] = []
        answers.append(("nodes", await refusal(NodeObject.self)))
        answers.append(("CiliumNodes", await refusal(CiliumNodeObject.self)))
        answers.append(("BlockAffinities", await refusal(BlockAffinityObject.self)))
        answers.append(("services", await refusal(ServiceObject.self)))
        answers.append(("EndpointSlices", await refusal(EndpointSliceObject.self)))
        answers.append(("ConfigMaps", await refusal(ExposureObject.self)))
        answers.append(("VirtualServers", await refusal(VirtualServerObject.self)))
        answers.append(("TransportServers", await refusal(TransportServerObject.self)))
        answers.append(("Deployments", await refusal(ControllerObject.self)))
        await client.close()
        return answers
    }

    private func refusal<Object: ClusterObject>(_: Object.Type) async -> String? {
        for path in Object.paths {
            do {
                let response = try await client.get(path, [("limit", "1")])
                _ = try await response.body.collect(upTo: ItemSplitter.itemLimit)
                return nil
            } catch let failure as ClusterFailure where failure.status == 404 {
                continue
            } catch {
                return words(error)
            }
        }
        return nil
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
