// SPDX-License-Identifier: Apache-2.0
// An authority, a collector's certificate and those of N agents, which share one key:
//     certificates FOLDER N
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *folder;

static void fail(const char *what) {
    fprintf(stderr, "certificates: %s\n", what);
    exit(1);
}

static FILE *create(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file) fail(path);
    return file;
}

static EVP_PKEY *key(const char *name) {
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    FILE *file = create(name);
    if (!pair || !PEM_write_PrivateKey(file, pair, NULL, NULL, 0, NULL, NULL)) fail(name);
    fclose(file);
    return pair;
}

static void extend(X509 *certificate, int nid, const char *value) {
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    if (!extension || !X509_add_ext(certificate, extension, -1)) fail(value);
    X509_EXTENSION_free(extension);
}

static X509 *sign(long serial, const char *name, EVP_PKEY *owner, X509 *authority, EVP_PKEY *signer) {
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, authority ? X509_get_subject_name(authority) : subject);
    X509_set_pubkey(certificate, owner);
    if (authority) {
        char names[300];
        snprintf(names, sizeof names, "DNS:%s", name);
        extend(certificate, NID_subject_alt_name, names);
    } else {
        extend(certificate, NID_basic_constraints, "critical,CA:TRUE");
    }
    if (!X509_sign(certificate, signer, EVP_sha256())) fail("sign");
    return certificate;
}

static void save(const char *name, X509 *certificate) {
    FILE *file = create(name);
    if (!PEM_write_X509(file, certificate)) fail(name);
    fclose(file);
}

int main(int count, char **words) {
    if (count != 3) fail("FOLDER N");
    folder = words[1];
    EVP_PKEY *root = key("ca.key"), *server = key("collector.key"), *agents = key("agents.key");
    X509 *authority = sign(1, "benchmark authority", root, NULL, root);
    save("ca.crt", authority);
    save("collector.crt", sign(2, "collector", server, authority, root));
    for (long number = 0; number < atol(words[2]); number++) {
        char name[64], file[80];
        snprintf(name, sizeof name, "node-%05ld", number);
        snprintf(file, sizeof file, "%s.crt", name);
        X509 *certificate = sign(number + 3, name, agents, authority, root);
        save(file, certificate);
        X509_free(certificate);
    }
    return 0;
}
