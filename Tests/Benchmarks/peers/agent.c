// SPDX-License-Identifier: Apache-2.0
// The yardstick of the agent: its libraries and its waiting, and nothing of its work. Subscribes to
// routes and devices by libmnl, holds one TLS 1.3 connection with a client's certificate, and every
// five seconds sends six bytes.
//     agent FOLDER NAME PORT
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static struct mnl_socket *subscribe(void) {
    struct mnl_socket *socket = mnl_socket_open(NETLINK_ROUTE);
    if (!socket || mnl_socket_bind(socket, RTMGRP_LINK | RTMGRP_IPV4_ROUTE, MNL_SOCKET_AUTOPID) < 0)
        fail("netlink");
    return socket;
}

static SSL *connected(const char *folder, const char *name, int port) {
    char ca[4096], certificate[4096], key[4096];
    snprintf(ca, sizeof ca, "%s/ca.crt", folder);
    snprintf(certificate, sizeof certificate, "%s/%s.crt", folder, name);
    snprintf(key, sizeof key, "%s/agents.key", folder);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (!SSL_CTX_load_verify_locations(context, ca, NULL)
        || SSL_CTX_use_certificate_file(context, certificate, SSL_FILETYPE_PEM) != 1
        || SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        fail(folder);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address)) fail("connect");
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, descriptor);
    if (SSL_connect(ssl) != 1) fail("handshake");
    return ssl;
}

int main(int count, char **words) {
    if (count != 4) fail("FOLDER NAME PORT");
    struct mnl_socket *kernel = subscribe();
    SSL *ssl = connected(words[1], words[2], atoi(words[3]));
    static const unsigned char beat[] = {0, 0, 0, 2, 3, 1};
    char buffer[32768];
    struct pollfd waits = {.fd = mnl_socket_get_fd(kernel), .events = POLLIN};
    for (;;) {
        if (poll(&waits, 1, 5000) > 0) {
            if (mnl_socket_recvfrom(kernel, buffer, sizeof buffer) < 0) fail("netlink");
        } else if (SSL_write(ssl, beat, sizeof beat) <= 0) {
            return 0;
        }
    }
}
