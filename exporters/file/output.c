// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "exporters/file/backup.h"
#include "exporters/file/encoding.h"
#include "exporters/file/tail.h"
#include "shared/base/clock.h"

#define FILE_MODE 0644
#define DAY_MS INT64_C(86400000)
#define MARK_EVERY_BYTES (16u * 1024 * 1024) /* so far the search for a torn message may have to go */
#define WRITE_BEHIND_BYTES (4u * 1024 * 1024)
#define PIPE_WAIT_MS 1000
/* Of one write(2): larger ones make the page cache look for long runs of free memory, which costs more than it saves
 * (measured on ext4: half the CPU time a byte). */
#define WRITE_MAX_BYTES (256u * 1024)
#define ROTATE_BYTES_DEFAULT (100 * SIZE_MIB)

static bool is_framed(const struct output_rules *rules)
{
    return encoding_is_framed((enum file_format)rules->options->format,
                              (enum file_compression)rules->options->compression);
}

static int failed(const struct output *o, struct trouble *t, const char *what)
{
    trouble_note(t, what, o->path, errno);
    return GW_ERR_IO;
}

struct output *output_new(const char *path)
{
    struct output *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->fd = -1;
    o->path = strdup(path);
    if (!o->path) {
        free(o);
        return NULL;
    }
    return o;
}

/* ---- the mark ---- */

static void set_mark(struct output *o)
{
    struct stat st = {.st_dev = o->device, .st_ino = o->inode};
    o->mark.whole = o->whole;
    o->marked = mark_write(o->fd, o->path, &st, &o->mark) == 0;
}

void output_close(struct output *o)
{
    if (o->fd < 0)
        return;
    if (o->regular && o->marked && !o->torn && o->mark.whole != o->whole)
        set_mark(o);
    close(o->fd);
    o->fd = -1;
    o->in_round = false;
}

void output_free(struct output **output)
{
    struct output *o = *output;
    *output = NULL;
    if (!o)
        return;
    output_close(o);
    free(o->path);
    free(o);
}

uint64_t output_found(const struct output *o)
{
    return o->marked ? o->mark.found : 0;
}

/* ---- opening ---- */

/* Makes the directories of `path` that are missing. 0; GW_ERR_IO (errno). */
static int make_directories(const char *path, mode_t mode)
{
    char directory[PATH_MAX];
    if ((size_t)snprintf(directory, sizeof directory, "%s", path) >= sizeof directory) {
        errno = ENAMETOOLONG;
        return GW_ERR_IO;
    }
    for (char *slash = strchr(directory + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(directory, mode) < 0 && errno != EEXIST)
            return GW_ERR_IO;
        *slash = '/';
    }
    return 0;
}

static bool makes_directories(const struct output_rules *rules)
{
    return rules->options->create_directory || rules->options->group_by;
}

static int open_path(struct output *o, const struct output_rules *rules)
{
    int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    o->fd = open(o->path, flags, FILE_MODE);
    if (o->fd < 0 && errno == ENOENT && makes_directories(rules) &&
        make_directories(o->path, (mode_t)file_options_directory_mode(rules->options)) == 0)
        o->fd = open(o->path, flags, FILE_MODE);
    if (o->fd < 0 && (errno == ENXIO || errno == EACCES || errno == EINVAL)) {
        /* A pipe cannot be read by us, and a file need not be: then nothing can be found out about it either. */
        o->fd = open(o->path, (flags & ~O_ACCMODE) | O_WRONLY, FILE_MODE);
    }
    return o->fd < 0 ? GW_ERR_IO : 0;
}

static int64_t birth_ms(const struct output *o)
{
    struct statx sx;
    if (statx(o->fd, "", AT_EMPTY_PATH, STATX_BTIME, &sx) == 0 && sx.stx_mask & STATX_BTIME)
        return (int64_t)sx.stx_btime.tv_sec * 1000 + sx.stx_btime.tv_nsec / 1000000;
    return (int64_t)(clock_wall_ns() / CLOCK_NS_PER_MS);
}

