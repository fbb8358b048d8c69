// SPDX-License-Identifier: Apache-2.0
/* Every change that the store makes to the file system goes through here, so that a test can let
 * the process die before, in the middle of, or after any one of them, or let it fail. Writes are
 * whole or an error: short writes are continued. All return 0 or a negative enum gw_err with errno
 * set: GW_ERR_FULL for ENOSPC and EDQUOT, GW_ERR_IO for the rest. */
#ifndef MASQUES_ROUTER_STORE_IO_H
#define MASQUES_ROUTER_STORE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "shared/base/err.h"

enum io_step {
    IO_CREATE, /* a file or directory comes into being */
    IO_WRITE,
    IO_RESIZE, /* preallocation and cutting */
    IO_RENAME,
    IO_UNLINK,
    IO_SYNC,
};

/* Asked before each step with the number of bytes that a write would write (0 otherwise). Returns
 * how many bytes of the write to let through before the step fails with *error (errno); SIZE_MAX
 * lets the whole step happen. */
struct io_hook {
    size_t (*before)(void *ctx, enum io_step step, size_t bytes, int *error);
    /* After a step that was cut short and before it reports its failure; may not return. */
    void (*after)(void *ctx);
    void *ctx;
    /* After a sync that succeeded, of a file or directory; NULL: nobody asks. */
    void (*synced)(void *ctx, int fd);
};

/* A directory in `dirfd`, mode 0700; fine when it is there already. */
int io_mkdir(const struct io_hook *hook, int dirfd, const char *name) GW_MUST_CHECK;
/* Opens for reading and writing, creating it with mode 0600 when it is not there. *fd is
 * close-on-exec. */
int io_open(const struct io_hook *hook, int dirfd, const char *name, int *fd) GW_MUST_CHECK;
/* Makes the file exactly `size` bytes long, all of them allocated. `from` is its size now. */
int io_resize(const struct io_hook *hook, int fd, uint64_t from, uint64_t size) GW_MUST_CHECK;
int io_write(const struct io_hook *hook, int fd, const void *data, size_t len,
             uint64_t offset) GW_MUST_CHECK;
/* All of `count` pieces (`bytes` in all) in order; the array is scratch afterwards. One call of
 * pwritev for up to IOV_MAX pieces. */
int io_writev(const struct io_hook *hook, int fd, struct iovec *pieces, size_t count, size_t bytes,
              uint64_t offset) GW_MUST_CHECK;
int io_rename(const struct io_hook *hook, int from_dir, const char *from, int to_dir,
              const char *to) GW_MUST_CHECK;
int io_unlink(const struct io_hook *hook, int dirfd, const char *name) GW_MUST_CHECK;
/* fdatasync; for a directory: its entries. */
int io_sync(const struct io_hook *hook, int fd) GW_MUST_CHECK;

/* Not a change, so no step: reads exactly `len` bytes. GW_ERR_INCOMPLETE: the file ends before. */
int io_read(int fd, void *into, size_t len, uint64_t offset) GW_MUST_CHECK;

#endif
