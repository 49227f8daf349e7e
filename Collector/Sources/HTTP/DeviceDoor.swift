package import AsyncHTTPClient
// SPDX-License-Identifier: Apache-2.0
import Deadline
import NIOCore
package import NIOHTTP1
import NIOSSL

/// Why a device gave no answer, in one line and without any secret.
package struct NoAnswer: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
}

/// One device's HTTP door: one connection, kept open; no redirect is followed; every answer is bounded in
/// time and size.
package struct DeviceDoor: Sendable {
    package struct Answer: Sendable {
        package let status: Int
        package let headers: HTTPHeaders
        package let body: [UInt8]
    }

    private let http: HTTPClient

    /// A device takes seconds for a large table; past this it is a sick one.
    private static let timeout = TimeAmount.seconds(30)
    /// The client's own time-out ends with the head: a body may drip for ever.
    private static let deadline = 40
    /// A page of fifty pools with everything is under 1 MB, a table of 15,000 routes under 8.
    private static let bodyLimit = 16 << 20

    /// `ca` is a PEM file; without it the system's trust is used.
    package init(ca: String?) {
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

    /// Throws `NoAnswer`, or `CancellationError` when the task was cancelled.
    package func exchange(_ request: HTTPClientRequest) async throws -> Answer {
        do {
            return try await withDeadline(seconds: Self.deadline) { [http] in
                let response = try await http.execute(request, timeout: Self.timeout)
                let buffer = try await response.body.collect(upTo: Self.bodyLimit)
                return Answer(
                    status: Int(response.status.code),
                    headers: response.headers,
                    body: Array(buffer.readableBytesView)
                )
            }
        } catch let error as HTTPClientError {
            throw NoAnswer(description: "no answer: \(error.shortDescription)")
        } catch is CancellationError {
            throw CancellationError()
        } catch let error as DeadlinePassed {
            throw NoAnswer(description: "no whole answer: \(error)")
        } catch {
            throw NoAnswer(description: "no answer: \("\(error)".prefix(160))")
        }
    }

    package func close() async { try? await http.shutdown() }
}
