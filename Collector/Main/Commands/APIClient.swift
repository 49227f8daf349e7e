// SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Routing
import Sinks

/// Why a collector did not do as it was asked, and what to do about it.
struct APIFailure: Error, Hashable, CustomStringConvertible {
    let description: String
    /// It answered, and does not want to.
    var isRefusal = false
}

/// An answer: its bytes, and the collector's time of day.
struct APIAnswer: Sendable {
    var body: Data
    var at: Timestamp?
}

/// A running collector, as the commands ask it.
final class APIClient: Sendable {
    private let client: HTTPClient
    private let address: APIAddress

    /// Of what it takes to read 15,000 paths with ten stages, some 30 MB, twice.
    private static let answerLimit = 64 << 20
    /// An error is a sentence.
    private static let errorLimit = 16 << 10

    init(_ address: APIAddress) throws(APIFailure) {
        self.address = address
        var tls = TLSConfiguration.makeClientConfiguration()
        do {
            if let ca = address.ca { tls.trustRoots = .file(ca) }
            if let certificate = address.certificate, let key = address.key {
                tls.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate).map {
                    .certificate($0)
                }
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
            }
            // So that what cannot be loaded is said as such, and not as a failed connection.
            _ = try NIOSSLContext(configuration: tls)
        } catch {
            throw APIFailure(description: "--ca, --certificate or --key cannot be loaded: \(error)")
        }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls,
            redirectConfiguration: .disallow,
            // A stream of events says a word each quarter of a minute.
            timeout: .init(connect: .seconds(5), read: .seconds(45))
        )
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func close() async { try? await client.shutdown() }

    func get(_ path: String) async throws(APIFailure) -> APIAnswer { try await send(.GET, path) }

    func send(
        _ method: HTTPMethod,
        _ path: String,
        _ body: Data? = nil,
        within limit: TimeAmount = .seconds(10)
    ) async throws(APIFailure) -> APIAnswer {
        var request = request(method, path)
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(body)
        }
        do {
            let response = try await client.execute(request, timeout: limit)
            let isGood = [.ok, .created].contains(response.status)
            let bound = isGood ? Self.answerLimit : Self.errorLimit
            let body = Data(try await response.body.collect(upTo: bound).readableBytesView)
            guard isGood else { throw address.failure(response.status, body) }
            return APIAnswer(
                body: body,
                at: response.headers.first(name: "date").flatMap(timeOfDay)
            )
        } catch let failure as APIFailure {
            throw failure
        } catch {
            throw address.failure(error)
        }
    }

    /// Calls for every piece of the stream of events, until it ends.
    func listen(_ heard: (_ isEvent: Bool) -> Void) async throws {
        var request = request(.GET, "/api/v1/events")
        request.headers.add(name: "accept", value: "text/event-stream")
        let response = try await client.execute(request, deadline: .distantFuture)
        guard response.status == .ok else {
            throw address.failure(response.status, Data())
        }
        heard(false)
        for try await piece in response.body {
            // What is cut between two pieces comes with the next read, which does not wait for events.
            heard(piece.readableBytesView.contains(UInt8(ascii: "{")))
        }
    }

    private func request(_ method: HTTPMethod, _ path: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: address.base + path)
        request.method = method
        if let authorization = address.authorization {
            request.headers.add(name: "authorization", value: authorization)
        }
        return request
    }

    func decode<Document: Decodable>(
        _ type: Document.Type,
        _ answer: APIAnswer
    ) throws(APIFailure) -> Document {
        do {
            return try JSONDecoder().decode(type, from: answer.body)
        } catch {
            throw APIFailure(
                description:
                    "\(address.base) does not answer as a podpath collector; is --url right?"
            )
        }
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
private func timeOfDay(_ text: String) -> Timestamp? {
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec"
    guard
        let parts = text.wholeMatch(of: /\w{3}, (\d\d) (\w{3}) (\d{4}) (\d\d:\d\d:\d\d) GMT/)?
            .output,
        let month = months.range(of: parts.2)
    else { return nil }
    let number = months.distance(from: months.startIndex, to: month.lowerBound) / 3 + 1
    return moment("\(parts.3)-\(number < 10 ? "0" : "")\(number)-\(parts.1)T\(parts.4)Z")
}

/// Text in a URL's path or query.
func escaped(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
}
