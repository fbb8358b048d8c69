// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ATTRIBUTE "user.masques.file"
#define MARK_BYTES 160u
#define SIDE_MODE 0600

/* "dir/name" -> "dir/.name.masques". False: too long. */
static bool side_path(const char *path, char *out, size_t room)
{
    const char *slash = strrchr(path, '/');
    int directory = slash ? (int)(slash - path) + 1 : 0;
    int n = snprintf(out, room, "%.*s.%s.masques", directory, path, path + directory);
    return n > 0 && (size_t)n < room;
}

static int parse(const char *text, const struct stat *st, struct mark *mark)
{
    uint64_t device, inode;
    unsigned emptied;
    if (sscanf(text, "1 %" SCNx64 " %" SCNx64 " %" SCNu64 " %" SCNu64 " %u %" SCNu64 " %" SCNu64,
               &mark->run, &mark->writer, &mark->found, &mark->whole, &emptied, &device,
               &inode) != 7 ||
        device != (uint64_t)st->st_dev || inode != (uint64_t)st->st_ino)
        return GW_ERR_NOT_FOUND;
    mark->emptied = emptied != 0;
    return 0;
}

int mark_read(int fd, const char *path, const struct stat *st, struct mark *mark)
{
    char text[MARK_BYTES], side[PATH_MAX];
    ssize_t n = fgetxattr(fd, ATTRIBUTE, text, sizeof text - 1);
    if (n < 0 && side_path(path, side, sizeof side)) {
        int at = open(side, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (at >= 0) {
            n = read(at, text, sizeof text - 1);
            close(at);
        }
    }
    if (n <= 0)
        return GW_ERR_NOT_FOUND;
    text[n] = '\0';
    return parse(text, st, mark);
}

static int write_side(const char *path, const char *text, size_t len)
{
    char side[PATH_MAX];
    if (!side_path(path, side, sizeof side)) {
        errno = ENAMETOOLONG;
        return GW_ERR_IO;
    }
    int fd = open(side, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, SIDE_MODE);
    if (fd < 0)
        return GW_ERR_IO;
    /* One short write in place: what was longer before ends in old digits, behind the newline. */
    ssize_t n = pwrite(fd, text, len, 0);
    int error = errno;
    close(fd);
    errno = error;
    return n == (ssize_t)len ? 0 : GW_ERR_IO;
}

int mark_write(int fd, const char *path, const struct stat *st, const struct mark *mark)
{
    char text[MARK_BYTES];
    int n = snprintf(text, sizeof text,
                     "1 %" PRIx64 " %" PRIx64 " %" PRIu64 " %" PRIu64 " %u %" PRIu64 " %" PRIu64 "\n",
                     mark->run, mark->writer, mark->found, mark->whole, mark->emptied ? 1u : 0u,
                     (uint64_t)st->st_dev, (uint64_t)st->st_ino);
    if (fsetxattr(fd, ATTRIBUTE, text, (size_t)n, 0) == 0)
        return 0;
    return write_side(path, text, (size_t)n);
}
