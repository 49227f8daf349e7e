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

    @Test("a session goes on where an earlier one left off, and still says who is there")
    func resumption() throws {
        let authority = try Authority()
        let server = try TLSContext(
            .server,
            files: try authority.files("collector", names: "DNS:collector")
        )
        let files = try authority.files("n1", names: "DNS:n1")
        let client = try TLSContext(.client, files: files)
        let first = try exchange(client, server, resuming: nil)
        #expect(!first.wasResumed && first.names == ["n1"])
        let left = try #require(first.left)
        let second = try exchange(client, server, resuming: left)
        #expect(second.wasResumed && second.names == ["n1"])
        // Another identity begins anew, whatever it was given.
        let renewed = try TLSContext(.client, files: files)
        #expect(try !exchange(renewed, server, resuming: left).wasResumed)
        // A collector that restarted knows nothing of it: the handshake is a full one.
        let restarted = try TLSContext(
            .server,
            files: try authority.files("collector", names: "DNS:collector")
        )
        let third = try exchange(client, restarted, resuming: second.left)
        #expect(!third.wasResumed && third.names == ["n1"])
    }

    private func exchange(
        _ client: TLSContext,
        _ server: TLSContext,
        resuming resumption: TLSResumption?
    ) throws -> (wasResumed: Bool, names: [String], left: TLSResumption?) {
        let (left, right) = try pair()
        defer { close(left); close(right) }
        let near = try TLSSession(
            client,
            descriptor: left,
            serverName: "collector",
            resuming: resumption
        )
        let far = try TLSSession(server, descriptor: right)
        let (nearDone, farDone) = shake(near, far)
        #expect(nearDone == .done && farDone == .done)
        #expect(near.isResumed == far.isResumed)
        // The ticket comes with the first bytes from the server.
        #expect(far.write([7][...]).1 == 1)
        var buffer = [UInt8](repeating: 0, count: 16)
        #expect(near.read(into: &buffer).1 == 1)
        return (near.isResumed, far.peerNames, near.resumption)
    }

    @Test("files that change make a new context, half-written ones are refused once")
    func identity() throws {
        let authority = try Authority()
        let files = try authority.files("n1", names: "DNS:n1")
        let other = try authority.files("n2", names: "DNS:n2")
        var identity = try TLSIdentity(.client, files: files)
        let first = identity.context
        #expect(identity.refresh() == .none)
        func replace(_ old: String?, with new: String?) throws {
            let (path, source) = (try #require(old), try #require(new))
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.copyItem(atPath: source, toPath: path)
        }
        try replace(files.certificate, with: other.certificate)
        guard case .refused(let reason) = identity.refresh() else { return #expect(Bool(false)) }
        #expect(reason.contains("n1.key"))
        #expect(identity.context === first && identity.refresh() == .none)
        try replace(files.key, with: other.key)
        #expect(identity.refresh() == .renewed)
        #expect(identity.context !== first)
        try FileManager.default.removeItem(atPath: try #require(files.key))
        guard case .refused = identity.refresh() else { return #expect(Bool(false)) }
        #expect(identity.refresh() == .none)
        let lifetime = try #require(identity.context.certificateLifetime)
        #expect((86_400...172_800).contains(lifetime))
    }

    @Test(
        "where it may be left out a client without a certificate comes in, and a bad one does not"
    )
    func withoutCertificate() throws {
        let (authority, stranger) = (try Authority(), try Authority())
        var files = try authority.files("collector", names: "DNS:collector")
        files.mayOmitCertificate = true
        let client = try TLSContext(.client, files: TLSFiles(ca: files.ca))
        #expect(client.certificateLifetime == nil)
        let first = try exchange(client, TLSContext(.server, files: files), resuming: nil)
        #expect(first.names == [])
        let own = try TLSContext(.client, files: try authority.files("n1", names: "DNS:n1"))
        #expect(try exchange(own, TLSContext(.server, files: files), resuming: nil).names == ["n1"])
        var foreign = try stranger.files("n1", names: "DNS:n1")
        foreign.ca = files.ca
        #expect(
            try refusal(TLSContext(.client, files: foreign), TLSContext(.server, files: files))
                != nil
        )
        // Where none is asked for one that is there is not shown.
        files.ca = nil
        let unasked = try TLSContext(.server, files: files)
        #expect(try exchange(own, unasked, resuming: nil).names == [])
    }

    @Test("where a certificate is needed a client without one is told so, in words the agent knows")
    func certificateRequired() throws {
        let authority = try Authority()
        let files = try authority.files("collector", names: "DNS:collector")
        let server = try TLSContext(.server, files: files)
        let client = try TLSContext(.client, files: TLSFiles(ca: files.ca))
        #expect(try refusal(client, server)?.contains("did not return a certificate") == true)
        let (left, right) = try pair()
        defer { close(left); close(right) }
        let near = try TLSSession(client, descriptor: left, serverName: "collector")
        _ = shake(near, try TLSSession(server, descriptor: right))
        var buffer = [UInt8](repeating: 0, count: 16)
        guard case .failed(let reason) = near.read(into: &buffer).0 else {
            return #expect(Bool(false))
        }
        #expect(reason.contains("certificate required"), "\(reason)")
    }

    @Test("a server without certificate, or without a word on who may come in, is none")
    func incomplete() throws {
        let files = try Authority().files("collector", names: "DNS:collector")
        #expect(throws: TLSError.self) {
            _ = try TLSContext(.server, files: TLSFiles(ca: files.ca))
        }
        let open = TLSFiles(ca: nil, certificate: files.certificate, key: files.key)
        #expect(throws: TLSError.self) { _ = try TLSContext(.server, files: open) }
        #expect(throws: TLSError.self) { _ = try TLSContext(.client, files: TLSFiles(ca: nil)) }
    }

    /// What the server says of the handshake; nil: it is done.
    private func refusal(_ client: TLSContext, _ server: TLSContext) throws -> String? {
        let (left, right) = try pair()
        defer { close(left); close(right) }
        let near = try TLSSession(client, descriptor: left, serverName: "collector")
        let (_, result) = shake(near, try TLSSession(server, descriptor: right))
        if case .failed(let reason) = result { return reason }
        return result == .done ? nil : "\(result)"
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
