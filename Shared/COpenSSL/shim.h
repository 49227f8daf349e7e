// SPDX-License-Identifier: Apache-2.0
// OpenSSL 3, and as functions the macros that Swift cannot see.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static inline int podpath_only_tls13(SSL_CTX *context) {
    return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION)
        && SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
}

/// Partial writes let the caller keep one buffer; released buffers save 10 KB an idle connection.
static inline void podpath_set_modes(SSL_CTX *context) {
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE
        | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    // A program that died closes without a word. Frames tell what is cut off; as an error the end
    // would take the session along, and thousands would come back with full handshakes.
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
}

/// Stateful resumption: a third of the CPU time of a stateless ticket, which re-reads certificates.
static inline void podpath_stateful_resumption(SSL_CTX *context, const char *name, unsigned length) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)name, length);
    SSL_CTX_set_num_tickets(context, 1);
}

static inline int podpath_set_server_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

static inline int podpath_name_count(const GENERAL_NAMES *names) {
    return sk_GENERAL_NAME_num(names);
}

/// The text of the name at `index` if it is of `type` (GEN_DNS, GEN_URI), else NULL.
static inline const unsigned char *podpath_name(
    const GENERAL_NAMES *names, int index, int type, int *length
) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    if (name == NULL || name->type != type) return NULL;
    const ASN1_IA5STRING *text = type == GEN_DNS
        ? name->d.dNSName : name->d.uniformResourceIdentifier;
    *length = ASN1_STRING_length(text);
    return ASN1_STRING_get0_data(text);
}
