// SPDX-License-Identifier: Apache-2.0
#include "router/dead_letters.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/clock.h"

#define DIRECTORY "dead-letters"
#define NAME_BYTES 32u /* 16 digits and a suffix */
#define SUFFIX ".dead"
#define UNFINISHED ".tmp"
#define GENERATION_SHIFT 32
#define SAY_EVERY_MS 10000u

struct dead_letters {
    struct dead_letters_options options;
    int fd; /* the directory; -1: not there yet */
    struct dead_letters_entry **list; /* by rising number */
    size_t count, cap;
    size_t asked;
    uint64_t last_number;
    uint64_t round;
    bool unsynced; /* names have changed */
    struct dead_letters_stats stats;
    struct log_gate gate;
};

/* ---- the list ---- */

static void entry_free(struct dead_letters_entry *e)
{
    if (!e)
        return;
    free((void *)(uintptr_t)e->letter.exporter.data);
    free((void *)(uintptr_t)e->letter.reason.data);
    free(e->note);
    free(e);
}

/* The text, with a NUL behind it that it does not count. */
static bool copy_text(struct slice *text)
{
    char *copy = malloc(text->len + 1);
    if (!copy)
        return false;
    if (text->len)
        memcpy(copy, text->data, text->len);
    copy[text->len] = '\0';
    *text = slice_make(copy, text->len);
    return true;
}

static uint64_t counted(uint64_t file_bytes)
{
    uint64_t blocks = file_bytes / DEAD_LETTERS_BLOCK_BYTES + 1;
    return blocks * DEAD_LETTERS_BLOCK_BYTES;
}

static struct dead_letters_entry *entry_new(const struct dead_letter *letter, uint64_t file_bytes)
{
    struct dead_letters_entry *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->letter = *letter;
    e->letter.reason.data = NULL;
    if (!copy_text(&e->letter.exporter)) {
        free(e);
        return NULL;
    }
    e->letter.reason = letter->reason;
    if (!copy_text(&e->letter.reason)) {
        e->letter.reason.data = NULL;
        entry_free(e);
        return NULL;
    }
    e->file_bytes = counted(file_bytes);
    return e;
}

static bool reserve(struct dead_letters *d)
{
    if (d->count < d->cap)
        return true;
    size_t cap = d->cap ? d->cap * 2 : 16;
    struct dead_letters_entry **list = realloc(d->list, cap * sizeof(void *));
    if (!list)
        return false;
    d->list = list;
    d->cap = cap;
    return true;
}

