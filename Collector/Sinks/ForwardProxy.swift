// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation
import Routing

/// The proxy by which a private data centre reaches a chat outside.
package struct ForwardProxy: Sendable, Hashable {
    package let host: String
    package let port: Int
    package let account: Account?

    package struct Account: Sendable, Hashable {
        /// `NAME:PASSWORD`
        package let pair: Secret

        package init(_ pair: Secret) { self.pair = pair }

        var base64: String { Data(pair.reveal().utf8).base64EncodedString() }
    }

    /// Of `http://HOST:PORT`, perhaps with `NAME:PASSWORD@`; nil if it is nothing like it.
    package init?(_ text: String, account: Account? = nil) {
        guard let parts = URLComponents(string: text.contains("://") ? text : "http://\(text)"),
            parts.scheme == "http", let host = parts.host, !host.isEmpty
        else { return nil }
        self.host = host
        port = parts.port ?? 3128
        let own = parts.user.map { Account(Secret("\($0):\(parts.password ?? "")")) }
        self.account = account ?? own
    }

    /// What the environment says of an address, as curl and Go read it: `https_proxy`, `http_proxy`, `no_proxy`, in
    /// small letters or capitals; of `http_proxy` only the small one, which no CGI request can set.
    package static func fromEnvironment(
        for url: String,
        _ environment: [String: String]
    ) -> ForwardProxy? {
        guard let parts = URLComponents(string: url), let host = parts.host?.lowercased() else {
            return nil
        }
        let names = parts.scheme == "http" ? ["http_proxy"] : ["https_proxy", "HTTPS_PROXY"]
        guard let text = names.lazy.compactMap({ environment[$0] }).first(where: { !$0.isEmpty })
        else { return nil }
        let exceptions = environment["no_proxy"] ?? environment["NO_PROXY"] ?? ""
        return isExcepted(host, exceptions) ? nil : ForwardProxy(text)
    }

    /// `.example.net` and `example.net` mean the domain and all below, `10.0.0.0/8` a network; `*` means everything.
    private static func isExcepted(_ host: String, _ list: String) -> Bool {
        list.split(separator: ",").contains { item in
            let item = item.trimmingCharacters(in: .whitespaces).lowercased()
            if let network = Prefix(item), let address = IPAddress(host) {
                return network.contains(address)
            }
            let name = item.hasPrefix(".") ? String(item.dropFirst()) : item
            return item == "*" || (!name.isEmpty && (host == name || host.hasSuffix(".\(name)")))
        }
    }
}
