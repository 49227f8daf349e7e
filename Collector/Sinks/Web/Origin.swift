// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Hummingbird
import Routing

/// Who asks for a write, as far as a browser tells. Programs send none of these and are not meant.
struct WriteOrigin {
    private let origin: String?
    private let site: String?
    private let isOfPage: Bool
    /// The name by which the collector was reached.
    private let authority: String?

    /// No form and no page of another site can send it without the browser asking first, and nobody answers that.
    static let mark = "X-Podpath-Page"

    init(_ request: Request) {
        func header(_ name: String) -> String? {
            HTTPField.Name(name).flatMap { request.headers[$0] }
        }
        origin = header("Origin")
        site = header("Sec-Fetch-Site")
        isOfPage = header(Self.mark) != nil
        authority = request.head.authority
    }

    /// Programs may, and the collector's own page: by its address or by an origin that the configuration names.
    func mayWrite(_ named: Set<String>) -> Bool {
        guard origin != nil || site != nil else { return true }
        guard let origin, isOfPage, site == nil || site == "same-origin" else { return false }
        return Self.isOwn(origin, reachedBy: authority, named)
    }

    /// Anybody can have a name that leads here, and his page would then be of the same origin as the collector's.
    /// Nobody can have an address that does.
    static func isOwn(_ origin: String, reachedBy authority: String?, _ named: Set<String>) -> Bool
    {
        if named.contains(origin) { return true }
        guard let authority, let host = host(of: authority),
            host == "localhost" || IPAddress(host) != nil
        else { return false }
        return ["http://", "https://"].contains { origin == $0 + authority }
    }

    /// Without the port, and without the brackets of IPv6.
    private static func host(of authority: String) -> String? {
        guard authority.hasPrefix("[") else {
            return authority.split(separator: ":", omittingEmptySubsequences: false).first
                .map(String.init)
        }
        return authority.dropFirst().split(separator: "]").first.map(String.init)
    }
}
