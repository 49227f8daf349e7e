// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Glibc
import KubernetesSource
import Testing

/// Answers every connection with these pieces, and pauses before each but the first.
private struct ScriptedServer {
    let port: UInt16
    private let listener: Int32

    init(_ pieces: [String], pause: UInt32 = 0) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 8) == 0
                    && getsockname(listener, $0, &length) == 0
            }
        }
        try #require(isBound)
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { Self.serve(listener, pieces, pause) }
    }

    func stop() { _ = shutdown(listener, Int32(SHUT_RDWR)) }

    private static func serve(_ listener: Int32, _ pieces: [String], _ pause: UInt32) {
        while case let peer = accept(listener, nil, nil), peer >= 0 {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            _ = recv(peer, &buffer, buffer.count, 0)
            // The question's body may follow its head.
            usleep(50_000)
            _ = recv(peer, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            for piece in pieces {
                let bytes = Array(piece.utf8)
                guard send(peer, bytes, bytes.count, Int32(MSG_NOSIGNAL)) > 0 else {
                    break
                }
                usleep(pause)
            }
            close(peer)
        }
        close(listener)
    }
}

@Suite struct TokenReviewing {
    private let token = Secret("abcdefghijklmnopqrstuvwxyz0123456789")

    private func answer(_ status: String, _ body: String) -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
    }

    private func reviewer(_ server: ScriptedServer) throws -> TokenReviewer {
        let access = ClusterAccess(
            server: "http://127.0.0.1:\(server.port)",
            ca: nil,
            identity: .none
        )
        return TokenReviewer(try ClusterClient(access), AgentTokens())
    }

    private func verdict(_ pieces: [String], pause: UInt32 = 0) async throws -> TokenVerdict {
        let server = try ScriptedServer(pieces, pause: pause)
        defer { server.stop() }
        let reviewer = try reviewer(server)
        let verdict = await reviewer.review(token)
        await reviewer.close()
        return verdict
    }

    @Test("an answer that is too large, or none, is the end of one token and no outage")
    func unusable() async throws {
        for body in [String(repeating: "x", count: 300 << 10), "<html>", "{}"] {
            #expect(
                try await verdict([answer("201 Created", body)])
                    == .refused(reason: "the answer to its review cannot be used")
            )
        }
    }

    @Test("a check does not take such an answer for a review")
    func check() async throws {
        let server = try ScriptedServer([answer("200 OK", "<html>")])
        defer { server.stop() }
        #expect(try await reviewer(server).check() == "the answer to a TokenReview is none")
    }

    @Test("nothing of a token is told in a server's words, nor a piece that was cut off")
    func screened() async throws {
        let words = #"{"message":"\#(String(repeating: "m", count: 170)) \#(token.reveal())"}"#
        #expect(
            try await verdict([answer("422 Unprocessable Entity", words)])
                == .unavailable(reason: "HTTP 422")
        )
    }

    @Test("a body that comes in drops is given up with its head's deadline")
    func drops() async throws {
        let head = "HTTP/1.1 201 Created\r\nContent-Length: 100\r\nConnection: close\r\n\r\n"
        let drops = [head] + [String](repeating: " ", count: 99)
        let verdict = try await verdict(drops, pause: 300_000)
        #expect(verdict == .unavailable(reason: "no answer: not finished within 5 s"))
    }
}
