// SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
package import Facts
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL

/// A switch's HTTP door: one user, one request at a time, one connection kept open.
///
/// The switch's session cookie is sent back while it is young: it spares the switch a login for each
/// request. Basic credentials go with every request, as its guide wants it; once they are refused
/// nothing is sent for ten minutes, so that no account is locked out.
package actor SwitchHTTP {
    package struct Account: Sendable {
        package var username: String
        package var password: Secret

        package init(username: String, password: Secret) {
            self.username = username
            self.password = password
        }
    }

    struct Answer: Sendable {
        let status: Int
        let body: [UInt8]
    }

    private let url: String
    private let account: Account
    private let http: HTTPClient
    private var cookie: (value: Secret, until: ContinuousClock.Instant)?
    private var refusedUntil: ContinuousClock.Instant?

    /// NX-OS takes seconds for a table, and gives a command up after 300 s: this is a sick switch.
    private static let timeout = TimeAmount.seconds(30)
    private static let deadline = 40
    private static let bodyLimit = 16 << 20
    /// A session cookie lives for 600 s: a minute early, nothing is caught by its end.
    private static let cookieLife = Duration.seconds(540)
    private static let refusalPause = Duration.seconds(600)

    /// `ca` is a PEM file; without it the system's trust is used.
    package init(url: String, account: Account, ca: String?) {
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.account = account
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

    package func close() async { try? await http.shutdown() }

    /// Posts what is one of the readers' own fixed requests.
    func post(_ path: String, type: String, _ body: String) async throws -> Answer {
        if let refusedUntil, ContinuousClock.now < refusedUntil {
            throw SwitchReadError("credentials were refused; the next try is within 10 minutes")
        }
        let usedCookie = cookie != nil
        var answer = try await send(path, type, body)
        if answer.status == 401, usedCookie {
            cookie = nil
            answer = try await send(path, type, body)
        }
        if answer.status == 401 || answer.status == 403 {
            cookie = nil
            refusedUntil = .now + Self.refusalPause
            throw SwitchReadError("credentials were refused (\(answer.status))")
        }
        return answer
    }

    private func send(_ path: String, _ type: String, _ body: String) async throws -> Answer {
        var request = HTTPClientRequest(url: url + path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: type)
        let pair = Data("\(account.username):\(account.password.reveal())".utf8)
        request.headers.add(name: "Authorization", value: "Basic \(pair.base64EncodedString())")
        if let cookie, cookie.until > .now {
            request.headers.add(name: "Cookie", value: cookie.value.reveal())
        }
        request.body = .bytes(ByteBuffer(string: body))
        do {
            // The client's own time-out ends with the head: a body may drip for ever.
            let (answer, headers) = try await withDeadline(seconds: Self.deadline) {
                [request, http] in
                let response = try await http.execute(request, timeout: Self.timeout)
                let buffer = try await response.body.collect(upTo: Self.bodyLimit)
                let body = Array(buffer.readableBytesView)
                return (Answer(status: Int(response.status.code), body: body), response.headers)
            }
            keepCookie(headers)
            return answer
        } catch let error as HTTPClientError {
            throw SwitchReadError("no answer: \(error.shortDescription)")
        } catch is CancellationError {
            throw CancellationError()
        } catch let error as SwitchReadError {
            throw error
        } catch {
            throw SwitchReadError("no answer: \(error)")
        }
    }

    /// `nxapi_auth=…; Secure; HttpOnly`: its name and value, which are the switch's to know.
    private func keepCookie(_ headers: HTTPHeaders) {
        let set = headers[canonicalForm: "set-cookie"].first { $0.hasPrefix("nxapi_auth=") }
        guard let set, let pair = set.split(separator: ";").first, pair.utf8.count <= 1_024 else {
            return
        }
        cookie = (Secret(String(pair)), .now + Self.cookieLife)
    }
}
