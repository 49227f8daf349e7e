// SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import DeviceHTTP
package import Facts
import Foundation
import NIOCore
import NIOHTTP1

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

    typealias Answer = DeviceDoor.Answer

    private let url: String
    private let account: Account
    private let door: DeviceDoor
    private var cookie: (value: Secret, until: ContinuousClock.Instant)?
    private var refusedUntil: ContinuousClock.Instant?

    /// A session cookie lives for 600 s: a minute early, nothing is caught by its end.
    private static let cookieLife = Duration.seconds(540)
    private static let refusalPause = Duration.seconds(600)

    /// `ca` is a PEM file; without it the system's trust is used.
    package init(url: String, account: Account, ca: String?) {
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.account = account
        door = DeviceDoor(ca: ca)
    }

    package func close() async { await door.close() }

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
            let answer = try await door.exchange(request)
            keepCookie(answer.headers)
            return answer
        } catch let error as NoAnswer {
            throw SwitchReadError(error.description)
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
