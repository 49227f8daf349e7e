package import AsyncHTTPClient
// SPDX-License-Identifier: Apache-2.0
import Deadline
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL

/// What a sink sends. Its address may be a credential: it does not print itself.
package struct SinkRequest: Sendable, CustomStringConvertible, CustomReflectable {
    var method = HTTPMethod.POST
    var url: String
    var headers: [(String, String)] = [("Content-Type", "application/json")]
    var body: Data
    /// Secrets that are in the body.
    var hidden: [String] = []

    package var description: String { "\(method.rawValue) of \(body.count) bytes" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension SinkRequest {
    /// The parts of its address, of its headers and of its body's keys that may be credentials; the longest first.
    fileprivate var secrets: [String] {
        let parts = URLComponents(string: url)
        var words = (parts?.path ?? "").split(separator: "/").map(String.init)
        for item in parts?.queryItems ?? [] {
            words += [
                item.value,
                item.value?.addingPercentEncoding(withAllowedCharacters: .alphanumerics),
            ]
            .compactMap(\.self)
        }
        for (name, value) in headers where name == "Authorization" {
            words += value.split(separator: " ").map(String.init)
        }
        // Shorter ones are words of an interface: `robot`, `send`, `v2`.
        return ([url] + words.filter { $0.count >= 8 } + hidden).sorted { $0.count > $1.count }
    }
}

/// What a receiver answered; bounded.
package struct SinkAnswer: Sendable {
    var status: Int
    var body: Data
    /// Milliseconds.
    var retryAfter: Int64?
    /// What was sent and is nobody's to read: a receiver or a proxy may say it again.
    var concealed: [String] = []

    /// The body as one short line, for an error.
    var words: String {
        var text = String(decoding: body.prefix(4_096), as: UTF8.self)
        for secret in concealed { text = text.replacingOccurrences(of: secret, with: "…") }
        return printable(text, limit: 100).trimmingCharacters(in: .whitespaces)
    }
}

/// How one sink's requests leave: directly or through a forward proxy, with the system's trust or its own.
package struct SinkDoor: Sendable {
    package let client: HTTPClient

    /// A chat's answer comes within a second; past this it is none.
    private static let timeout = 10
    /// Answers are a line of JSON; a proxy's login page is some tens of KB.
    private static let bodyLimit = 256 << 10

    /// `ca` is a PEM file; without it the system's trust is used.
    package init(proxy: ForwardProxy?, ca: String?) {
        var configuration = HTTPClient.Configuration()
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(Int64(Self.timeout)))
        // A redirect would take a credential elsewhere.
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.proxy = proxy.map { proxy in
            .server(
                host: proxy.host,
                port: proxy.port,
                authorization: proxy.account.map { .basic(credentials: $0.base64) }
            )
        }
        if let ca {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(ca)
            configuration.tlsConfiguration = tls
        }
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Whatever goes wrong is said without the address.
    func exchange(_ request: SinkRequest) async throws(SinkError) -> SinkAnswer {
        var outgoing = HTTPClientRequest(url: request.url)
        outgoing.method = request.method
        for (name, value) in request.headers { outgoing.headers.add(name: name, value: value) }
        outgoing.body = .bytes(ByteBuffer(bytes: request.body))
        do {
            var answer = try await finish(outgoing)
            answer.concealed = request.secrets
            return answer
        } catch let error as HTTPClientError {
            // An address that is none will not become one by waiting.
            let isFinal = [.invalidURL, .emptyHost, .emptyScheme].contains(error)
            throw SinkError(
                "no answer: \(error.shortDescription)",
                isFinal ? .unauthorized : .unavailable
            )
        } catch let error as DeadlinePassed {
            throw SinkError("no answer: \(error)")
        } catch {
            // The error's own text may hold the address.
            throw SinkError("no answer (\(type(of: error)))")
        }
    }

    private func finish(_ request: HTTPClientRequest) async throws -> SinkAnswer {
        try await withDeadline(seconds: Self.timeout) { [client] in
            let response = try await client.execute(
                request,
                timeout: .seconds(Int64(Self.timeout))
            )
            let body = try await response.body.collect(upTo: Self.bodyLimit)
            // Seconds; a date is not read, and our own back-off stands in for it.
            let seconds = response.headers.first(name: "Retry-After").flatMap { UInt32($0) }
            return SinkAnswer(
                status: Int(response.status.code),
                body: Data(body.readableBytesView),
                // An hour is as long as a receiver may ask.
                retryAfter: seconds.map { Int64(min($0, 3_600)) * 1000 }
            )
        }
    }
}
