// SPDX-License-Identifier: Apache-2.0
// libxcrypt's bcrypt, and a comparison that tells nothing by the time it takes.
#pragma once

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

/// 1 if the password is the one of the hash; 0 if not, or if the hash is none.
static inline int podpath_password_matches(const char *password, const char *hash) {
    void *room = NULL;
    int size = 0;
    const char *made = crypt_ra(password, hash, &room, &size);
    size_t length = strlen(hash);
    volatile unsigned char difference = made == NULL || strlen(made) != length;
    if (!difference) {
        for (size_t index = 0; index < length; index++) {
            difference |= (unsigned char)(made[index] ^ hash[index]);
        }
    }
    if (room != NULL) {
        explicit_bzero(room, (size_t)size);
        free(room);
    }
    return difference == 0;
}