void output_cut(struct output *o, const struct output_rules *rules, uint64_t whole)
{
    o->whole = whole;
    if (o->mark.found > whole)
        o->mark.found = whole;
    if (o->marked && o->mark.whole > whole) /* what comes there now is not whole before it is written */
        set_mark(o);
    o->torn = ftruncate(o->fd, (off_t)whole) < 0;
    if (o->torn)
        log_warn(rules->log, "%s: cutting it back to %" PRIu64 " bytes failed: %s", o->path, whole,
                 strerror(errno));
}

/* append: false empties a file once a run. What cannot be marked as emptied is not: a restart could not tell. */
static int empty_once(struct output *o, const struct output_rules *rules, bool *had_mark,
                      uint64_t size, struct trouble *t)
{
    const struct file_options *options = rules->options;
    if (options->append || options->rotation || (*had_mark && o->mark.run == rules->run && o->mark.emptied))
        return 0;
    o->mark = (struct mark){.run = rules->run, .writer = rules->writer};
    o->whole = 0;
    set_mark(o);
    *had_mark = o->marked;
    if (size == 0)
        return 0;
    if (!o->marked) {
        log_warn(rules->log, "%s: is continued and not emptied: neither the file system nor the directory lets it "
                 "be marked as emptied", o->path);
        return 0;
    }
    if (ftruncate(o->fd, 0) < 0)
        return failed(o, t, "emptying");
    return 0;
}

/* A line of somebody else's that has no end gets one. */
static int end_foreign_line(struct output *o, uint64_t size, struct trouble *t)
{
    if (write(o->fd, "\n", 1) != 1)
        return failed(o, t, "writing");
    o->whole = size + 1;
    return 0;
}

/* Finds out where whole messages end, and cuts off what follows if it is ours. */
static int mend_tail(struct output *o, const struct output_rules *rules, bool had_mark, uint64_t size,
                     struct trouble *t)
{
    bool framed = is_framed(rules);
    uint64_t from = had_mark && o->mark.whole <= size ? o->mark.whole : 0;
    if (tail_find(o->fd, from, size, framed, &o->whole) < 0) {
        if (errno == EBADF) { /* not readable */
            o->whole = size;
            return 0;
        }
        return failed(o, t, "reading");
    }
    if (o->whole == size)
        return 0;
    if (had_mark) {
        log_warn(rules->log, "%s: %" PRIu64 " bytes of an unfinished write are cut off", o->path,
                 size - o->whole);
        if (ftruncate(o->fd, (off_t)o->whole) < 0)
            return failed(o, t, "cutting off an unfinished write of");
        return 0;
    }
    if (!framed)
        return end_foreign_line(o, size, t);
    o->foreign = rules->options->rotation;
    if (o->foreign) /* it will go out of the way: output_is_due() */
        return 0;
    trouble_say(t, o->path, "does not consist of whole messages and is not ours: move it away");
    return GW_ERR_IO;
}

