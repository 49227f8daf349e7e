// SPDX-License-Identifier: Apache-2.0
import COpenSSL

/// TLS on a non-blocking descriptor, which it does not own. Used by one thread at a time.
package final class TLSSession: @unchecked Sendable {
    package enum Progress: Hashable, Sendable {
        case done
        case wantsRead
        case wantsWrite
        case failed(String)
        /// The peer closed in order.
        case ended
    }

    private let pointer: OpaquePointer
    private let context: TLSContext

    /// A client checks that the server's certificate names `serverName`. `resumption` is of an
    /// earlier session with the same server and context: what was proved then still holds.
    package init(
        _ context: TLSContext,
        descriptor: Int32,
        serverName: String? = nil,
        resuming resumption: TLSResumption? = nil
    ) throws(TLSError) {
        guard let pointer = SSL_new(context.pointer) else { throw TLSError(queued: "TLS session") }
        self.pointer = pointer
        self.context = context
        guard SSL_set_fd(pointer, descriptor) == 1 else { throw TLSError(queued: "TLS descriptor") }
        if context.side == .server {
            SSL_set_accept_state(pointer)
            return
        }
        SSL_set_connect_state(pointer)
        guard let serverName else { throw TLSError("a client needs the server's name") }
        try expect(serverName)
        if let resumption, resumption.context === context {
            // Refused only for another protocol's: then the handshake is a full one.
            SSL_set_session(pointer, resumption.pointer)
        }
    }

    deinit {
        // Without this a broken connection's session could not be resumed.
        SSL_set_shutdown(pointer, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        SSL_free(pointer)
    }

    package func handshake() -> Progress {
        ERR_clear_error()
        let result = SSL_do_handshake(pointer)
        return result == 1 ? .done : progress(result, "handshake")
    }

    /// Reads once into `buffer`: `.done` and how many bytes came.
    package func read(into buffer: inout [UInt8]) -> (Progress, Int) {
        // What another session left in the thread's queue would be taken for this one's error.
        ERR_clear_error()
        let result = SSL_read(pointer, &buffer, Int32(clamping: buffer.count))
        return result > 0 ? (.done, Int(result)) : (progress(result, "read"), 0)
    }

    /// Whether bytes are left inside OpenSSL that no readable descriptor will announce.
    package var hasPending: Bool { SSL_has_pending(pointer) == 1 }

    /// Writes what can be written now: `.done` and how many bytes went.
    package func write(_ bytes: ArraySlice<UInt8>) -> (Progress, Int) {
        guard !bytes.isEmpty else { return (.done, 0) }
        ERR_clear_error()
        let result = bytes.withUnsafeBytes {
            SSL_write(pointer, $0.baseAddress, Int32(clamping: $0.count))
        }
        return result > 0 ? (.done, Int(result)) : (progress(result, "write"), 0)
    }

    /// The handshake was a short one, with what an earlier session left.
    package var isResumed: Bool { SSL_session_reused(pointer) == 1 }

    /// What the next session with this server may begin with; nil before the server gave it, which
    /// in TLS 1.3 is with the first bytes it sends (RFC 8446 section 4.6.1).
    package var resumption: TLSResumption? {
        guard let session = SSL_get_session(pointer), SSL_SESSION_is_resumable(session) == 1,
            // A copy: an error of this session would spoil the original.
            let copy = SSL_SESSION_dup(session)
        else { return nil }
        return TLSResumption(copy, context)
    }

    /// Says that nothing more will be sent; does not wait for the answer. In the middle of a handshake
    /// there is nothing to say.
    package func close() {
        guard SSL_is_init_finished(pointer) == 1 else { return }
        SSL_shutdown(pointer)
        ERR_clear_error()
    }

    /// DNS names and URIs of the peer's verified certificate.
    package var peerNames: [String] {
        guard let certificate = SSL_get0_peer_certificate(pointer),
            let extensions = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil)
        else { return [] }
        let names = OpaquePointer(extensions)
        defer { GENERAL_NAMES_free(names) }
        return (0..<max(0, podpath_name_count(names))).compactMap { index in
            text(names, index, GEN_DNS) ?? text(names, index, GEN_URI)
        }
    }

    private func text(_ names: OpaquePointer, _ index: Int32, _ type: Int32) -> String? {
        var length: Int32 = 0
        guard let start = podpath_name(names, index, type, &length) else { return nil }
        let bytes = UnsafeBufferPointer(start: start, count: Int(max(0, length)))
        return String(validating: bytes, as: UTF8.self)
    }

    private func expect(_ serverName: String) throws(TLSError) {
        let parameters = SSL_get0_param(pointer)
        // An address in the certificate is another kind of name than a host name.
        if X509_VERIFY_PARAM_set1_ip_asc(parameters, serverName) == 1 { return }
        _ = podpath_set_server_name(pointer, serverName)
        guard SSL_set1_host(pointer, serverName) == 1 else {
            throw TLSError(queued: "server name \(serverName)")
        }
    }

    private func progress(_ result: Int32, _ what: String) -> Progress {
        switch SSL_get_error(pointer, result) {
        case SSL_ERROR_WANT_READ: return .wantsRead
        case SSL_ERROR_WANT_WRITE: return .wantsWrite
        case SSL_ERROR_ZERO_RETURN: return .ended
        case SSL_ERROR_SYSCALL:
            ERR_clear_error()
            return .failed("\(what): connection closed")
        default: return .failed(failure(what))
        }
    }

    private func failure(_ what: String) -> String {
        let verification = SSL_get_verify_result(pointer)
        let error = TLSError(queued: what).description
        guard verification != X509_V_OK,
            let reason = X509_verify_cert_error_string(verification)
        else { return error }
        return error + " (" + String(cString: reason) + ")"
    }
}
