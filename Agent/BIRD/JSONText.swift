// SPDX-License-Identifier: Apache-2.0

/// A JSON value that writes itself, for people: keys in the order given, empty ones left out.
package indirect enum JSONText {
    case null
    case bool(Bool)
    case number(Int64)
    case string(String)
    case list([JSONText])
    case object([(String, JSONText?)])

    /// Nil for an empty string or list: keys without content are left out.
    package static func nonEmpty(_ text: String) -> JSONText? { text.isEmpty ? nil : .string(text) }
    package static func nonEmpty(_ list: [JSONText]) -> JSONText? {
        list.isEmpty ? nil : .list(list)
    }

    package var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let value): String(value)
        case .string(let value): Self.quoted(value)
        case .list(let values): "[" + values.map(\.text).joined(separator: ",") + "]"
        case .object(let entries):
            "{"
                + entries.compactMap { key, value in
                    value.map { Self.quoted(key) + ":" + $0.text }
                }.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            default:
                if scalar.value < 32 || scalar.value == 127 {
                    let digits = String(scalar.value, radix: 16)
                    quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    quoted.unicodeScalars.append(scalar)
                }
            }
        }
        return quoted + "\""
    }
}
