// SPDX-License-Identifier: Apache-2.0
import Foundation
import OperatorSource
import Passwords
import Sinks

extension WebSecurity {
    /// A web configuration file as Prometheus and its exporters take it; paths in it are relative to it.
    static func read(path: String) throws(FileError) -> WebSecurity {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw FileError(file: path, line: nil, reason: "cannot be read")
        }
        // An empty file is one of theirs too: no TLS, no passwords.
        guard text.contains(where: { !$0.isWhitespace }) else { return WebSecurity() }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        return try WebSecurityReader(folder: folder).read(try Tree(parsing: text, file: path))
    }
}

/// From the tree of a web configuration file.
private struct WebSecurityReader {
    let folder: String

    /// Of Prometheus' keys those that change nothing here, or that nobody should want: named, so that who copies a
    /// file is told, and not left to believe that they count.
    private static let unsupported = [
        "cert", "key", "client_ca", "client_allowed_sans", "cipher_suites", "curve_preferences",
        "prefer_server_cipher_suites",
    ]
    /// As many as a file holds that people keep.
    private static let userLimit = 1_000

    func read(_ tree: Tree) throws(FileError) -> WebSecurity {
        let keys = try tree.mapping("tls_server_config", "http_server_config", "basic_auth_users")
        var security = WebSecurity()
        if let tls = keys["tls_server_config"] { security.tls = try readTLS(tls) }
        if let http = keys["http_server_config"] { security.headers = try readHTTP(http) }
        for (name, hash) in try keys["basic_auth_users"]?.entries() ?? [:] {
            guard !name.contains(":"), security.users.count < Self.userLimit else {
                throw hash.error("a name has no colon, and there are 1000 at most")
            }
            guard let kept = BcryptHash(try hash.text()) else {
                throw hash.error("a bcrypt hash is expected, as `htpasswd -nB NAME` makes it")
            }
            security.users[name] = kept
        }
        return security
    }

    private func readTLS(_ tree: Tree) throws(FileError) -> WebSecurity.TLS {
        let known = [
            "cert_file", "key_file", "client_ca_file", "client_auth_type", "min_version",
            "max_version",
        ]
        let keys = try tree.mapping(known + Self.unsupported)
        if let (name, value) = keys.first(where: { Self.unsupported.contains($0.key) }) {
            throw value.error(
                "\(name) is not supported; there are: \(known.joined(separator: ", "))"
            )
        }
        var tls = WebSecurity.TLS(
            certificate: try file("cert_file", keys, tree),
            key: try file("key_file", keys, tree)
        )
        if keys["client_ca_file"] != nil { tls.clientCA = try file("client_ca_file", keys, tree) }
        if let word = keys["client_auth_type"] { tls.clientAuth = try choice(word) }
        if let word = keys["min_version"] { tls.minimum = try choice(word) }
        if let word = keys["max_version"] { tls.maximum = try choice(word) }
        try check(tls, tree)
        return tls
    }

    private func check(_ tls: WebSecurity.TLS, _ tree: Tree) throws(FileError) {
        let verifies = [.verifyIfGiven, .requireAndVerify].contains(tls.clientAuth)
        guard !verifies || tls.clientCA != nil else {
            throw tree.error("client_auth_type \(tls.clientAuth.rawValue) needs client_ca_file")
        }
        guard tls.clientCA == nil || verifies else {
            throw tree.error(
                "client_ca_file without client_auth_type RequireAndVerifyClientCert lets everybody in"
            )
        }
        let versions = WebSecurity.TLS.Version.allCases
        guard let maximum = tls.maximum.flatMap({ versions.firstIndex(of: $0) }) else { return }
        guard maximum >= versions.firstIndex(of: tls.minimum) ?? 0 else {
            throw tree.error("max_version is below min_version")
        }
    }

    private func readHTTP(_ tree: Tree) throws(FileError) -> [WebSecurity.Header] {
        let keys = try tree.mapping("headers", "http2")
        if let http2 = keys["http2"], try http2.flag() {
            throw http2.error("only HTTP/1.1 is spoken here: false")
        }
        // Prometheus' list: others could break what the page relies on.
        let names = [
            "Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options",
            "X-XSS-Protection", "Strict-Transport-Security", "Cache-Control", "Referrer-Policy",
        ]
        var headers: [WebSecurity.Header] = []
        let values = try keys["headers"]?.mapping(names) ?? [:]
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            let text = try value.text()
            guard text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }), text.utf8.count <= 4_096
            else { throw value.error("printable ASCII is expected, 4096 letters at most") }
            headers.append(WebSecurity.Header(name: name, value: text))
        }
        return headers
    }

    private func choice<Word: RawRepresentable<String> & CaseIterable>(
        _ tree: Tree
    ) throws(FileError) -> Word {
        guard let word = Word(rawValue: try tree.text()) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw tree.error("one of \(words) is expected")
        }
        return word
    }

    private func file(
        _ name: String,
        _ keys: [String: Tree],
        _ tree: Tree
    ) throws(FileError) -> String {
        guard let value = keys[name] else { throw tree.error("\"\(name)\" is missing") }
        let text = try value.text()
        return text.hasPrefix("/") ? text : folder + "/" + text
    }
}
