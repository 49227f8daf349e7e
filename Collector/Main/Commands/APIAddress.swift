// SPDX-License-Identifier: Apache-2.0
import Foundation
import NIOHTTP1
import Sinks

/// Where a collector is, and as whom it is asked.
struct APIAddress: Sendable, Hashable {
    /// Without a name, a password or a slash at its end: fit to be printed.
    var base: String
    /// `name:password`.
    var user: String?
    var ca: String?
    var certificate: String?
    var key: String?

    static let standard = "http://127.0.0.1:10480"

    /// `text` may hold name and password, unless it `isPublic`, as what stands in a command line is.
    init(_ text: String, isPublic: Bool) throws(APIFailure) {
        let whole = text.contains("://") ? text : "http://" + text
        guard var parts = URLComponents(string: whole),
            ["http", "https"].contains(parts.scheme ?? ""), !(parts.host ?? "").isEmpty
        else {
            throw APIFailure(
                description: "--url or PODPATH_URL is not such as https://podpath.example:10480"
            )
        }
        if let name = parts.user {
            guard !isPublic || parts.password == nil else {
                throw APIFailure(
                    description: "everybody on this machine can read a password in --url: "
                        + "put the URL into PODPATH_URL, or name:password into a file for --user-file"
                )
            }
            user = "\(name):\(parts.password ?? "")"
        }
        (parts.user, parts.password, parts.query, parts.fragment) = (nil, nil, nil, nil)
        let address = parts.string ?? whole
        base = address.hasSuffix("/") ? String(address.dropLast()) : address
    }

    var authorization: String? {
        user.map { "Basic " + Data($0.utf8).base64EncodedString() }
    }

    func failure(_ status: HTTPResponseStatus, _ body: Data) -> APIFailure {
        struct Reason: Decodable { var error: String }
        let reason = (try? JSONDecoder().decode(Reason.self, from: body))?.error
        switch status.code {
        case 401 where user == nil:
            return APIFailure(
                description: "\(base) wants name and password: a file with name:password "
                    + "for --user-file, or PODPATH_URL=https://name:password@HOST:PORT"
            )
        case 401: return APIFailure(description: "\(base) does not take this name and password")
        default:
            let words = reason ?? "HTTP \(status.code)"
            let isRefusal = reason != nil && (400..<500).contains(status.code)
            return APIFailure(description: "\(base): \(words)", isRefusal: isRefusal)
        }
    }

    /// A connection's failure, with what can be done about it.
    func failure(_ error: any Error) -> APIFailure {
        let text = "\(error)"
        let advice =
            if text.contains("CERTIFICATE_VERIFY_FAILED") {
                "its certificate is not from an authority known here: --ca FILE, or PODPATH_CA"
            } else if text.contains("CERTIFICATE_REQUIRED") || text.contains("HANDSHAKE_FAILURE") {
                "TLS was refused; it may want a certificate: --certificate FILE --key FILE"
            } else if base.hasPrefix("https:"), text.contains("WRONG_VERSION_NUMBER") {
                "it does not speak TLS: http:// in its place"
            } else if base.hasPrefix("http:"), text.lowercased().contains("remoteconnectionclosed")
            {
                "it hung up; if it speaks TLS: https:// in its place"
            } else if text.contains("deadlineExceeded") || text.lowercased().contains("timeout") {
                "no answer in time; is a collector running there, and nothing in between?"
            } else {
                "is a collector running there? --url or PODPATH_URL names another"
            }
        return APIFailure(description: "cannot ask \(base): \(Self.short(text)); \(advice)")
    }

    /// What the network said, without the library's own nesting.
    private static func short(_ text: String) -> String {
        if let refused = text.firstMatch(of: /Connection refused|No route to host|unreachable/) {
            return refused.output.lowercased()
        }
        return String(text.prefix(160))
    }
}
