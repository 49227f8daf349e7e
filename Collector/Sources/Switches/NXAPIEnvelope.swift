// SPDX-License-Identifier: Apache-2.0
import VendorJSON

/// What NX-API's commands and answers are wrapped in: both are asked at `/ins`, and every release that has
/// NX-API has the first.
package enum NXAPIEnvelope: String, Sendable, CaseIterable {
    case insAPI = "ins-api"
    /// 3000 and 9000 only.
    case jsonRPC = "json-rpc"

    var contentType: String {
        switch self {
        case .insAPI: "application/json"
        case .jsonRPC: "application/json-rpc"
        }
    }

    /// `command` is one of the reader's own.
    func request(_ command: NXAPIReader.Command, asText: Bool) -> String {
        switch self {
        case .insAPI:
            // Some releases read the type only if it stands before the input.
            """
            {"ins_api":{"version":"1.0","type":"\(asText ? "cli_show_ascii" : "cli_show")",\
            "chunk":"0","sid":"sid","input":"\(command.rawValue)","output_format":"json"}}
            """
        case .jsonRPC:
            """
            [{"jsonrpc":"2.0","method":"\(asText ? "cli_ascii" : "cli")",\
            "params":{"cmd":"\(command.rawValue)","version":1},"id":1}]
            """
        }
    }

    /// JSON-RPC tells its own errors with status 500.
    func hasAnswer(_ status: Int) -> Bool { status == 200 || self == .jsonRPC && status == 500 }

    /// The command has no structured output in this release.
    func isUnsupported(_ body: [UInt8]) -> Bool {
        guard let document = try? JSONValue(body) else { return false }
        switch self {
        case .insAPI: return document["ins_api"]?["outputs"]?["output"]?["code"]?.text == "501"
        case .jsonRPC:
            let error = (document.array?.first ?? document)["error"]
            let words = [error?["message"]?.text, error?["data"]?["msg"]?.text].compactMap(\.self)
            return error?["code"]?.text == "501"
                || words.contains { $0.contains("Structured output unsupported") }
        }
    }

    /// The text of a command that was asked as text.
    func text(_ body: [UInt8]) -> String? {
        guard let document = try? JSONValue(body) else { return nil }
        switch self {
        case .insAPI: return document["ins_api"]?["outputs"]?["output"]?["body"]?.text
        case .jsonRPC: return (document.array?.first ?? document)["result"]?["msg"]?.text
        }
    }
}
