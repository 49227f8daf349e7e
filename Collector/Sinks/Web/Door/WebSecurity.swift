// SPDX-License-Identifier: Apache-2.0
import NIOSSL
package import Passwords

/// How the page and the API are guarded, as a web configuration file of Prometheus' kind says it.
package struct WebSecurity: Sendable, Hashable {
    package struct TLS: Sendable, Hashable {
        /// Prometheus' words, which are Go's.
        package enum ClientAuth: String, Sendable, Hashable, CaseIterable {
            case none = "NoClientCert"
            case request = "RequestClientCert"
            case requireAny = "RequireAnyClientCert"
            case verifyIfGiven = "VerifyClientCertIfGiven"
            case requireAndVerify = "RequireAndVerifyClientCert"
        }

        package enum Version: String, Sendable, Hashable, CaseIterable {
            case tls10 = "TLS10"
            case tls11 = "TLS11"
            case tls12 = "TLS12"
            case tls13 = "TLS13"
        }

        package var certificate: String
        package var key: String
        package var clientCA: String?
        package var clientAuth = ClientAuth.none
        package var minimum = Version.tls12
        package var maximum: Version?

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    package struct Header: Sendable, Hashable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package var tls: TLS?
    /// By name; without any nobody is asked who they are.
    package var users: [String: BcryptHash] = [:]
    package var headers: [Header] = []

    package init() {}
}

extension WebSecurity.TLS {
    func context() throws(WebDoorError) -> NIOSSLContext {
        let chain = try load(certificate) { try NIOSSLCertificate.fromPEMFile(certificate) }
        let secret = try load(key) { try NIOSSLPrivateKey(file: key, format: .pem) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(secret)
        )
        configuration.minimumTLSVersion = minimum.version
        configuration.maximumTLSVersion = maximum?.version
        configuration.applicationProtocols = ["http/1.1"]
        if let clientCA {
            _ = try load(clientCA) { try NIOSSLCertificate.fromPEMFile(clientCA) }
            configuration.trustRoots = .file(clientCA)
        }
        configuration.certificateVerification =
            switch clientAuth {
            case .none: .none
            case .request, .verifyIfGiven: .optionalVerification
            case .requireAny, .requireAndVerify: .noHostnameVerification
            }
        return try load("\(certificate) with \(key)") {
            try NIOSSLContext(configuration: configuration)
        }
    }

    private func load<Value>(_ what: String, _ read: () throws -> Value) throws(WebDoorError)
        -> Value
    {
        do {
            return try read()
        } catch {
            throw WebDoorError(description: "\(what) cannot be used: \(error)")
        }
    }

    /// A certificate is looked at, and whoever it is from is let in.
    var takesAnyCertificate: Bool { clientAuth == .request || clientAuth == .requireAny }
}

extension WebSecurity.TLS.Version {
    fileprivate var version: TLSVersion {
        switch self {
        case .tls10: .tlsv1
        case .tls11: .tlsv11
        case .tls12: .tlsv12
        case .tls13: .tlsv13
        }
    }
}
