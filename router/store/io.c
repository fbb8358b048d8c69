// SPDX-License-Identifier: Apache-2.0
#include "router/store/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(void)
{
    return errno == ENOSPC || errno == EDQUOT ? GW_ERR_FULL : GW_ERR_IO;
}

/* How many of `bytes` may be written; fewer, or false for a step without bytes: then it fails with
 * errno. */
static bool allowed(const struct io_hook *hook, enum io_step step, size_t bytes, size_t *let,
                    int *error)
{
    *let = SIZE_MAX;
    *error = EIO;
    if (hook)
        *let = hook->before(hook->ctx, step, bytes, error);
    return *let == SIZE_MAX;
}

static int cut_short(const struct io_hook *hook, int error)
{
    if (hook->after)
        hook->after(hook->ctx);
    errno = error;
    return failed();
}

int io_mkdir(const struct io_hook *hook, int dirfd, const char *name)
{
    struct stat st;
    if (fstatat(dirfd, name, &st, 0) == 0 && S_ISDIR(st.st_mode))
        return 0;
    size_t let;
    int error;
    if (!allowed(hook, IO_CREATE, 0, &let, &error))
        return cut_short(hook, error);
    return mkdirat(dirfd, name, 0700) == 0 || errno == EEXIST ? 0 : failed();
}

int io_open(const struct io_hook *hook, int dirfd, const char *name, int *fd)
{
    *fd = openat(dirfd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (*fd >= 0)
        return 0;
    if (errno != ENOENT)
        return failed();
    size_t let;
    int error;
    if (!allowed(hook, IO_CREATE, 0, &let, &error))
        return cut_short(hook, error);
    *fd = openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return *fd >= 0 ? 0 : failed();
}

int io_resize(const struct io_hook *hook, int fd, uint64_t from, uint64_t size)
{
    if (from == size)
        return 0;
    size_t let;
    int error;
    if (!allowed(hook, IO_RESIZE, 0, &let, &error))
        return cut_short(hook, error);
    if (size < from)
        return ftruncate(fd, (off_t)size) == 0 ? 0 : failed();
    int err;
    do {
        err = posix_fallocate(fd, (off_t)from, (off_t)(size - from));
    } while (err == EINTR);
    errno = err;
    return err == 0 ? 0 : failed();
}

/* Leaves out the first `n` bytes of the pieces. */
static void skip_bytes(struct iovec **pieces, size_t *count, size_t n)
{
    while (*count && n >= (*pieces)->iov_len) {
        n -= (*pieces)->iov_len;
        (*pieces)++;
        (*count)--;
    }
    if (*count && n) {
        (*pieces)->iov_base = (uint8_t *)(*pieces)->iov_base + n;
        (*pieces)->iov_len -= n;
    }
}

static int write_all(int fd, struct iovec *pieces, size_t count, uint64_t offset)
{
    while (count) {
        ssize_t n = pwritev(fd, pieces, count < IOV_MAX ? (int)count : IOV_MAX, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO;
        if (n <= 0)
            return failed();
        offset += (uint64_t)n;
        skip_bytes(&pieces, &count, (size_t)n);
    }
    return 0;
}

/* What a hook lets through of a write before it fails. */
static void write_some(int fd, const struct iovec *pieces, size_t count, size_t let,
                       uint64_t offset)
{
    for (size_t i = 0; i < count && let; i++) {
        size_t n = pieces[i].iov_len < let ? pieces[i].iov_len : let;
        struct iovec piece = {pieces[i].iov_base, n};
        if (n && write_all(fd, &piece, 1, offset))
            return;
        offset += n;
        let -= n;
    }
}

int io_writev(const struct io_hook *hook, int fd, struct iovec *pieces, size_t count, size_t bytes,
              uint64_t offset)
{
    size_t let;
    int error;
    if (!allowed(hook, IO_WRITE, bytes, &let, &error)) {
        write_some(fd, pieces, count, let, offset);
        return cut_short(hook, error);
    }
    skip_bytes(&pieces, &count, 0);
    return write_all(fd, pieces, count, offset);
}

int io_write(const struct io_hook *hook, int fd, const void *data, size_t len, uint64_t offset)
{
    /* pwritev does not write through iov_base */
    union {
        const void *in;
        void *base;
    } bytes = {data};
    struct iovec piece = {bytes.base, len};
    return io_writev(hook, fd, &piece, 1, len, offset);
}

int io_rename(const struct io_hook *hook, int from_dir, const char *from, int to_dir,
              const char *to)
{
    size_t let;
    int error;
    if (!allowed(hook, IO_RENAME, 0, &let, &error))
        return cut_short(hook, error);
    return renameat(from_dir, from, to_dir, to) == 0 ? 0 : failed();
}

int io_unlink(const struct io_hook *hook, int dirfd, const char *name)
{
    size_t let;
    int error;
    if (!allowed(hook, IO_UNLINK, 0, &let, &error))
        return cut_short(hook, error);
    return unlinkat(dirfd, name, 0) == 0 || errno == ENOENT ? 0 : failed();
}

int io_sync(const struct io_hook *hook, int fd)
{
    size_t let;
    int error;
    if (!allowed(hook, IO_SYNC, 0, &let, &error))
        return cut_short(hook, error);
    if (fdatasync(fd) != 0)
        return failed();
    if (hook && hook->synced)
        hook->synced(hook->ctx, fd);
    return 0;
}

int io_read(int fd, void *into, size_t len, uint64_t offset)
{
    uint8_t *at = into;
    while (len) {
        ssize_t n = pread(fd, at, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return GW_ERR_IO;
        if (n == 0)
            return GW_ERR_INCOMPLETE;
        at += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}
