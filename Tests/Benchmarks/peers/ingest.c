// SPDX-License-Identifier: Apache-2.0
// The yardstick of the agents' port: epoll and SSL_read, nothing else. Counts frames by their
// lengths, decodes nothing, keeps nothing; with `acknowledge` it answers each with its generation.
//     ingest FOLDER PORT [acknowledge]
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    SSL *ssl;
    int descriptor, shakes;
    unsigned char head[4], body[24];
    unsigned headed, left, kept;
};

static volatile sig_atomic_t stopped;
static unsigned long frames, handshakes;
static int acknowledges;

static void stop(int number) { stopped = number; }

static void fail(const char *what) {
    perror(what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static SSL_CTX *context(const char *folder) {
    char ca[4096], certificate[4096], key[4096];
    snprintf(ca, sizeof ca, "%s/ca.crt", folder);
    snprintf(certificate, sizeof certificate, "%s/collector.crt", folder);
    snprintf(key, sizeof key, "%s/collector.key", folder);
    SSL_CTX *made = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION);
    SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(made, 1);
    SSL_CTX_set_options(made, SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_SERVER);
    SSL_CTX_set_session_id_context(made, (const unsigned char *)"yard", 4);
    SSL_CTX_set_num_tickets(made, 1);
    SSL_CTX_set_verify(made, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    if (!SSL_CTX_load_verify_locations(made, ca, NULL)
        || SSL_CTX_use_certificate_file(made, certificate, SSL_FILETYPE_PEM) != 1
        || SSL_CTX_use_PrivateKey_file(made, key, SSL_FILETYPE_PEM) != 1)
        fail(folder);
    return made;
}

static int listening(int port) {
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) || listen(descriptor, 4096))
        fail("listen");
    return descriptor;
}

static void end(struct connection *one) {
    SSL_set_shutdown(one->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(one->ssl);
    close(one->descriptor);
    free(one);
}

// A varint ends with the first byte below 128.
static unsigned after(const unsigned char *body, unsigned start) {
    while (start < sizeof ((struct connection *)0)->body && body[start] >= 128) start++;
    return start + 1;
}

// Welcome for hello; else the frame's generation, which follows the base in frames of type 3.
static void framed(struct connection *one) {
    unsigned char answer[32] = {0, 0, 0, 2, 16, 1};
    frames++;
    if (acknowledges && one->body[0] != 1) {
        unsigned start = one->body[0] == 3 ? after(one->body, 1) : 1, end = after(one->body, start);
        answer[3] = 1 + end - start, answer[4] = 17;
        memcpy(answer + 5, one->body + start, end - start);
    }
    if (acknowledges) SSL_write(one->ssl, answer, 4 + answer[3]);
    one->kept = 0;
}

static void count(struct connection *one, const unsigned char *bytes, int length) {
    while (length > 0) {
        if (one->left == 0) {
            one->head[one->headed++] = *bytes++;
            length--;
            if (one->headed < 4) continue;
            one->headed = 0;
            one->left = (unsigned)one->head[0] << 24 | one->head[1] << 16 | one->head[2] << 8 | one->head[3];
            continue;
        }
        unsigned part = (unsigned)length < one->left ? (unsigned)length : one->left;
        unsigned room = sizeof one->body - one->kept, taken = part < room ? part : room;
        memcpy(one->body + one->kept, bytes, taken), one->kept += taken;
        one->left -= part, bytes += part, length -= part;
        if (one->left == 0) framed(one);
    }
}

static void serve(struct connection *one) {
    static unsigned char buffer[65536];
    if (one->shakes) {
        int result = SSL_do_handshake(one->ssl);
        if (result != 1) {
            int error = SSL_get_error(one->ssl, result);
            if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) end(one);
            return;
        }
        one->shakes = 0;
        handshakes++;
    }
    do {
        int result = SSL_read(one->ssl, buffer, sizeof buffer);
        if (result <= 0) {
            if (SSL_get_error(one->ssl, result) != SSL_ERROR_WANT_READ) end(one);
            return;
        }
        count(one, buffer, result);
    } while (SSL_has_pending(one->ssl));
}

int main(int words, char **word) {
    if (words < 3) fail("FOLDER PORT");
    acknowledges = words > 3;
    signal(SIGTERM, stop);
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX *made = context(word[1]);
    int listener = listening(atoi(word[2])), poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, ready[64];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    puts("ready");
    fflush(stdout);
    while (!stopped) {
        int found = epoll_wait(poll, ready, 64, 1000);
        for (int index = 0; index < found; index++) {
            if (ready[index].data.ptr) {
                serve(ready[index].data.ptr);
                continue;
            }
            int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK), one = 1;
            if (descriptor < 0) continue;
            setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            struct connection *made_one = calloc(1, sizeof *made_one);
            made_one->ssl = SSL_new(made);
            made_one->descriptor = descriptor;
            made_one->shakes = 1;
            SSL_set_fd(made_one->ssl, descriptor);
            SSL_set_accept_state(made_one->ssl);
            event.data.ptr = made_one;
            epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event);
        }
    }
    printf("{\"frames\":%lu,\"handshakes\":%lu}\n", frames, handshakes);
    return 0;
}
