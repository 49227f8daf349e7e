// SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
package import Facts
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL

/// A request that gave nothing to believe.
struct BigIPRequestError: Error, CustomStringConvertible {
    let description: String
    let failure: BigIPFailure?
}

/// iControl REST of one unit: one token, one request at a time, reads only.
///
/// The token is renewed by elapsed time before it expires, and given back on stop. There is never
/// a Basic header beside it, and a refused password is not tried again for ten minutes.
package actor BigIPClient {
    private let base: String
    private let username: String
    private let password: Secret
    private let http: HTTPClient
    private var token: (value: Secret, expires: ContinuousClock.Instant)?
    private var refusedUntil: ContinuousClock.Instant?

    /// Client limit of facts: 30 s for an answer; a healthy unit needs well under one.
    private static let timeout = TimeAmount.seconds(30)
    /// A page of fifty pools with everything is under 1 MB.
    private static let bodyLimit = 16 << 20
    /// Wrong credentials lock accounts out: one probe in ten minutes.
    private static let refusalPause = Duration.seconds(600)

    /// `ca` is a PEM file; without it the system's trust is used.
    package init(unit: String, username: String, password: Secret, ca: String?) {
        base = unit.hasSuffix("/") ? String(unit.dropLast()) : unit
        self.username = username
        self.password = password
        var configuration = HTTPClient.Configuration()
        configuration.timeout = .init(connect: .seconds(5), read: Self.timeout)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        if let ca {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(ca)
            configuration.tlsConfiguration = tls
        }
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// GET below `/mgmt/tm`. One retry after a token glitch or expiry, nothing else.
    package func get(_ path: String) async throws -> [UInt8] {
        for attempt in 0..<2 {
            let token = try await currentToken()
            let (status, body) = try await send(.GET, path, token: token)
            if status == 200 { return body }
            let failure = classify(status: status, body: body)
            if failure.action == .loginAgain, attempt == 0 {
                self.token = nil
                continue
            }
            throw BigIPRequestError(
                description: "\(path.split(separator: "?")[0]): \(failure.text)",
                failure: failure
            )
        }
        throw BigIPRequestError(description: "\(path): refused twice", failure: nil)
    }

    /// Gives the token back and closes the connection.
    package func close() async {
        if let token = token?.value {
            self.token = nil
            _ = try? await send(
                .DELETE,
                "/mgmt/shared/authz/tokens/\(token.reveal())",
                token: token
            )
        }
        try? await http.shutdown()
    }

    private struct Login: Encodable {
        var username: String
        var password: String
        var loginProviderName = "tmos"
    }

    private func currentToken() async throws -> Secret {
        let now = ContinuousClock.now
        if let token, token.expires > now { return token.value }
        if let refusedUntil, now < refusedUntil {
            throw BigIPRequestError(
                description: "credentials were refused; the next try is within 10 minutes",
                failure: nil
            )
        }
        let login = Login(username: username, password: password.reveal())
        let (status, body) = try await send(
            .POST,
            "/mgmt/shared/authn/login",
            token: nil,
            body: try JSONEncoder().encode(login)
        )
        guard status == 200 else {
            let failure = classify(status: status, body: body)
            if status == 401 { refusedUntil = now + Self.refusalPause }
            throw BigIPRequestError(description: "login: \(failure.text)", failure: failure)
        }
        refusedUntil = nil
        let answer = try decodeLogin(body)
        // A minute early, so that no request is caught by the expiry.
        let life = max(answer.lifetimeMilliseconds - 60_000, answer.lifetimeMilliseconds / 2)
        let secret = Secret(answer.token)
        token = (secret, now + .milliseconds(life))
        return secret
    }

    private func send(
        _ method: HTTPMethod,
        _ path: String,
        token: Secret?,
        body: Data? = nil
    ) async throws -> (Int, [UInt8]) {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        if let token { request.headers.add(name: "X-F5-Auth-Token", value: token.reveal()) }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        do {
            let response = try await http.execute(request, timeout: Self.timeout)
            let buffer = try await response.body.collect(upTo: Self.bodyLimit)
            return (Int(response.status.code), Array(buffer.readableBytesView))
        } catch let error as HTTPClientError {
            throw BigIPRequestError(
                description: "no answer: \(error.shortDescription)",
                failure: nil
            )
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw BigIPRequestError(description: "no answer: \(error)", failure: nil)
        }
    }
}
