// SPDX-License-Identifier: Apache-2.0

/// In a journal: as text, and as a number of milliseconds.
extension IPAddress: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decoder.value("an address") { IPAddress($0) }
    }

    package func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}

extension Prefix: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decoder.value("a prefix") { Prefix($0) }
    }

    package func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}

extension Timestamp: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(milliseconds: try Int64(from: decoder))
    }

    package func encode(to encoder: any Encoder) throws { try milliseconds.encode(to: encoder) }
}

extension Decoder {
    /// What `parse` makes of a text; `what` it should be.
    fileprivate func value<Value>(
        _ what: String,
        _ parse: (String) -> Value?
    ) throws -> Value {
        let container = try singleValueContainer()
        guard let value = parse(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "not \(what)"
            )
        }
        return value
    }
}
