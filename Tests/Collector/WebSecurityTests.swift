// SPDX-License-Identifier: Apache-2.0
import Foundation
import OperatorSource
import Passwords
import Testing

@testable import Sinks
@testable import podpath_collector

@Suite struct WebSecurityFiles {
    private static let hash = "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"

    /// A file `web.yml` in a folder of its own, which is gone afterwards.
    private func read(_ text: String) throws -> WebSecurity {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "web.yml")
        try Data(text.utf8).write(to: file)
        var security = try WebSecurity.read(path: file.path)
        if let certificate = security.tls?.certificate {
            security.tls?.certificate = certificate.replacing(folder.path, with: "HERE")
        }
        return security
    }

    private func error(_ text: String) -> String {
        do {
            _ = try read(text)
            return "accepted"
        } catch {
            let text = "\(error)"
            return text.range(of: "web.yml").map { String(text[$0.lowerBound...]) } ?? text
        }
    }

    @Test("a file as Prometheus takes it is read, paths relative to it")
    func whole() throws {
        let security = try read(
            """
            tls_server_config:
              cert_file: tls.crt
              key_file: /k/tls.key
              client_auth_type: RequireAndVerifyClientCert
              client_ca_file: ca.crt
              min_version: TLS13
            http_server_config:
              http2: false
              headers:
                Strict-Transport-Security: max-age=31536000
            basic_auth_users:
              ann: \(Self.hash)
            """
        )
        #expect(security.tls?.certificate == "HERE/tls.crt")
        #expect(security.tls?.key == "/k/tls.key")
        #expect(security.tls?.clientAuth == .requireAndVerify)
        #expect(security.tls?.minimum == .tls13)
        #expect(security.users["ann"]?.text == Self.hash)
        #expect(
            security.headers == [
                .init(name: "Strict-Transport-Security", value: "max-age=31536000")
            ]
        )
        #expect(try read("\n") == WebSecurity())
    }

    @Test(
        "mistakes are told with file, line and key",
        arguments: [
            (
                "tls_server_confg: {}",
                "web.yml:1: tls_server_confg: unknown key; did you mean \"tls_server_config\"?"
            ),
            (
                "tls_server_config:\n  cert_file: a",
                "web.yml:2: tls_server_config: \"key_file\" is missing"
            ),
            (
                "basic_auth_users:\n  ann: secret",
                "web.yml:2: basic_auth_users.ann: a bcrypt hash is expected, as `htpasswd -nB NAME` makes it"
            ),
            (
                "http_server_config:\n  headers:\n    Server: x",
                "web.yml:3: http_server_config.headers.Server: unknown key; did you mean"
            ),
            ("http_server_config:\n  http2: true", "web.yml:2: http_server_config.http2: only"),
            (
                "tls_server_config: { cert_file: a, key_file: b, client_auth_type: Always }",
                "client_auth_type: one of NoClientCert, RequestClientCert"
            ),
            (
                "tls_server_config: { cert_file: a, key_file: b, cipher_suites: [x] }",
                "cipher_suites: cipher_suites is not supported; there are: cert_file"
            ),
            (
                "tls_server_config: { cert_file: a, key_file: b, client_auth_type: RequireAndVerifyClientCert }",
                "client_auth_type RequireAndVerifyClientCert needs client_ca_file"
            ),
            (
                "tls_server_config: { cert_file: a, key_file: b, client_ca_file: c }",
                "lets everybody in"
            ),
            (
                "tls_server_config: { cert_file: a, key_file: b, min_version: TLS13, max_version: TLS12 }",
                "max_version is below min_version"
            ),
        ]
    )
    func mistakes(text: String, expected: String) {
        #expect(error(text).contains(expected), "\(error(text))")
    }

    @Test("what cannot be loaded leaves in force what was, and TLS is not switched by a file")
    func change() throws {
        let door = try WebDoor()
        var security = WebSecurity()
        security.users = ["ann": try #require(BcryptHash(Self.hash))]
        try door.change(to: security)
        security.tls = .init(certificate: "/nowhere/tls.crt", key: "/nowhere/tls.key")
        #expect(throws: WebDoorError.self) { try door.change(to: security) }
        #expect(throws: WebDoorError.self) { try WebDoor(security) }
        #expect(door.now.security.users.keys.sorted() == ["ann"])
    }
}