/* Where the number stands, or would. */
static size_t place_of(const struct dead_letters *d, uint64_t number)
{
    size_t low = 0, high = d->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (d->list[middle]->letter.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Takes the entry, for which there is room. */
static void insert(struct dead_letters *d, struct dead_letters_entry *e)
{
    size_t at = place_of(d, e->letter.number);
    memmove(d->list + at + 1, d->list + at, (d->count - at) * sizeof(void *));
    d->list[at] = e;
    d->count++;
    d->stats.bytes += e->file_bytes;
}

static void take_out(struct dead_letters *d, size_t at)
{
    d->stats.bytes -= d->list[at]->file_bytes;
    d->asked -= d->list[at]->asked;
    entry_free(d->list[at]);
    d->count--;
    memmove(d->list + at, d->list + at + 1, (d->count - at) * sizeof(void *));
}

static bool same_delivery(const struct dead_letter *a, const struct dead_letter *b)
{
    return a->first == b->first && a->last == b->last && a->generation == b->generation &&
           a->signal == b->signal && slice_eq(a->exporter, b->exporter);
}

/* ---- files ---- */

static void name_of(uint64_t number, const char *suffix, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "%016" PRIx64 "%s", number, suffix);
}

static bool number_of(const char *name, uint64_t *number)
{
    if (strlen(name) != 16 + strlen(SUFFIX) || strcmp(name + 16, SUFFIX) != 0 ||
        strspn(name, "0123456789abcdef") != 16)
        return false;
    *number = strtoull(name, NULL, 16);
    return true;
}

static int sync_dir(const struct dead_letters *d, int fd)
{
    return d->options.synced ? io_sync(d->options.hook, fd) : GW_OK;
}

static int make_directory(struct dead_letters *d)
{
    if (d->fd >= 0)
        return GW_OK;
    int err = io_mkdir(d->options.hook, d->options.store_fd, DIRECTORY);
    if (err == GW_OK)
        err = sync_dir(d, d->options.store_fd);
    if (err != GW_OK)
        return err;
    d->fd = openat(d->options.store_fd, DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return d->fd >= 0 ? GW_OK : GW_ERR_IO;
}

/* Whole on its medium under its own name, or not there at all. */
static int write_file(struct dead_letters *d, const struct dead_letter *letter, struct slice payload,
                      uint64_t *file_bytes)
{
    char unfinished[NAME_BYTES], name[NAME_BYTES];
    uint8_t header[DEAD_LETTER_HEADER_MAX_BYTES];
    const struct io_hook *hook = d->options.hook;
    size_t len = dead_letter_put(letter, header);
    int fd;
    name_of(letter->number, UNFINISHED, unfinished);
    name_of(letter->number, SUFFIX, name);
    *file_bytes = len + payload.len;
    int err = io_open(hook, d->fd, unfinished, &fd);
    if (err != GW_OK)
        return err;
    err = io_write(hook, fd, header, len, 0);
    if (err == GW_OK && payload.len)
        err = io_write(hook, fd, payload.data, payload.len, len);
    if (err == GW_OK)
        err = sync_dir(d, fd);
    int reason = errno;
    close(fd);
    errno = reason;
    if (err == GW_OK)
        err = io_rename(hook, d->fd, unfinished, d->fd, name);
    reason = errno;
    if (err == GW_OK)
        d->unsynced = true;
    else if (io_unlink(hook, d->fd, unfinished) != GW_OK)
        log_debug(d->options.log, "dead letter: %s stays until the next start", unfinished);
    errno = reason;
    return err;
}

/* ---- writing ---- */

void dead_letters_begin(struct dead_letters *d)
{
    d->round++;
}

/* One that an earlier verdict on the same delivery left. */
static struct dead_letters_entry *earlier(struct dead_letters *d, const struct dead_letter *letter)
{
    for (size_t i = 0; i < d->count; i++) {
        struct dead_letters_entry *e = d->list[i];
        if (e->round != d->round && e->letter.index == letter->index &&
            same_delivery(&e->letter, letter))
            return e;
    }
    return NULL;
}

static uint64_t quota(const struct dead_letters *d)
{
    return d->options.quota_bytes ? d->options.quota_bytes : DEAD_LETTERS_QUOTA_BYTES;
}

static int write_new(struct dead_letters *d, const struct dead_letter *letter, struct slice payload,
                     bool beyond)
{
    struct dead_letter mine = *letter;
    uint64_t bytes;
    struct dead_letters_entry *before = earlier(d, letter);
    mine.number = before ? before->letter.number : d->last_number + 1;
    memcpy(mine.store, d->options.uuid, sizeof mine.store);
    mine.payload_bytes = payload.len;
    mine.payload_checksum = dead_letter_checksum(payload);
    mine.reason = dead_letter_reason(letter->reason);
    uint64_t used = d->stats.bytes - (before ? before->file_bytes : 0);
    if (!beyond && used + counted(DEAD_LETTER_HEADER_MAX_BYTES + payload.len) > quota(d))
        return GW_ERR_FULL;
    int err = reserve(d) ? make_directory(d) : GW_ERR_NOMEM;
    struct dead_letters_entry *e =
        err == GW_OK ? entry_new(&mine, DEAD_LETTER_HEADER_MAX_BYTES + payload.len) : NULL;
    if (err == GW_OK)
        err = e ? write_file(d, &mine, payload, &bytes) : GW_ERR_NOMEM;
    if (err != GW_OK) {
        entry_free(e);
        return err;
    }
    e->round = d->round;
    if (before)
        take_out(d, place_of(d, mine.number));
    else
        d->last_number++;
    insert(d, e);
    return GW_OK;
}

int dead_letters_keep(struct dead_letters *d, const struct dead_letter *letter, struct slice payload,
                      bool beyond)
{
    int err = write_new(d, letter, payload, beyond);
    if (err == GW_OK)
        return GW_OK;
    d->stats.dropped++;
    uint64_t passed = log_gate_pass(&d->gate, clock_mono_ms(), SAY_EVERY_MS);
    if (passed)
        log_warn(d->options.log,
                 "a rejection of %.*s is counted, but not kept as a dead letter: %s (%" PRIu64
                 " of %" PRIu64 " bytes are used; %" PRIu64 " such before this one)",
                 (int)letter->exporter.len, (const char *)letter->exporter.data,
                 err == GW_ERR_IO ? strerror(errno) : gw_strerror(err), d->stats.bytes, quota(d),
                 passed - 1);
    return err;
}

int dead_letters_end(struct dead_letters *d, const struct dead_letter *id)
{
    int err = GW_OK;
    for (size_t i = d->count; i-- > 0 && err == GW_OK;)
        if (d->list[i]->round != d->round && same_delivery(&d->list[i]->letter, id))
            err = dead_letters_remove(d, d->list[i]->letter.number);
    return err == GW_OK ? dead_letters_sync(d) : err;
}

int dead_letters_remove(struct dead_letters *d, uint64_t number)
{
    char name[NAME_BYTES];
    if (!dead_letters_find(d, number))
        return GW_ERR_NOT_FOUND;
    name_of(number, SUFFIX, name);
    int err = io_unlink(d->options.hook, d->fd, name);
    if (err != GW_OK && errno != ENOENT)
        return err;
    d->unsynced = true;
    take_out(d, place_of(d, number));
    return GW_OK;
}

int dead_letters_sync(struct dead_letters *d)
{
    int err = d->unsynced ? sync_dir(d, d->fd) : GW_OK;
    if (err == GW_OK)
        d->unsynced = false;
    return err;
}

/* ---- reading ---- */

size_t dead_letters_count(const struct dead_letters *d)
{
    return d->count;
}

struct dead_letters_entry *dead_letters_at(const struct dead_letters *d, size_t i)
{
    return i < d->count ? d->list[i] : NULL;
}

struct dead_letters_entry *dead_letters_find(const struct dead_letters *d, uint64_t number)
{
    size_t at = place_of(d, number);
    return at < d->count && d->list[at]->letter.number == number ? d->list[at] : NULL;
}

/* The whole file. */
static int read_file(const struct dead_letters *d, uint64_t number, struct blob **file)
{
    char name[NAME_BYTES];
    struct stat st;
    name_of(number, SUFFIX, name);
    *file = NULL;
    int fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? GW_ERR_NOT_FOUND : GW_ERR_IO;
    int err = fstat(fd, &st) == 0 ? GW_OK : GW_ERR_IO;
    if (err == GW_OK) {
        *file = blob_new((size_t)st.st_size);
        err = *file ? io_read(fd, (*file)->data, (size_t)st.st_size, 0) : GW_ERR_NOMEM;
    }
    close(fd);
    if (err == GW_OK) {
        (*file)->len = (size_t)st.st_size;
    } else {
        blob_drop(*file);
        *file = NULL;
    }
    return err;
}

int dead_letters_read(const struct dead_letters *d, uint64_t number, struct blob **payload)
{
    struct blob *file;
    struct dead_letter letter;
    struct slice bytes;
    *payload = NULL;
    if (!dead_letters_find(d, number))
        return GW_ERR_NOT_FOUND;
    int err = read_file(d, number, &file);
    if (err != GW_OK)
        return err;
    if (dead_letter_get_whole(slice_make(file->data, file->len), &letter, &bytes) != GW_OK) {
        blob_drop(file);
        return GW_ERR_CORRUPT;
    }
    memmove(file->data, bytes.data, bytes.len);
    file->len = bytes.len;
    *payload = file;
    return GW_OK;
}

void dead_letters_ask(struct dead_letters *d, struct dead_letters_entry *entry, bool asked)
{
    d->asked -= entry->asked;
    d->asked += asked;
    entry->asked = asked;
}

size_t dead_letters_asked(const struct dead_letters *d)
{
    return d->asked;
}

void dead_letters_replayed(struct dead_letters *d)
{
    d->stats.replayed++;
}

struct dead_letters_stats dead_letters_stats(const struct dead_letters *d)
{
    struct dead_letters_stats stats = d->stats;
    stats.letters = d->count;
    return stats;
}

/* ---- opening ---- */

/* Its header alone: the payload is looked at when it is wanted. */
static int read_header(const struct dead_letters *d, const char *name, uint64_t number,
                       uint8_t *room, struct dead_letter *letter, uint64_t *file_bytes)
{
    struct stat st;
    int fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return GW_ERR_IO;
    ssize_t n = pread(fd, room, DEAD_LETTER_HEADER_MAX_BYTES, 0);
    int err = n >= 0 && fstat(fd, &st) == 0 ? GW_OK : GW_ERR_IO;
    close(fd);
    if (err != GW_OK)
        return err;
    int len = dead_letter_get(slice_make(room, (size_t)n), letter);
    if (len < 0)
        return len;
    *file_bytes = (uint64_t)st.st_size;
    if (letter->number != number || *file_bytes - (uint64_t)len != letter->payload_bytes)
        return GW_ERR_CORRUPT;
    return memcmp(letter->store, d->options.uuid, sizeof letter->store) == 0 ? GW_OK
                                                                              : GW_ERR_INVALID;
}

static int load(struct dead_letters *d, const char *name, uint64_t number)
{
    uint8_t room[DEAD_LETTER_HEADER_MAX_BYTES];
    struct dead_letter letter;
    uint64_t file_bytes = 0;
    int err = read_header(d, name, number, room, &letter, &file_bytes);
    if (err != GW_OK) {
        d->stats.damaged++;
        d->stats.bytes += counted(file_bytes);
        log_warn(d->options.log, "dead letter %s is left alone: %s", name,
                 err == GW_ERR_INVALID ? "it is another store's" : gw_strerror(err));
        return GW_OK;
    }
    struct dead_letters_entry *e = reserve(d) ? entry_new(&letter, file_bytes) : NULL;
    if (!e)
        return GW_ERR_NOMEM;
    insert(d, e);
    return GW_OK;
}

static int load_all(struct dead_letters *d)
{
    int err = GW_OK;
    DIR *names = NULL;
    int fd = openat(d->options.store_fd, DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        if (errno != ENOENT)
            log_warn(d->options.log, "the dead letters cannot be read: %s", strerror(errno));
        return GW_OK;
    }
    d->fd = dup(fd);
    if (d->fd >= 0)
        names = fdopendir(fd);
    if (!names) {
        close(fd);
        return GW_ERR_NOMEM;
    }
    for (struct dirent *at = readdir(names); at && err == GW_OK; at = readdir(names)) {
        uint64_t number;
        size_t len = strlen(at->d_name);
        if (number_of(at->d_name, &number))
            err = load(d, at->d_name, number);
        else if (len > strlen(UNFINISHED) &&
                 strcmp(at->d_name + len - strlen(UNFINISHED), UNFINISHED) == 0)
            unlinkat(d->fd, at->d_name, 0);
    }
    closedir(names);
    return err;
}

/* The rejections of a replayed letter that is still here: its verdict never counted, and comes again. */
static void drop_unsettled(struct dead_letters *d)
{
    for (size_t i = d->count; i-- > 0;) {
        const struct dead_letter *letter = &d->list[i]->letter;
        if (letter->first & DEAD_LETTER_SEQUENCE_BIT &&
            dead_letters_find(d, letter->first & ~DEAD_LETTER_SEQUENCE_BIT) &&
            dead_letters_remove(d, letter->number) != GW_OK)
            log_warn(d->options.log, "dead letter %" PRIu64 " cannot be removed: %s",
                     letter->number, strerror(errno));
    }
}

struct dead_letters *dead_letters_open(const struct dead_letters_options *options)
{
    struct dead_letters *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->options = *options;
    d->fd = -1;
    d->last_number = options->generation << GENERATION_SHIFT;
    if (load_all(d) != GW_OK) {
        dead_letters_free(&d);
        return NULL;
    }
    drop_unsettled(d);
    return d;
}

void dead_letters_free(struct dead_letters **at)
{
    struct dead_letters *d = *at;
    *at = NULL;
    if (!d)
        return;
    for (size_t i = 0; i < d->count; i++)
        entry_free(d->list[i]);
    free(d->list);
    if (d->fd >= 0)
        close(d->fd);
    free(d);
}
