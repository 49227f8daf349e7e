// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// cis.f5.com/v1 VirtualServer: a virtual server for HTTP with a pool for each path.
struct VirtualServerObject: ClusterObject {
    static let paths = ["/apis/cis.f5.com/v1/virtualservers"]
    static func update(_ update: WatchUpdate<Exposure>) -> ClusterUpdate { .virtualServers(update) }

    struct Spec: Decodable {
        var host: String?
        var virtualServerAddress: String?
        var partition: String?
        var pools: [ServicePool]?
    }

    var metadata: ObjectMetadata
    var spec: Spec?

    var facts: [String: Exposure] {
        var exposures: [String: Exposure] = [:]
        for (index, pool) in (spec?.pools ?? []).enumerated() {
            exposures["\(metadata.key)#\(index)"] = pool.exposure(
                in: metadata.namespace ?? "default",
                host: spec?.host,
                partition: spec?.partition,
                address: spec?.virtualServerAddress
            )
        }
        return exposures
    }
}

/// cis.f5.com/v1 TransportServer: a virtual server for TCP or UDP with one pool.
struct TransportServerObject: ClusterObject {
    static let paths = ["/apis/cis.f5.com/v1/transportservers"]
    static func update(_ update: WatchUpdate<Exposure>) -> ClusterUpdate {
        .transportServers(update)
    }

    struct Spec: Decodable {
        var virtualServerAddress: String?
        var partition: String?
        var pool: ServicePool?
    }

    var metadata: ObjectMetadata
    var spec: Spec?

    var facts: [String: Exposure] {
        let exposure = spec?.pool?.exposure(
            in: metadata.namespace ?? "default",
            host: nil,
            partition: spec?.partition,
            address: spec?.virtualServerAddress
        )
        return exposure.map { [metadata.key: $0] } ?? [:]
    }
}

/// A pool of either.
struct ServicePool: Decodable {
    var name: String?
    var service: String?
    var serviceNamespace: String?
    var servicePort: NumberOrName?

    /// Later versions of the controller name a pool `<service>_<port>_<namespace>[_<host>]`, early ones
    /// `<namespace>_<service>_<port>`; a name that is given goes before both. Nil for what is no name.
    func exposure(
        in namespace: String,
        host: String?,
        partition: String?,
        address: String?
    ) -> Exposure? {
        guard let service, let servicePort else { return nil }
        let namespace = serviceNamespace ?? namespace
        let words = [service, namespace] + [partition, name].compactMap(\.self)
        guard words.allSatisfy(isName) else { return nil }
        let port = servicePort.text
        let late = [service, port, namespace] + [host].compactMap(\.self).filter { !$0.isEmpty }
        let names =
            name.map { [$0] }
            ?? [late.joined(separator: "_"), "\(namespace)_\(service)_\(port)"]
        let paths = names.map { "/\(partition ?? "*")/Shared/\(written($0))" }
        var exposure = Exposure(
            pool: paths[0],
            service: "\(namespace)/\(service)",
            port: servicePort.number ?? 0,
            family: address.flatMap { IPAddress($0) }?.family ?? .ipv4
        )
        exposure.alternatives = Array(paths.dropFirst())
        exposure.portName = servicePort.name
        return exposure
    }
}

/// AS3 allows letters, digits and `_`; the controller puts that for the signs that names have besides.
private func written(_ name: String) -> String {
    String(name.prefix(512).map { ".:/-=*".contains($0) ? "_" : $0 == "%" ? "." : $0 })
}

/// intstr.IntOrString: 80, "80" or "http".
struct NumberOrName: Decodable {
    let number: Int?
    let name: String?

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
            (self.number, name) = (number, nil)
        } else {
            let text = String(try container.decode(String.self).prefix(64))
            number = Int(text)
            name = number == nil ? text : nil
        }
    }

    var text: String { number.map(String.init) ?? name ?? "" }
}
