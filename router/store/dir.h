// SPDX-License-Identifier: Apache-2.0
/* The store's directory: its subdirectories, the lock that keeps a second router out, and the one
 * place where the sync policy is obeyed.
 *
 *   lock                 flock; holds the pid of the router that has the store
 *   journal.0 journal.1  see journal.h
 *   logs/ metrics/ traces/   segments, "<number, 16 hex digits>.seg"
 *   free/                segment files waiting to be used again; what they hold means nothing
 *   quarantine/          segments of which not even the header can be read */
#ifndef MASQUES_ROUTER_STORE_DIR_H
#define MASQUES_ROUTER_STORE_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "router/store/io.h"
#include "shared/base/err.h"

#define DIR_SIGNALS 3u
#define DIR_FILE_NAME_BYTES 24u /* "<16 hex digits>.seg" and the NUL */

/* Embedded; filled by dir_open(). Descriptors are -1 where there is none. */
struct dir {
    const struct io_hook *hook;
    int root;
    int signals[DIR_SIGNALS]; /* index: signal - 1 */
    int free;
    int quarantine;
    int lock;
    bool sync;        /* a sync must reach the device before anything counts as stored */
    uint8_t uuid[16]; /* of the store */
};

/* Opens (creating what is missing) and locks. `pid` of the holder is set with GW_ERR_EXISTS (0:
 * unknown). */
int dir_open(struct dir *dir, const char *path, const struct io_hook *hook, bool sync,
             long *pid) GW_MUST_CHECK;
void dir_close(struct dir *dir);

/* "logs", "metrics", "traces". */
const char *dir_signal_name(unsigned signal);

/* The sync points of the store: all syncing goes through these two, and does nothing without the
 * policy. */
int dir_sync_file(const struct dir *dir, int fd) GW_MUST_CHECK;
int dir_sync_names(const struct dir *dir, int dirfd) GW_MUST_CHECK;

/* Writes the name of segment `number` (DIR_FILE_NAME_BYTES). */
void dir_file_name(uint64_t number, char *name);

/* The numbers of all "<16 hex>.seg" in a directory, rising. *out is owned by the caller (free). */
int dir_list(int dirfd, uint64_t **out, size_t *count) GW_MUST_CHECK;

#endif
