// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Routing

/// v1 ConfigMap in the F5 controller's schema (f5schemadb://bigip-virtual-server_v0.1.x.json): a virtual
/// server with one pool; or a declaration for AS3. Other ConfigMaps bear no label that the query asks for.
struct ExposureObject: ClusterObject {
    static let paths = ["/api/v1/configmaps"]
    static let labelSelector: String? = "f5type=virtual-server"
    static func update(_ update: WatchUpdate<Exposure>) -> ClusterUpdate { .exposures(update) }

    /// `data.data`: JSON in text.
    struct Definition: Decodable {
        struct VirtualServer: Decodable {
            var frontend: Frontend
            var backend: Backend?
        }

        struct Frontend: Decodable {
            var partition: String?
            var virtualAddress: VirtualAddress?
        }

        struct VirtualAddress: Decodable { var bindAddr: String? }

        struct Backend: Decodable {
            var serviceName: String?
            var servicePort: Int?
        }

        var virtualServer: VirtualServer
    }

    var metadata: ObjectMetadata
    var data: [String: String]?

    var facts: [String: Exposure] {
        if metadata.labels?["as3"] == "true", let text = data?["template"] {
            return declaredExposures(text, of: metadata.key)
        }
        guard let schema = data?["schema"], schema.contains("bigip-virtual-server_v0.1"),
            let text = data?["data"],
            let definition = try? JSONDecoder().decode(Definition.self, from: Data(text.utf8)),
            let partition = definition.virtualServer.frontend.partition,
            let service = definition.virtualServer.backend?.serviceName,
            let port = definition.virtualServer.backend?.servicePort,
            [partition, service].allSatisfy(isName)
        else { return [:] }
        let bound = definition.virtualServer.frontend.virtualAddress?.bindAddr
        let namespace = metadata.namespace ?? "default"
        // The controller's own naming: cfgmap_<namespace>_<ConfigMap>_<service>.
        let pool = "/\(partition)/cfgmap_\(namespace)_\(metadata.name)_\(service)"
        return [
            metadata.key: Exposure(
                pool: pool,
                service: "\(namespace)/\(service)",
                port: port,
                family: bound.flatMap { IPAddress($0) }?.family ?? .ipv4
            )
        ]
    }
}

/// Of the letters that names of partitions and services have: what is none would end up in a command that
/// people paste.
func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 253
        && text.unicodeScalars.allSatisfy { scalar in
            ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
                || ("0"..."9").contains(scalar) || "-_.".unicodeScalars.contains(scalar)
        }
}
