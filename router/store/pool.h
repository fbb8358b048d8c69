// SPDX-License-Identifier: Apache-2.0
/* Segment files that nobody needs any more, kept to be used again: on tmpfs a fresh page costs as
 * much as the copy into it. They lie in free/, where no file's content means anything. */
#ifndef MASQUES_ROUTER_STORE_POOL_H
#define MASQUES_ROUTER_STORE_POOL_H

#include <stdint.h>

#include "router/store/dir.h"

#define POOL_FILES_MAX 4u

struct pool_file {
    uint64_t number; /* its name */
    uint64_t bytes;
};

/* Embedded; filled by pool_open(). */
struct pool {
    struct pool_file files[POOL_FILES_MAX];
    uint32_t count;
    uint64_t bytes;          /* of all files */
    uint64_t next;           /* number for the next name */
    uint64_t file_bytes_max; /* larger files are not kept */
};

/* Takes over what lies in free/; removes what is too much. */
int pool_open(struct pool *pool, const struct dir *dir, uint64_t file_bytes_max) GW_MUST_CHECK;

/* A file in free/ of exactly `bytes`, all allocated: a kept one, or a new one. The caller owns *fd
 * and the file and renames or drops it. On error at most an empty name stays. */
int pool_take(struct pool *pool, const struct dir *dir, uint64_t bytes, int *fd,
              uint64_t *number) GW_MUST_CHECK;

/* Removes a taken file; closes fd. */
void pool_drop(const struct dir *dir, int fd, uint64_t number);

/* Moves a segment file out of a signal's directory into the pool, or removes it when there are
 * enough. */
int pool_give(struct pool *pool, const struct dir *dir, int from_dir, const char *name,
              uint64_t bytes) GW_MUST_CHECK;

/* Removes one kept file. False: there is none. */
bool pool_shrink(struct pool *pool, const struct dir *dir);

#endif
