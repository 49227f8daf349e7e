// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// The commands' way to a running collector.
struct APIOptions: ParsableArguments {
    @Option(name: .long, help: "Where the collector's page is.")
    var url = ProcessInfo.processInfo.environment["PODPATH_URL"] ?? "http://127.0.0.1:10480"
    @Flag(name: .long, help: "Print the API's JSON.")
    var json = false

    /// The answer's bytes; a collector that cannot be asked is exit 2, in one line.
    func get(_ path: String) async throws -> Data { try await send(.GET, path) }

    func send(_ method: HTTPMethod, _ path: String, _ body: Data? = nil) async throws -> Data {
        var request = HTTPClientRequest(
            url: (url.hasSuffix("/") ? String(url.dropLast()) : url) + path
        )
        request.method = method
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(body)
        }
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        let answer: Result<Data, any Error>
        do {
            answer = .success(try await answered(request, client))
        } catch {
            answer = .failure(error)
        }
        try? await client.shutdown()
        do {
            return try answer.get()
        } catch {
            fail("cannot ask \(url): \(error)")
            throw ExitCode(2)
        }
    }

    private struct Refused: Error, CustomStringConvertible { let description: String }

    private func answered(_ request: HTTPClientRequest, _ client: HTTPClient) async throws -> Data {
        let response = try await client.execute(request, timeout: .seconds(10))
        // 15,000 paths with ten stages are some 30 MB.
        let body = Data(try await response.body.collect(upTo: 64 << 20).readableBytesView)
        guard [.ok, .created].contains(response.status) else {
            throw Refused(
                description:
                    "HTTP \(response.status.code) \(String(decoding: body.prefix(200), as: UTF8.self))"
            )
        }
        return body
    }

    func decode<Document: Decodable>(_ type: Document.Type, _ body: Data) throws -> Document {
        do {
            return try JSONDecoder().decode(type, from: body)
        } catch {
            fail("\(url) does not answer as a podpath collector")
            throw ExitCode(2)
        }
    }

    func fail(_ message: String) {
        FileHandle.standardError.write(Data("podpath-collector: \(message)\n".utf8))
    }
}

func printJSON(_ data: Data) { print(String(decoding: data, as: UTF8.self)) }

/// Query text in a URL.
func escaped(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
}
