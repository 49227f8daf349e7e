// SPDX-License-Identifier: Apache-2.0
import Routing

/// The only lines podpath ever writes to BIRD. A name that is not plainly a symbol, and text from
/// outside of any kind, cannot get into one.
enum Command: Equatable {
    case restrict
    case timeFormat
    case status
    case protocols
    case staticRoutes(String)
    case bfdSessions(String)
    case route(Prefix)
    case exported(Prefix, String)
    case export(Prefix, String)
    case noExport(Prefix, String)
    /// How many routes the filter accepts now.
    case exportCount(String)
    case echo

    /// BIRD takes 4,093 bytes; ours are an eighth of the line it prints.
    static let limit = 255

    /// Nil for a name that is not `[A-Za-z0-9_.:-]{1,63}`.
    var line: [UInt8]? {
        guard let text else { return nil }
        let bytes = Array(text.utf8) + [0x0a]
        return bytes.count <= Self.limit ? bytes : nil
    }

    private var text: String? {
        switch self {
        case .restrict: "restrict"
        case .timeFormat: "timeformat \"%s.%6f\""
        case .status: "show status"
        case .protocols: "show protocols all"
        case .staticRoutes(let name): Self.quoted(name).map { "show static \($0)" }
        case .bfdSessions(let name): Self.quoted(name).map { "show bfd sessions \($0)" }
        case .route(let prefix): "show route \(prefix)"
        case .exported(let prefix, let name):
            Self.quoted(name).map { "show route \(prefix) exported \($0)" }
        case .export(let prefix, let name):
            Self.quoted(name).map { "show route \(prefix) export \($0)" }
        case .noExport(let prefix, let name):
            Self.quoted(name).map { "show route \(prefix) noexport \($0)" }
        case .exportCount(let name): Self.quoted(name).map { "show route export \($0) count" }
        case .echo: "echo all"
        }
    }

    private static func quoted(_ name: String) -> String? {
        let bytes = name.utf8
        guard (1...63).contains(bytes.count), bytes.allSatisfy(isSymbol) else { return nil }
        return "'\(name)'"
    }

    private static func isSymbol(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: ":"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
