// SPDX-License-Identifier: Apache-2.0
import Foundation
import TLS
import Testing

/// Certificates made by the openssl command for one run.
private struct Authority {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
                + "-subj /CN=ca -keyout ca.key -out ca.crt"
        )
    }

    func files(_ name: String, names: String) throws -> TLSFiles {
        try openssl(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=\(name) "
                + "-addext subjectAltName=\(names) -keyout \(name).key -out \(name).csr"
        )
        try openssl(
            "x509 -req -in \(name).csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 "
                + "-copy_extensions copy -out \(name).crt"
        )
        return TLSFiles(
            ca: path("ca.crt"),
            certificate: path("\(name).crt"),
            key: path("\(name).key")
        )
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }

    private func openssl(_ arguments: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments.split(separator: " ").map(String.init)
        process.currentDirectoryURL = folder
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }
}

@Suite struct MutualTLS {
    private func pair() throws -> (Int32, Int32) {
        var ends: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        return (ends[0], ends[1])
    }

    /// Both sides' handshakes, step by step, until both are decided.
    private func shake(_ left: TLSSession, _ right: TLSSession) -> (
        TLSSession.Progress, TLSSession.Progress
    ) {
        var results = (TLSSession.Progress.wantsRead, TLSSession.Progress.wantsRead)
        for _ in 0..<20 {
            results = (left.handshake(), right.handshake())
            if [results.0, results.1].allSatisfy({ $0 != .wantsRead && $0 != .wantsWrite }) {
                break
            }
            // A failure is told once: asking again would only give its echo.
            if case .failed = results.0 { break }
        }
        return results
    }

    @Test("both sides prove who they are, and bytes cross")
    func meets() throws {
        let authority = try Authority()
        let server = try TLSContext(
            .server,
            files: try authority.files("collector", names: "DNS:collector")
        )
        let client = try TLSContext(
            .client,
            files: try authority.files("n1", names: "DNS:n1,URI:spiffe://lab/node/n1")
        )
        let (left, right) = try pair()
        defer { close(left); close(right) }
        let near = try TLSSession(client, descriptor: left, serverName: "collector")
        let far = try TLSSession(server, descriptor: right)
        let (nearDone, farDone) = shake(near, far)
        #expect(nearDone == .done)
        #expect(farDone == .done)
        #expect(far.peerNames == ["n1", "spiffe://lab/node/n1"])
        #expect(near.write([1, 2, 3][...]).1 == 3)
        var buffer = [UInt8](repeating: 0, count: 16)
        #expect(far.read(into: &buffer).1 == 3)
        #expect(buffer.prefix(3) == [1, 2, 3])
    }

    @Test("a server with another name is refused, and the reason says so")
    func wrongName() throws {
        let authority = try Authority()
        let server = try TLSContext(
            .server,
            files: try authority.files("other", names: "DNS:other")
        )
        let client = try TLSContext(.client, files: try authority.files("n1", names: "DNS:n1"))
        let (left, right) = try pair()
        defer { close(left); close(right) }
        let near = try TLSSession(client, descriptor: left, serverName: "collector")
        let (result, _) = shake(near, try TLSSession(server, descriptor: right))
        guard case .failed(let reason) = result else { return #expect(Bool(false), "\(result)") }
        #expect(reason.lowercased().contains("hostname mismatch"))
    }

    @Test("a client of another authority is refused")
    func wrongAuthority() throws {
        let (mine, theirs) = (try Authority(), try Authority())
        let server = try TLSContext(
            .server,
            files: try mine.files("collector", names: "DNS:collector")
        )
        var files = try theirs.files("n1", names: "DNS:n1")
        files.ca = mine.folder.appending(path: "ca.crt").path
        let client = try TLSContext(.client, files: files)
        let (left, right) = try pair()
        defer { close(left); close(right) }
        let near = try TLSSession(client, descriptor: left, serverName: "collector")
        let (_, result) = shake(near, try TLSSession(server, descriptor: right))
        guard case .failed = result else { return #expect(Bool(false), "\(result)") }
    }

    @Test("a key that does not fit its certificate is named, not its content")
    func wrongKey() throws {
        let authority = try Authority()
        var files = try authority.files("n1", names: "DNS:n1")
        files.key = try authority.files("n2", names: "DNS:n2").key
        #expect(throws: TLSError.self) { _ = try TLSContext(.client, files: files) }
    }
}