/* Two writers would cut off each other's messages. Where the file system has no locks there is none. */
static int lock_file(struct output *o, struct trouble *t)
{
    if (flock(o->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return 0;
    trouble_say(t, o->path, "is being written by another exporter: each needs a path of its own");
    return GW_ERR_IO;
}

static int adopt_regular(struct output *o, const struct output_rules *rules, const struct stat *st,
                         struct trouble *t)
{
    bool had_mark = mark_read(o->fd, o->path, st, &o->mark) == 0;
    uint64_t size = (uint64_t)st->st_size;
    o->born_ms = birth_ms(o);
    int rc = empty_once(o, rules, &had_mark, size, t);
    struct stat now;
    if (rc == 0 && fstat(o->fd, &now) < 0)
        rc = failed(o, t, "looking at");
    if (rc == 0)
        rc = mend_tail(o, rules, had_mark, (uint64_t)now.st_size, t);
    if (rc < 0)
        return rc;
    bool mine = had_mark && o->mark.writer == rules->writer;
    o->mark = (struct mark){.run = rules->run,
                            .writer = rules->writer,
                            .found = mine && o->mark.found < o->whole ? o->mark.found : o->whole,
                            .emptied = true};
    if (!o->foreign)
        set_mark(o);
    return 0;
}

static int open_file(struct output *o, const struct output_rules *rules, struct trouble *t)
{
    struct stat st;
    if (open_path(o, rules) < 0)
        return failed(o, t, "opening");
    if (fstat(o->fd, &st) < 0) {
        failed(o, t, "looking at");
        goto fail;
    }
    o->device = st.st_dev;
    o->inode = st.st_ino;
    o->mode = st.st_mode & 07777;
    o->regular = S_ISREG(st.st_mode);
    o->whole = 0;
    o->torn = o->unsynced = o->foreign = o->marked = false;
    o->name_unsynced = o->regular;
    if (o->regular && (lock_file(o, t) < 0 || adopt_regular(o, rules, &st, t) < 0))
        goto fail;
    o->started = o->dropped = o->whole;
    return 0;
fail:
    close(o->fd);
    o->fd = -1;
    return GW_ERR_IO;
}

/* ---- the same file still? ---- */

/* Somebody else has written to its end. */
static int adopt_growth(struct output *o, const struct output_rules *rules, uint64_t size, struct trouble *t)
{
    uint64_t end;
    log_warn(rules->log, "%s: somebody else has written %" PRIu64 " bytes to it", o->path, size - o->whole);
    o->whole = size;
    if (is_framed(rules))
        return 0;
    if (tail_find(o->fd, size - 1, size, false, &end) < 0)
        return errno == EBADF ? 0 : failed(o, t, "reading"); /* not readable */
    return end == size ? 0 : end_foreign_line(o, size, t);
}

/* Somebody else has made it shorter or longer. */
static int adopt_size(struct output *o, const struct output_rules *rules, uint64_t size,
                      struct trouble *t)
{
    if (size > o->whole)
        return adopt_growth(o, rules, size, t);
    log_info(rules->log, "%s: somebody else has cut it to %" PRIu64 " bytes", o->path, size);
    o->mark.whole = 0;
    int rc = mend_tail(o, rules, true, size, t);
    if (rc == 0) {
        if (o->mark.found > o->whole)
            o->mark.found = o->whole;
        set_mark(o);
    }
    return rc;
}

int output_ready(struct output *o, const struct output_rules *rules, struct trouble *t)
{
    struct stat st;
    if (o->fd >= 0 && o->regular) {
        bool there = stat(o->path, &st) == 0;
        if (!there && errno != ENOENT)
            return failed(o, t, "looking at");
        if (!there || st.st_dev != o->device || st.st_ino != o->inode) {
            log_info(rules->log, "%s: the file was moved away; a new one begins", o->path);
            output_close(o);
        }
    }
    if (o->fd < 0)
        return open_file(o, rules, t);
    if (!o->regular)
        return 0;
    if (o->torn)
        output_cut(o, rules, o->whole);
    if (o->torn)
        return failed(o, t, "cutting back");
    if (fstat(o->fd, &st) < 0)
        return failed(o, t, "looking at");
    return (uint64_t)st.st_size == o->whole ? 0 : adopt_size(o, rules, (uint64_t)st.st_size, t);
}

/* ---- rotation ---- */

bool output_is_due(const struct output *o, const struct output_rules *rules, uint64_t bytes,
                   int64_t now_ms)
{
    const struct file_options *options = rules->options;
    uint64_t most = options->max_bytes ? options->max_bytes : ROTATE_BYTES_DEFAULT;
    uint64_t planned = o->in_round ? o->planned : o->whole;
    if (!options->rotation || !o->regular)
        return false;
    if (o->foreign)
        return true;
    if (planned == 0)
        return false;
    if (planned + bytes > most)
        return true;
    return options->max_days && now_ms - o->born_ms > (int64_t)options->max_days * DAY_MS;
}

/* Makes the last element of `path` a directory's name: what is before it, "/" or ".". False: it has none before it. */
static bool directory_of(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == path && path[1])
        path[1] = '\0';
    else if (slash && slash != path)
        *slash = '\0';
    else if (!slash && strcmp(path, ".") != 0)
        strcpy(path, "."); /* a name has two bytes at least, with its end */
    else
        return false;
    return true;
}

static int sync_names(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd >= 0 && fsync(fd) == 0 ? 0 : GW_ERR_IO;
    /* A file system that cannot do it keeps its names some other way. */
    if (rc < 0 && fd >= 0 && (errno == EINVAL || errno == ENOTSUP))
        rc = 0;
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return rc;
}

/* The file's name; and those of the directories above it where we may have made them, this process or one before it. */
static int sync_directory(struct output *o, const struct output_rules *rules, struct trouble *t)
{
    char path[PATH_MAX];
    bool made = makes_directories(rules);
    snprintf(path, sizeof path, "%s", o->path);
    for (bool first = true; directory_of(path) && (first || made); first = false) {
        int rc = sync_names(path);
        if (rc < 0 && (first || errno != EACCES)) /* what may not be read is not of our making */
            return failed(o, t, "syncing the directory of");
    }
    return 0;
}

int output_rotate(struct output *o, const struct output_rules *rules, int64_t now_ms,
                  struct trouble *t)
{
    const struct file_options *options = rules->options;
    mode_t mode = o->mode;
    int rc = backup_make(o->path, now_ms, options->localtime);
    if (rc == GW_ERR_TOO_LARGE)
        errno = ENAMETOOLONG;
    if (rc < 0)
        return failed(o, t, "rotating");
    output_close(o);
    rc = open_file(o, rules, t);
    if (rc < 0)
        return rc;
    if (o->regular && fchmod(o->fd, mode) == 0)
        o->mode = mode;
    backup_prune(o->path, now_ms,
                 &(struct backup_rules){options->max_backups, options->max_days,
                                        options->localtime});
    return 0;
}

/* ---- writing ---- */

/* One write(2); a full pipe is waited for, a little. Bytes taken, or -1. */
static ssize_t write_some(int fd, const uint8_t *data, size_t len)
{
    while (true) {
        ssize_t n = write(fd, data, len);
        if (n >= 0 || (errno != EINTR && errno != EAGAIN))
            return n;
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        if (errno == EAGAIN && poll(&p, 1, PIPE_WAIT_MS) == 0) {
            errno = EAGAIN;
            return -1;
        }
    }
}

int output_write(struct output *o, const struct output_rules *rules, struct slice bytes,
                 struct trouble *t)
{
    size_t done = 0;
    while (done < bytes.len) {
        size_t left = bytes.len - done;
        ssize_t n = write_some(o->fd, bytes.data + done, left < WRITE_MAX_BYTES ? left : WRITE_MAX_BYTES);
        if (n < 0)
            break;
        done += (size_t)n;
    }
    o->unsynced |= done > 0;
    if (done == bytes.len) {
        o->whole += done;
        return 0;
    }
    failed(o, t, "writing to");
    if (done && o->regular)
        output_cut(o, rules, o->whole);
    return GW_ERR_IO;
}

int output_sync(struct output *o, const struct output_rules *rules, struct trouble *t)
{
    if (!o->regular)
        return 0;
    if (o->unsynced && fdatasync(o->fd) < 0)
        return failed(o, t, "syncing");
    if (o->name_unsynced && sync_directory(o, rules, t) < 0)
        return GW_ERR_IO;
    o->unsynced = o->name_unsynced = false;
    return 0;
}

/* Starts the writing back of what is new, and takes out of the page cache what was written back since the last time:
 * a file that grows without end must not push out what others read, and pages that are given back soon are taken again
 * while they are warm. */
static void write_behind(struct output *o)
{
    if (!o->regular || o->whole < o->started + WRITE_BEHIND_BYTES)
        return;
    (void)!sync_file_range(o->fd, (off_t)o->started, (off_t)(o->whole - o->started),
                           SYNC_FILE_RANGE_WRITE);
    (void)!posix_fadvise(o->fd, (off_t)o->dropped, (off_t)(o->started - o->dropped), POSIX_FADV_DONTNEED);
    o->dropped = o->started;
    o->started = o->whole;
}

void output_settle(struct output *o)
{
    o->in_round = false;
    write_behind(o);
    if (o->regular && o->marked && o->whole - o->mark.whole >= MARK_EVERY_BYTES)
        set_mark(o);
}
