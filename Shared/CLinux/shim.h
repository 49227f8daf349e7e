// SPDX-License-Identifier: Apache-2.0
// The Linux calls that Swift's Glibc module does not carry: epoll, eventfd, signalfd.
#pragma once

#include <malloc.h>
#include <sys/mman.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <signal.h>
#include <unistd.h>

/// Blocks `signal` for the calling thread and those it starts; the loop reads it from a signalfd.
static inline int podpath_block_signals(const int *signals, int count, sigset_t *set) {
    sigemptyset(set);
    for (int index = 0; index < count; index++) sigaddset(set, signals[index]);
    return sigprocmask(SIG_BLOCK, set, 0);
}

static inline int podpath_signalfd(const sigset_t *set) {
    return signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static inline int podpath_ignore_sigpipe(void) {
    return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0;
}
