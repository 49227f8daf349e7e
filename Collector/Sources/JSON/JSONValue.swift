// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Why bytes are not the JSON a device should have sent. Offsets count bytes.
package enum JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    case empty
    case tooLarge(bytes: Int)
    case tooDeep(at: Int)
    case truncated(at: Int)
    case notJSON(at: Int, beginning: String)

    package var description: String {
        switch self {
        case .empty: "an empty answer"
        case .tooLarge(let bytes): "\(bytes) bytes, limit \(JSONValue.sizeLimit)"
        case .tooDeep(let at): "nested too deeply at byte \(at)"
        case .truncated(let at): "cut off at byte \(at)"
        case .notJSON(let at, let beginning): "not JSON at byte \(at): \(beginning)"
        }
    }
}

/// JSON as devices send it: leaves may be text or numbers at their whim, so every leaf is read by
/// what is wanted of it.
package indirect enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// A full table of a large switch is a few megabytes.
    package static let sizeLimit = 16 << 20
    /// Vendors nest a dozen levels; the parser's own stack must not be the limit.
    static let depthLimit = 64

    /// One document, and nothing after it but blanks.
    package init(_ bytes: [UInt8]) throws(JSONError) {
        let documents = try Self.documents(bytes)
        guard documents.count == 1, let only = documents.first else {
            throw .notJSON(at: 0, beginning: "\(documents.count) documents")
        }
        self = only
    }

    /// One or several documents, one after the other, as a shell of several commands prints them.
    package static func documents(_ bytes: [UInt8]) throws(JSONError) -> [JSONValue] {
        guard bytes.count <= sizeLimit else { throw .tooLarge(bytes: bytes.count) }
        var documents: [JSONValue] = []
        var offset = skipBlanks(bytes, from: 0)
        while offset < bytes.count {
            let end = try endOfDocument(bytes, from: offset)
            documents.append(try parse(bytes, offset..<end))
            offset = skipBlanks(bytes, from: end)
        }
        guard !documents.isEmpty else { throw .empty }
        return documents
    }

    private static func skipBlanks(_ bytes: [UInt8], from start: Int) -> Int {
        var offset = start
        // A byte order mark counts as blank.
        if bytes.count >= start + 3, bytes[start] == 0xef, bytes[start + 1] == 0xbb { offset += 3 }
        while offset < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[offset]) { offset += 1 }
        return offset
    }

    /// Where the object or array that begins at `start` ends; its depth is checked on the way.
    private static func endOfDocument(_ bytes: [UInt8], from start: Int) throws(JSONError) -> Int {
        guard bytes[start] == UInt8(ascii: "{") || bytes[start] == UInt8(ascii: "[") else {
            throw .notJSON(at: start, beginning: beginning(bytes, start))
        }
        var depth = 0
        var isString = false
        var offset = start
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "\\") where isString: offset += 1
            case UInt8(ascii: "\""): isString.toggle()
            case UInt8(ascii: "{"), UInt8(ascii: "["): if !isString { depth += 1 }
            case UInt8(ascii: "}"), UInt8(ascii: "]"): if !isString { depth -= 1 }
            default: break
            }
            offset += 1
            guard depth <= depthLimit else { throw .tooDeep(at: offset) }
            if depth == 0 { return offset }
        }
        throw .truncated(at: bytes.count)
    }

    private static func parse(_ bytes: [UInt8], _ range: Range<Int>) throws(JSONError) -> JSONValue
    {
        do {
            return JSONValue(any: try JSONSerialization.jsonObject(with: Data(bytes[range])))
        } catch {
            throw .notJSON(at: range.lowerBound, beginning: beginning(bytes, range.lowerBound))
        }
    }

    private static func beginning(_ bytes: [UInt8], _ start: Int) -> String {
        let text = String(decoding: bytes[start...].prefix(60), as: UTF8.self)
        return String(text.prefix { !$0.isNewline })
    }

    private init(any value: Any) {
        switch value {
        case let object as [String: Any]: self = .object(object.mapValues(JSONValue.init(any:)))
        case let array as [Any]: self = .array(array.map(JSONValue.init(any:)))
        case let text as String: self = .string(text)
        case let number as NSNumber: self = .number(number)
        default: self = .null
        }
    }

    private static func number(_ number: NSNumber) -> JSONValue {
        // A boolean bridges to a number whose encoding is that of a char.
        String(cString: number.objCType) == "c"
            ? .bool(number.boolValue) : .number(number.doubleValue)
    }
}

// MARK: - Reading

extension JSONValue {
    package var object: [String: JSONValue]? {
        if case .object(let object) = self { return object }
        return nil
    }

    package var array: [JSONValue]? {
        if case .array(let array) = self { return array }
        return nil
    }

    package subscript(key: String) -> JSONValue? { object?[key] }

    /// Text, or a number's or boolean's text.
    package var text: String? {
        switch self {
        case .string(let text): text
        case .number(let number):
            number == number.rounded() && abs(number) < 1e15
                ? String(Int64(number)) : String(number)
        case .bool(let flag): String(flag)
        case .null, .array, .object: nil
        }
    }

    package var integer: Int? {
        switch self {
        case .number(let number): Int(exactly: number)
        case .string(let text): Int(text)
        case .null, .bool, .array, .object: nil
        }
    }

    /// `true`, `"true"`, `"yes"`, `"enabled"` and their opposites.
    package var flag: Bool? {
        switch self {
        case .bool(let flag): flag
        case .string(let text):
            switch text.lowercased() {
            case "true", "yes", "enabled": true
            case "false", "no", "disabled": false
            default: nil
            }
        case .null, .number, .array, .object: nil
        }
    }
}
