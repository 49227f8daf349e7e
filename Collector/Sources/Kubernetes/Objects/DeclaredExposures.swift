// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation

/// The pools of a declaration for AS3, `/tenant/application/pool` each: which Service fills one its labels say.
///
/// Only the classes that lead to pools are looked at; what does not fit is passed over, for the controller
/// refuses it as a whole and says so itself.
func declaredExposures(_ text: String, of key: String) -> [String: Exposure] {
    guard let root = try? JSONDecoder().decode(Declaration.self, from: Data(text.utf8)) else {
        return [:]
    }
    var exposures: [String: Exposure] = [:]
    for (tenant, applications) in root.declaration.parts where applications.kind == "Tenant" {
        for (application, parts) in applications.parts where parts.kind == "Application" {
            for (pool, part) in parts.parts where part.kind == "Pool" {
                guard let port = part.members?.first?.servicePort,
                    [tenant, application, pool].allSatisfy(isName)
                else { continue }
                let path = "/\(tenant)/\(application)/\(pool)"
                exposures["\(key)#\(path)"] = Exposure(pool: path, service: "", port: port)
            }
        }
    }
    return exposures
}

private struct Declaration: Decodable {
    var declaration: Part<Part<Part<Leaf>>>
}

private struct Member: Decodable {
    var servicePort: Int?
}

private struct AnyName: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// An object of AS3: its class, and the objects in it by their names. Other properties are no objects with a
/// class, and are none of ours.
private struct Part<Below: Decodable>: Decodable {
    let kind: String
    let parts: [String: Below]

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyName.self)
        kind = try container.decode(String.self, forKey: AnyName(stringValue: "class"))
        var parts: [String: Below] = [:]
        for name in container.allKeys {
            if let part = try? container.decode(Below.self, forKey: name) {
                parts[name.stringValue] = part
            }
        }
        self.parts = parts
    }
}

private struct Leaf: Decodable {
    let kind: String
    let members: [Member]?

    private enum CodingKeys: String, CodingKey {
        case kind = "class"
        case members
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        kind = try container.decode(String.self, forKey: .kind)
        members = try? container.decodeIfPresent([Member].self, forKey: .members)
    }
}
