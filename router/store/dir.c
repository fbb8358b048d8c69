// SPDX-License-Identifier: Apache-2.0
#include "router/store/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const char *const signal_names[DIR_SIGNALS] = {"logs", "metrics", "traces"};

const char *dir_signal_name(unsigned signal)
{
    return signal_names[signal - 1];
}

static int open_sub(struct dir *dir, const char *name, int *fd)
{
    int err = io_mkdir(dir->hook, dir->root, name);
    if (err)
        return err;
    *fd = openat(dir->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *fd >= 0 ? 0 : GW_ERR_IO;
}

static int take_lock(struct dir *dir, long *pid)
{
    char text[24] = "";
    int err = io_open(dir->hook, dir->root, "lock", &dir->lock);
    if (err)
        return err;
    if (flock(dir->lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return GW_ERR_IO;
        if (pread(dir->lock, text, sizeof text - 1, 0) > 0)
            *pid = strtol(text, NULL, 10);
        return GW_ERR_EXISTS;
    }
    /* Always the same length, so that no digit of an earlier holder stays behind. */
    int n = snprintf(text, sizeof text, "%-20ld\n", (long)getpid());
    return io_write(dir->hook, dir->lock, text, (size_t)n, 0);
}

/* The directory's own name, if we may read the directory that has it. */
static int sync_above(const struct dir *dir)
{
    int above = openat(dir->root, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (above < 0)
        return errno == EACCES ? 0 : GW_ERR_IO;
    int err = dir_sync_names(dir, above);
    int saved = errno;
    close(above);
    errno = saved;
    return err;
}

int dir_open(struct dir *dir, const char *path, const struct io_hook *hook, bool sync, long *pid)
{
    *dir = (struct dir){.hook = hook,
                        .root = -1,
                        .signals = {-1, -1, -1},
                        .free = -1,
                        .quarantine = -1,
                        .lock = -1,
                        .sync = sync};
    *pid = 0;
    int err = io_mkdir(hook, AT_FDCWD, path);
    if (err)
        return err;
    dir->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir->root < 0)
        return GW_ERR_IO;
    err = take_lock(dir, pid);
    for (unsigned i = 0; i < DIR_SIGNALS && !err; i++)
        err = open_sub(dir, signal_names[i], &dir->signals[i]);
    if (!err)
        err = open_sub(dir, "free", &dir->free);
    if (!err)
        err = open_sub(dir, "quarantine", &dir->quarantine);
    if (!err)
        err = dir_sync_names(dir, dir->root);
    if (!err)
        err = sync_above(dir);
    if (err) {
        int saved = errno;
        dir_close(dir);
        errno = saved;
    }
    return err;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void dir_close(struct dir *dir)
{
    for (unsigned i = 0; i < DIR_SIGNALS; i++)
        close_fd(&dir->signals[i]);
    close_fd(&dir->free);
    close_fd(&dir->quarantine);
    close_fd(&dir->root);
    close_fd(&dir->lock); /* the last one: until then nobody else may come in */
}

int dir_sync_file(const struct dir *dir, int fd)
{
    return dir->sync ? io_sync(dir->hook, fd) : 0;
}

int dir_sync_names(const struct dir *dir, int dirfd)
{
    return dir->sync ? io_sync(dir->hook, dirfd) : 0;
}

void dir_file_name(uint64_t number, char *name)
{
    snprintf(name, DIR_FILE_NAME_BYTES, "%016" PRIx64 ".seg", number);
}

static bool parse_name(const char *name, uint64_t *number)
{
    if (strlen(name) != 20 || strcmp(name + 16, ".seg") != 0 ||
        strspn(name, "0123456789abcdef") != 16)
        return false;
    *number = strtoull(name, NULL, 16);
    return true;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

int dir_list(int dirfd, uint64_t **out, size_t *count)
{
    *out = NULL;
    *count = 0;
    size_t cap = 0;
    int err = 0;
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        if (fd >= 0)
            close(fd);
        return GW_ERR_IO;
    }
    for (struct dirent *e = readdir(d); e && !err; e = readdir(d)) {
        uint64_t number;
        if (!parse_name(e->d_name, &number))
            continue;
        if (*count == cap) {
            cap = cap ? cap * 2 : 64;
            uint64_t *more = realloc(*out, cap * sizeof **out);
            if (!more) {
                err = GW_ERR_NOMEM;
                break;
            }
            *out = more;
        }
        (*out)[(*count)++] = number;
    }
    closedir(d);
    if (err) {
        free(*out);
        *out = NULL;
        return err;
    }
    if (*count)
        qsort(*out, *count, sizeof **out, by_number);
    return 0;
}
