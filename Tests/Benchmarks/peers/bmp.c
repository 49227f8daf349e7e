// SPDX-License-Identifier: Apache-2.0
// The yardstick of the BMP receiver: reads one connection, finds each message's first IPv4 prefix and its
// next hop, and keeps them in a hash table of 24-byte entries. No IPv6, no withdrawals, no checks worth the
// name.
//     bmp PORT
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct entry {
    uint32_t prefix, peer, hop;
    uint8_t length, used;
};

static struct entry *table;
static size_t size = 1 << 16, count;

static void grow(void);

static void keep(struct entry new) {
    if (count * 4 > size * 3) grow();
    uint64_t hash = ((uint64_t)new.prefix << 8 | new.length) * 0x9e3779b97f4a7c15u ^ new.peer * 0xff51afd7ed558ccdu;
    for (size_t slot = hash >> 20;; slot++) {
        struct entry *entry = &table[slot & (size - 1)];
        if (entry->used && (entry->prefix != new.prefix || entry->length != new.length || entry->peer != new.peer)) continue;
        count += !entry->used;
        *entry = new;
        return;
    }
}

static void grow(void) {
    struct entry *old = table;
    size_t before = size;
    size *= 2, count = 0;
    table = calloc(size, sizeof *table);
    for (size_t slot = 0; slot < before; slot++)
        if (old[slot].used) keep(old[slot]);
    free(old);
}

static void take(const unsigned char *message, size_t length) {
    if (message[5] != 0 || length < 48 + 23) return;
    const unsigned char *update = message + 48 + 19, *end = message + length;
    size_t withdrawn = update[0] << 8 | update[1];
    const unsigned char *attributes = update + 2 + withdrawn;
    size_t total = attributes[0] << 8 | attributes[1];
    const unsigned char *nlri = attributes + 2 + total;
    struct entry new = {.used = 1};
    for (const unsigned char *one = attributes + 2; one + 3 <= nlri; one += 3 + one[2])
        if (one[1] == 3) memcpy(&new.hop, one + 3, 4);
    memcpy(&new.peer, message + 6 + 22, 4);
    while (nlri < end) {
        new.length = *nlri, new.prefix = 0;
        memcpy(&new.prefix, nlri + 1, (new.length + 7) / 8);
        nlri += 1 + (new.length + 7) / 8;
        keep(new);
    }
}

int main(int words, char **word) {
    if (words != 2) return 2;
    static unsigned char buffer[1 << 20];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(word[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1)) return 1;
    puts("ready");
    fflush(stdout);
    int connection = accept(listener, NULL, NULL);
    table = calloc(size, sizeof *table);
    struct timespec before, after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    size_t held = 0;
    for (ssize_t got; (got = read(connection, buffer + held, 65536)) > 0;) {
        held += got;
        size_t start = 0;
        while (held - start >= 6) {
            uint32_t length;
            memcpy(&length, buffer + start + 1, 4);
            length = ntohl(length);
            if (held - start < length) break;
            take(buffer + start, length);
            start += length;
        }
        memmove(buffer, buffer + start, held -= start);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    long spent = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file) (void)!fscanf(file, "%ld %ld", &pages, &resident), fclose(file);
    printf("{\"prefixes\":%zu,\"cpuMilliseconds\":%ld,\"residentKB\":%ld}\n", count, spent, resident * 4);
    return 0;
}
