// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation
import Yams

/// How an API server is reached: where, whom to trust, who we are.
package struct ClusterAccess: Sendable {
    package enum Identity: Sendable {
        case token(Secret)
        /// Read again each minute: a projected token is replaced before it expires.
        case tokenFile(String)
        /// PEM.
        case certificate(chain: Secret, key: Secret)
        case none
    }

    package var server: String
    /// PEM; nil: the system's trust.
    package var ca: String?
    package var identity: Identity

    package init(server: String, ca: String?, identity: Identity) {
        self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
        self.ca = ca
        self.identity = identity
    }
}

/// Why an API server cannot be reached as configured, in one line.
package struct ClusterAccessError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

extension ClusterAccess {
    private static let serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// As every pod has it.
    package static func inCluster(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ClusterAccessError) -> ClusterAccess {
        guard let host = environment["KUBERNETES_SERVICE_HOST"],
            let port = environment["KUBERNETES_SERVICE_PORT"]
        else {
            throw ClusterAccessError(
                "this is no pod (KUBERNETES_SERVICE_HOST is not set): \"kubernetes: { kubeconfig: FILE }\" is needed"
            )
        }
        let address = host.contains(":") ? "[\(host)]" : host
        return ClusterAccess(
            server: "https://\(address):\(port)",
            ca: try text(of: serviceAccount + "/ca.crt"),
            identity: .tokenFile(serviceAccount + "/token")
        )
    }

    /// The namespace of this pod; nil where this is none.
    package static var ownNamespace: String? {
        let text = try? String(contentsOfFile: serviceAccount + "/namespace", encoding: .utf8)
        return text?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    fileprivate static func text(of path: String) throws(ClusterAccessError) -> String {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw ClusterAccessError("\(path): cannot be read")
        }
        return text
    }
}

// MARK: - kubeconfig

/// Of a kubeconfig what its current context needs.
private struct KubeConfig: Decodable {
    struct Named<Value: Decodable>: Decodable {
        var name: String
        var value: Value

        private struct Key: CodingKey {
            var stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        /// The value stands beside the name under a key of its own kind.
        init(from decoder: any Decoder) throws {
            let entry = try decoder.container(keyedBy: Key.self)
            name = try entry.decode(String.self, forKey: Key(stringValue: "name"))
            let other = entry.allKeys.first { $0.stringValue != "name" }
            value = try entry.decode(Value.self, forKey: other ?? Key(stringValue: "value"))
        }
    }

    struct Context: Decodable {
        var cluster: String
        var user: String?
    }

    struct Cluster: Decodable {
        var server: String
        var authority: String?
        var authorityData: String?
        var skipsVerification: Bool?
        var serverName: String?

        enum CodingKeys: String, CodingKey {
            case server
            case authority = "certificate-authority"
            case authorityData = "certificate-authority-data"
            case skipsVerification = "insecure-skip-tls-verify"
            case serverName = "tls-server-name"
        }
    }

    struct User: Decodable {
        /// Whatever it is: it is not run.
        struct Program: Decodable { init(from decoder: any Decoder) throws {} }

        var token: String?
        var tokenFile: String?
        var certificate: String?
        var certificateData: String?
        var key: String?
        var keyData: String?
        var exec: Program?
        var provider: Program?
        var username: String?

        enum CodingKeys: String, CodingKey {
            case token, tokenFile, exec, username
            case certificate = "client-certificate"
            case certificateData = "client-certificate-data"
            case key = "client-key"
            case keyData = "client-key-data"
            case provider = "auth-provider"
        }
    }

    var current: String?
    var contexts: [Named<Context>]?
    var clusters: [Named<Cluster>]?
    var users: [Named<User>]?

    enum CodingKeys: String, CodingKey {
        case current = "current-context"
        case contexts, clusters, users
    }
}

extension ClusterAccess {
    /// The current context of a kubeconfig. Paths in it are relative to it.
    package static func kubeconfig(path: String) throws(ClusterAccessError) -> ClusterAccess {
        let written = try text(of: path)
        let config: KubeConfig
        do {
            config = try YAMLDecoder().decode(KubeConfig.self, from: written)
        } catch {
            throw ClusterAccessError("\(path): not a kubeconfig")
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        do throws(ClusterAccessError) {
            return try access(config, folder)
        } catch {
            throw ClusterAccessError("\(path): \(error)")
        }
    }

    private static func access(
        _ config: KubeConfig,
        _ folder: String
    ) throws(ClusterAccessError) -> ClusterAccess {
        guard let name = config.current, !name.isEmpty else {
            throw ClusterAccessError("no current-context")
        }
        guard let context = config.contexts?.first(where: { $0.name == name })?.value else {
            throw ClusterAccessError("no context \"\(name)\"")
        }
        guard let cluster = config.clusters?.first(where: { $0.name == context.cluster })?.value
        else { throw ClusterAccessError("no cluster \"\(context.cluster)\"") }
        guard cluster.skipsVerification != true else {
            throw ClusterAccessError(
                "cluster \"\(context.cluster)\" has insecure-skip-tls-verify: give its certificate-authority"
            )
        }
        guard cluster.serverName == nil else {
            throw ClusterAccessError(
                "cluster \"\(context.cluster)\": tls-server-name is not supported"
            )
        }
        let user = config.users?.first { $0.name == context.user }?.value
        return ClusterAccess(
            server: cluster.server,
            ca: try pem(cluster.authorityData, cluster.authority, folder),
            identity: try identity(user, named: context.user ?? "", folder)
        )
    }

    private static func identity(
        _ user: KubeConfig.User?,
        named name: String,
        _ folder: String
    ) throws(ClusterAccessError) -> Identity {
        guard let user else { return .none }
        if let file = user.tokenFile { return .tokenFile(absolute(file, folder)) }
        if let token = user.token { return .token(Secret(token)) }
        if let chain = try pem(user.certificateData, user.certificate, folder),
            let key = try pem(user.keyData, user.key, folder)
        {
            return .certificate(chain: Secret(chain), key: Secret(key))
        }
        guard user.exec == nil, user.provider == nil, user.username == nil else {
            throw ClusterAccessError(
                "user \"\(name)\" needs a program or a password: give it a token, a tokenFile or a client-certificate"
            )
        }
        return .none
    }

    /// Base64 in the file itself goes before a file of its own.
    private static func pem(
        _ inline: String?,
        _ file: String?,
        _ folder: String
    ) throws(ClusterAccessError) -> String? {
        if let inline {
            guard let data = Data(base64Encoded: inline) else {
                throw ClusterAccessError("a …-data is not base64")
            }
            return String(decoding: data, as: UTF8.self)
        }
        guard let file else { return nil }
        return try text(of: absolute(file, folder))
    }

    private static func absolute(_ path: String, _ folder: String) -> String {
        path.hasPrefix("/") ? path : folder + "/" + path
    }
}
