// SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Deadline
import Facts
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOSSL
import Synchronization

/// What the API server answered in place of what was asked for.
struct ClusterFailure: Error {
    let status: Int
    let reason: String
    /// Milliseconds that the server asks to be left alone.
    let retryAfter: Int64?
}

/// What is read of one API server. Nothing here can write but what has a file of its own: the collectors' Lease.
/// A TokenReview is a POST that changes nothing.
package final class ClusterClient: Sendable {
    private let access: ClusterAccess
    private let http: HTTPClient
    private let token = Mutex<(value: Secret, readAt: ContinuousClock.Instant)?>(nil)

    /// Until an answer begins: a server that is overloaded says 429 in time.
    private static let headDeadline = TimeAmount.seconds(30)
    /// Servers send bookmarks each minute: after two and a half without a byte the connection may be dead
    /// without having said so, and asking again from the same place costs next to nothing.
    private static let silence = TimeAmount.seconds(150)
    private static let errorLimit = 64 << 10

    package init(_ access: ClusterAccess) throws {
        self.access = access
        var configuration = HTTPClient.Configuration()
        configuration.timeout = .init(connect: .seconds(5), read: Self.silence)
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        // Every watch holds one for itself, one for each collection; and as many more for what is asked beside.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 24
        configuration.tlsConfiguration = try Self.tls(access)
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    private static func tls(_ access: ClusterAccess) throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let ca = access.ca {
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(ca.utf8)))
        }
        if case .certificate(let chain, let key) = access.identity {
            tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(chain.reveal().utf8))
                .map { .certificate($0) }
            let privateKey = try NIOSSLPrivateKey(bytes: Array(key.reveal().utf8), format: .pem)
            tls.privateKey = .privateKey(privateKey)
        }
        return tls
    }

    package func close() async { try? await http.shutdown() }

    /// The answer to a GET with status 200, whose body is still to come.
    func get(_ path: String, _ query: [(String, String)]) async throws -> HTTPClientResponse {
        var components = URLComponents()
        components.path = path
        components.queryItems = query.map { URLQueryItem(name: $0.0, value: $0.1) }
        // A plus sign would be read as a blank.
        let encoded = components.percentEncodedQuery?.replacing("+", with: "%2B") ?? ""
        let response = try await http.execute(
            try self.request("\(path)?\(encoded)"),
            timeout: Self.headDeadline
        )
        guard response.status == .ok else { throw await failure(response) }
        return response
    }

    private func request(_ path: String) throws -> HTTPClientRequest {
        var request = HTTPClientRequest(url: access.server + path)
        request.headers.add(name: "Accept", value: "application/json")
        if let token = try bearer() {
            request.headers.add(name: "Authorization", value: "Bearer \(token.reveal())")
        }
        return request
    }

    /// One small object: its answer's body, at most `limit` bytes of it, all of it there within `seconds`.
    func exchange(
        _ method: HTTPMethod,
        _ path: String,
        body: Data? = nil,
        limit: Int,
        seconds: Int
    ) async throws -> Data {
        var request = try request(path)
        request.method = method
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        return try await withDeadline(seconds: seconds) { [request] in
            let response = try await self.http.execute(request, timeout: .seconds(Int64(seconds)))
            guard (200..<300) ~= response.status.code else { throw await self.failure(response) }
            return Data(buffer: try await response.body.collect(upTo: limit))
        }
    }

    private func bearer() throws -> Secret? {
        switch access.identity {
        case .token(let token): return token
        case .certificate, .none: return nil
        case .tokenFile(let path):
            return try token.withLock { known in
                let now = ContinuousClock.now
                if let known, now - known.readAt < .seconds(60) { return known.value }
                guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                    throw ClusterAccessError("\(path): cannot be read")
                }
                let value = Secret(text.trimmingCharacters(in: .whitespacesAndNewlines))
                known = (value, now)
                return value
            }
        }
    }

    /// A token that was refused is read again.
    func forgetToken() { token.withLock { $0 = nil } }

    private func failure(_ response: HTTPClientResponse) async -> ClusterFailure {
        let body = try? await response.body.collect(upTo: Self.errorLimit)
        let status = body.flatMap { try? JSONDecoder().decode(ServerStatus.self, from: $0) }
        let code = Int(response.status.code)
        let words = status?.message ?? status?.reason ?? response.status.reasonPhrase
        let seconds = response.headers.first(name: "Retry-After").flatMap { Int64($0) }
        return ClusterFailure(
            status: code,
            reason: "HTTP \(code): \(words.prefix(200))",
            retryAfter: seconds.map { min(max($0, 0), 300) * 1_000 }
        )
    }
}

/// How an error is told: without addresses of objects in memory.
func words(_ error: any Error) -> String {
    switch error {
    case let failure as ClusterFailure: failure.reason
    case let error as HTTPClientError: "no answer: \(error.shortDescription)"
    case let error as SplitError: error.description
    case let error as ClusterAccessError: error.description
    default: "no answer: \("\(error)".prefix(160))"
    }
}
