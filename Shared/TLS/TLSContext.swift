// SPDX-License-Identifier: Apache-2.0
import COpenSSL

/// Where a side's identity and its trust stand, as PEM files.
package struct TLSFiles: Hashable, Sendable {
    package var ca: String
    package var certificate: String
    package var key: String

    package init(ca: String, certificate: String, key: String) {
        self.ca = ca
        self.certificate = certificate
        self.key = key
    }
}

/// TLS 1.3, both sides authenticated. Immutable once made, so threads may share it; new files mean
/// a new context, and sessions keep the one they began with.
package final class TLSContext: @unchecked Sendable {
    package enum Side: Sendable { case client, server }

    let pointer: OpaquePointer
    package let side: Side

    package init(_ side: Side, files: TLSFiles) throws(TLSError) {
        let method = side == .client ? TLS_client_method() : TLS_server_method()
        guard let context = SSL_CTX_new(method) else { throw TLSError(queued: "TLS context") }
        do throws(TLSError) {
            try Self.load(files, into: context)
        } catch {
            SSL_CTX_free(context)
            throw error
        }
        let needed = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
        SSL_CTX_set_verify(context, needed, nil)
        podpath_set_modes(context)
        if side == .server { podpath_stateful_resumption(context, "podpath", 7) }
        pointer = context
        self.side = side
    }

    deinit { SSL_CTX_free(pointer) }

    /// Seconds until the certificate expires, below zero once it has; nil if its date is broken.
    package var certificateLifetime: Int64? {
        guard let certificate = SSL_CTX_get0_certificate(pointer) else { return nil }
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard ASN1_TIME_diff(&days, &seconds, nil, X509_get0_notAfter(certificate)) == 1 else {
            return nil
        }
        return Int64(days) * 86_400 + Int64(seconds)
    }

    private static func load(_ files: TLSFiles, into context: OpaquePointer) throws(TLSError) {
        guard podpath_only_tls13(context) == 1 else { throw TLSError(queued: "TLS 1.3") }
        guard SSL_CTX_load_verify_locations(context, files.ca, nil) == 1 else {
            throw TLSError(queued: "CA file \(files.ca)")
        }
        guard SSL_CTX_use_certificate_chain_file(context, files.certificate) == 1 else {
            throw TLSError(queued: "certificate file \(files.certificate)")
        }
        guard SSL_CTX_use_PrivateKey_file(context, files.key, SSL_FILETYPE_PEM) == 1 else {
            throw TLSError(queued: "key file \(files.key)")
        }
        guard SSL_CTX_check_private_key(context) == 1 else {
            throw TLSError(queued: "key \(files.key) does not fit \(files.certificate)")
        }
    }
}
