// SPDX-License-Identifier: Apache-2.0
package import AsyncHTTPClient
package import Facts
import Foundation
package import Incidents
import NIOCore

/// A Slack-compatible incoming webhook: Slack, Mattermost, and many others.
package struct SlackWebhook: Sink {
    package let name: String
    private let address: Secret
    private let client: HTTPClient

    package init(name: String, address: Secret, client: HTTPClient) {
        self.name = name
        self.address = address
        self.client = client
    }

    private struct Message: Encodable { var text: String }

    package func deliver(_ transition: IncidentTransition) async throws(SinkError) {
        let text = Self.escaped(IncidentText.message(transition))
        var request = HTTPClientRequest(url: address.reveal())
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: json(Message(text: text))))
        let (status, answer) = try await execute(request)
        guard (200..<300).contains(status) else {
            // 4xx but 408 and 429: the same message will be refused again.
            let isFinal = (400..<500).contains(status) && status != 408 && status != 429
            throw SinkError("HTTP \(status) \(answer)", isWorthRetrying: !isFinal)
        }
    }

    private func execute(_ request: HTTPClientRequest) async throws(SinkError) -> (Int, String) {
        do {
            let response = try await client.execute(request, timeout: .seconds(10))
            let body = try await response.body.collect(upTo: 65_536)
            let answer = String(decoding: body.readableBytesView.prefix(100), as: UTF8.self)
            return (Int(response.status.code), IncidentText.printable(answer))
        } catch {
            // The error's own text may hold the address.
            throw SinkError("no answer (\(type(of: error)))")
        }
    }

    /// The three characters that Slack's mark-up reserves; the length is bounded by Slack's 40,000.
    static func escaped(_ text: String) -> String {
        let escaped = text.replacingOccurrences(of: "&", with: "&amp;")
            .replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;")
        return String(escaped.prefix(30_000))
    }
}
