import AsyncHTTPClient
// SPDX-License-Identifier: Apache-2.0
import Deadline
import DeviceHTTP
package import Facts
import Foundation
import NIOCore
import NIOHTTP1

/// A request that gave nothing to believe.
package struct BigIPRequestError: Error, Sendable, CustomStringConvertible {
    package let description: String
    var failure: BigIPFailure?
}

/// iControl REST of one unit: one token, one request at a time, reads only.
///
/// The token is given back on stop. There is never a Basic header beside it.
package actor BigIPClient {
    private let base: String
    private let username: String
    private let password: Secret
    private let door: DeviceDoor
    private var login = BigIPLogin()
    private let born = ContinuousClock.now

    /// `ca` is a PEM file; without it the system's trust is used.
    package init(unit: String, username: String, password: Secret, ca: String?) {
        base = unit.hasSuffix("/") ? String(unit.dropLast()) : unit
        self.username = username
        self.password = password
        door = DeviceDoor(ca: ca)
    }

    /// GET below `/mgmt/tm`. A header that the unit overlooked is sent once more, a token that it forgot is
    /// replaced once; nothing else is repeated.
    package func get(_ path: String) async throws -> [UInt8] {
        var hasRepeated = false
        var hasReplaced = false
        while true {
            let token = try await currentToken()
            let answer = try await send(.GET, path, token: token)
            if answer.status == 200 { return answer.body }
            let failure = classify(status: answer.status, body: answer.body)
            switch failure.action {
            case .retryOnce where !hasRepeated: hasRepeated = true
            case .loginAgain where !hasReplaced, .retryOnce where !hasReplaced:
                hasReplaced = true
                login.lost(at: now)
            default:
                if failure.action == .loginAgain { login.lost(at: now) }
                let place = path.split(separator: "?")[0]
                throw BigIPRequestError(
                    description: "\(place): \(failure.text)",
                    failure: failure
                )
            }
        }
    }

    /// Gives the token back and closes the connection.
    package func close() async {
        if let token = login.end() {
            let path = "/mgmt/shared/authz/tokens/\(token.reveal())"
            // The caller is cancelled already, as a rule; a unit that does not answer holds nobody up.
            let farewell = Task {
                try await withDeadline(seconds: 5) {
                    _ = try await self.send(.DELETE, path, token: token)
                }
            }
            _ = await farewell.result
        }
        await door.close()
    }

    private struct Credentials: Encodable {
        var username: String
        var password: String
        var loginProviderName = "tmos"
    }

    private var now: Int64 {
        let life = (ContinuousClock.now - born).components
        return life.seconds * 1000 + life.attoseconds / 1_000_000_000_000_000
    }

    private func currentToken() async throws -> Secret {
        switch login.next(at: now) {
        case .use(let token): return token
        case .wait(let until, let why):
            let minutes = max(1, (until - now + 59_999) / 60_000)
            throw BigIPRequestError(
                description: "no login: \(why); the next try is within \(minutes) min"
            )
        case .login: return try await logIn()
        }
    }

    private func logIn() async throws -> Secret {
        let body = try JSONEncoder().encode(
            Credentials(username: username, password: password.reveal())
        )
        let answer = try await send(.POST, "/mgmt/shared/authn/login", token: nil, body: body)
        guard answer.status == 200 else {
            var failure = classify(status: answer.status, body: answer.body)
            // Whatever the words of a 401, here it is about the password.
            if answer.status == 401 {
                failure = BigIPFailure(
                    action: .credentials,
                    text: "HTTP 401: the credentials are refused"
                )
            }
            login.refused(failure, at: now)
            throw BigIPRequestError(description: "login: \(failure.text)", failure: failure)
        }
        let granted = try decodeLogin(answer.body)
        let token = Secret(granted.token)
        login.granted(token, lifetime: granted.lifetimeMilliseconds, at: now)
        return token
    }

    private func send(
        _ method: HTTPMethod,
        _ path: String,
        token: Secret?,
        body: Data? = nil
    ) async throws -> DeviceDoor.Answer {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        if let token { request.headers.add(name: "X-F5-Auth-Token", value: token.reveal()) }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        do {
            return try await door.exchange(request)
        } catch let error as NoAnswer {
            throw BigIPRequestError(description: error.description)
        }
    }
}
