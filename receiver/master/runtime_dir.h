// SPDX-License-Identifier: Apache-2.0
/* The runtime directory: one gateway's sockets and, where it lies on tmpfs, its store. Mode 0700, held under a lock
 * for as long as the master lives. */
#ifndef MASQUES_MASTER_RUNTIME_DIR_H
#define MASQUES_MASTER_RUNTIME_DIR_H

#include <stdbool.h>

#include "shared/base/err.h"

struct runtime_dir {
    char path[96];   /* absolute */
    char store[160]; /* the store's directory: below path when that is on tmpfs, else on /dev/shm */
    bool store_on_tmpfs;
    int lock; /* descriptor that holds the lock; -1: not open */
};

/* `wanted`: the configured directory, or "" for the default: $XDG_RUNTIME_DIR/masques, as root /run/masques,
 * otherwise /tmp/masques-UID. Creates what is missing. `inherited`: a descriptor that may hold the lock already, which is
 * taken over, or closed when it belongs to another directory; -1: none. 0; GW_ERR_EXISTS: another gateway has it; GW_ERR_IO;
 * GW_ERR_INVALID: it is not ours alone. One sentence in `why` then. */
int runtime_dir_open(struct runtime_dir *dir, const char *wanted, int inherited, char why[512]) GW_MUST_CHECK;

void runtime_dir_close(struct runtime_dir *dir);

#endif
