// SPDX-License-Identifier: Apache-2.0
import COpenSSL

/// Where a side's identity and its trust stand, as PEM files.
package struct TLSFiles: Hashable, Sendable {
    /// Nil: a server asks its clients for no certificate. A client must have one.
    package var ca: String?
    /// With its key; nil: a client that says in another way who it is. A server must have one.
    package var certificate: String?
    package var key: String?
    /// Of a server: a client without a certificate may come in, and has to say in another way who it is.
    package var mayOmitCertificate = false

    package init(ca: String?, certificate: String? = nil, key: String? = nil) {
        self.ca = ca
        self.certificate = certificate
        self.key = key
    }

    var all: [String] { [ca, certificate, key].compactMap(\.self) }
}

/// TLS 1.3. The server is authenticated always; the client too, unless its side of the files says otherwise.
/// Immutable once made, so threads may share it; new files mean a new context, and sessions keep the one
/// they began with.
package final class TLSContext: @unchecked Sendable {
    package enum Side: Sendable { case client, server }

    let pointer: OpaquePointer
    package let side: Side

    package init(_ side: Side, files: TLSFiles) throws(TLSError) {
        let method = side == .client ? TLS_client_method() : TLS_server_method()
        guard let context = SSL_CTX_new(method) else { throw TLSError(queued: "TLS context") }
        do throws(TLSError) {
            try Self.load(side, files, into: context)
        } catch {
            SSL_CTX_free(context)
            throw error
        }
        SSL_CTX_set_verify(context, Self.verification(side, files), nil)
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

    /// A certificate that is shown is always verified.
    private static func verification(_ side: Side, _ files: TLSFiles) -> Int32 {
        if side == .client { return SSL_VERIFY_PEER }
        guard files.ca != nil else { return SSL_VERIFY_NONE }
        return files.mayOmitCertificate
            ? SSL_VERIFY_PEER : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
    }

    private static func load(
        _ side: Side,
        _ files: TLSFiles,
        into context: OpaquePointer
    ) throws(TLSError) {
        guard podpath_only_tls13(context) == 1 else { throw TLSError(queued: "TLS 1.3") }
        if let ca = files.ca {
            guard SSL_CTX_load_verify_locations(context, ca, nil) == 1 else {
                throw TLSError(queued: "CA file \(ca)")
            }
        } else if side == .client || !files.mayOmitCertificate {
            throw TLSError("no CA file")
        }
        guard let certificate = files.certificate, let key = files.key else {
            guard side == .client else { throw TLSError("no certificate or no key") }
            return
        }
        guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
            throw TLSError(queued: "certificate file \(certificate)")
        }
        guard SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 else {
            throw TLSError(queued: "key file \(key)")
        }
        guard SSL_CTX_check_private_key(context) == 1 else {
            throw TLSError(queued: "key \(key) does not fit \(certificate)")
        }
    }
}
