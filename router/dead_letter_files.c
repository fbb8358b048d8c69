// SPDX-License-Identifier: Apache-2.0
#include "router/dead_letter_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY "dead-letters"
#define DIGITS 16u
#define NAME_BYTES 32u /* the digits and a suffix */
#define SUFFIX ".dead"
#define UNFINISHED ".tmp"

/* ---- names ---- */

static void name_of(uint64_t number, const char *suffix, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "%016" PRIx64 "%s", number, suffix);
}

static bool number_of(const char *name, uint64_t *number)
{
    if (strlen(name) != DIGITS + strlen(SUFFIX) || strcmp(name + DIGITS, SUFFIX) != 0 ||
        strspn(name, "0123456789abcdef") != DIGITS)
        return false;
    *number = strtoull(name, NULL, 16);
    return true;
}

static bool is_unfinished(const char *name)
{
    size_t len = strlen(name);
    return len > strlen(UNFINISHED) && strcmp(name + len - strlen(UNFINISHED), UNFINISHED) == 0;
}

/* ---- the directory ---- */

static int directory_open(int store_fd)
{
    return openat(store_fd, DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int dead_letter_files_init(struct dead_letter_files *f, int store_fd, bool synced,
                           const struct io_hook *hook)
{
    *f = (struct dead_letter_files){
        .store_fd = store_fd, .fd = directory_open(store_fd), .synced = synced, .hook = hook};
    return f->fd >= 0 || errno == ENOENT ? GW_OK : GW_ERR_IO;
}

void dead_letter_files_fini(struct dead_letter_files *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

static int sync_fd(const struct dead_letter_files *f, int fd)
{
    return f->synced ? io_sync(f->hook, fd) : GW_OK;
}

static int make_directory(struct dead_letter_files *f)
{
    if (f->fd >= 0)
        return GW_OK;
    int err = io_mkdir(f->hook, f->store_fd, DIRECTORY);
    if (err == GW_OK)
        err = sync_fd(f, f->store_fd);
    if (err != GW_OK)
        return err;
    f->fd = directory_open(f->store_fd);
    return f->fd >= 0 ? GW_OK : GW_ERR_IO;
}

int dead_letter_files_each(const struct dead_letter_files *f, int (*each)(void *ctx, uint64_t number), void *ctx)
{
    if (f->fd < 0)
        return GW_OK;
    int fd = dup(f->fd); /* closedir() closes it */
    DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
    if (!names) {
        if (fd >= 0)
            close(fd);
        return GW_ERR_NOMEM;
    }
    int err = GW_OK;
    rewinddir(names); /* the place is shared with f->fd */
    for (struct dirent *at = readdir(names); at && err == GW_OK; at = readdir(names)) {
        uint64_t number;
        if (number_of(at->d_name, &number))
            err = each(ctx, number);
        else if (is_unfinished(at->d_name))
            unlinkat(f->fd, at->d_name, 0);
    }
    closedir(names);
    return err;
}

int dead_letter_files_sync(struct dead_letter_files *f)
{
    int err = f->unsynced ? sync_fd(f, f->fd) : GW_OK;
    if (err == GW_OK)
        f->unsynced = false;
    return err;
}

/* ---- writing ---- */

static int write_bytes(const struct dead_letter_files *f, int fd, const struct dead_letter *letter,
                       struct slice payload)
{
    uint8_t header[DEAD_LETTER_HEADER_MAX_BYTES];
    size_t len = dead_letter_put(letter, header);
    int err = io_write(f->hook, fd, header, len, 0);
    if (err == GW_OK && payload.len)
        err = io_write(f->hook, fd, payload.data, payload.len, len);
    return err == GW_OK ? sync_fd(f, fd) : err;
}

int dead_letter_files_write(struct dead_letter_files *f, const struct dead_letter *letter, struct slice payload)
{
    char unfinished[NAME_BYTES], name[NAME_BYTES];
    int fd;
    name_of(letter->number, UNFINISHED, unfinished);
    name_of(letter->number, SUFFIX, name);
    int err = make_directory(f);
    if (err == GW_OK)
        err = io_open(f->hook, f->fd, unfinished, &fd);
    if (err != GW_OK)
        return err;
    err = write_bytes(f, fd, letter, payload);
    int reason = errno;
    close(fd);
    errno = reason;
    if (err == GW_OK)
        err = io_rename(f->hook, f->fd, unfinished, f->fd, name);
    if (err == GW_OK) {
        f->unsynced = true;
        return GW_OK;
    }
    reason = errno;
    int left = io_unlink(f->hook, f->fd, unfinished); /* else the next start does it */
    (void)left;
    errno = reason;
    return err;
}

int dead_letter_files_remove(struct dead_letter_files *f, uint64_t number)
{
    char name[NAME_BYTES];
    name_of(number, SUFFIX, name);
    int err = io_unlink(f->hook, f->fd, name);
    if (err != GW_OK && errno != ENOENT)
        return err;
    f->unsynced = true;
    return GW_OK;
}

/* ---- reading ---- */

static int letter_open(const struct dead_letter_files *f, uint64_t number, int *fd, struct stat *st)
{
    char name[NAME_BYTES];
    name_of(number, SUFFIX, name);
    *fd = openat(f->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (*fd < 0)
        return errno == ENOENT ? GW_ERR_NOT_FOUND : GW_ERR_IO;
    if (fstat(*fd, st) == 0)
        return GW_OK;
    close(*fd);
    return GW_ERR_IO;
}

int dead_letter_files_header(const struct dead_letter_files *f, uint64_t number,
                             uint8_t room[DEAD_LETTER_HEADER_MAX_BYTES], struct dead_letter *letter,
                             uint64_t *file_bytes)
{
    struct stat st;
    int fd;
    int err = letter_open(f, number, &fd, &st);
    if (err != GW_OK)
        return GW_ERR_IO;
    *file_bytes = (uint64_t)st.st_size;
    ssize_t n = pread(fd, room, DEAD_LETTER_HEADER_MAX_BYTES, 0);
    close(fd);
    if (n < 0)
        return GW_ERR_IO;
    int len = dead_letter_get(slice_make(room, (size_t)n), letter);
    if (len < 0)
        return len;
    bool right = letter->number == number && *file_bytes - (uint64_t)len == letter->payload_bytes;
    return right ? GW_OK : GW_ERR_CORRUPT;
}

static int read_whole(const struct dead_letter_files *f, uint64_t number, struct blob **file)
{
    struct stat st;
    int fd;
    *file = NULL;
    int err = letter_open(f, number, &fd, &st);
    if (err != GW_OK)
        return err;
    *file = blob_new((size_t)st.st_size);
    err = *file ? io_read(fd, (*file)->data, (size_t)st.st_size, 0) : GW_ERR_NOMEM;
    close(fd);
    if (err == GW_OK) {
        (*file)->len = (size_t)st.st_size;
    } else {
        blob_drop(*file);
        *file = NULL;
    }
    return err;
}

int dead_letter_files_payload(const struct dead_letter_files *f, uint64_t number, struct blob **payload)
{
    struct blob *file;
    struct dead_letter letter;
    struct slice bytes;
    *payload = NULL;
    int err = read_whole(f, number, &file);
    if (err != GW_OK)
        return err;
    if (dead_letter_get_whole(slice_make(file->data, file->len), &letter, &bytes) != GW_OK ||
        letter.number != number) {
        blob_drop(file);
        return GW_ERR_CORRUPT;
    }
    memmove(file->data, bytes.data, bytes.len);
    file->len = bytes.len;
    *payload = file;
    return GW_OK;
}
