// SPDX-License-Identifier: Apache-2.0
#include "router/store/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/entropy.h"

#define QUEUE_MAX_BYTES (256u << 20)

static const char *const names[JOURNAL_FILES] = {"journal.0", "journal.1"};

static int open_file(struct journal *j, unsigned i)
{
    struct journal_file *f = &j->files[i];
    struct stat st;
    int err = io_open(j->dir->hook, j->dir->root, names[i], &f->fd);
    if (err)
        return err;
    if (fstat(f->fd, &st) != 0)
        return GW_ERR_IO;
    f->bytes = (uint64_t)st.st_size;
    uint8_t in[JOURNAL_ENTRIES_OFFSET];
    if (io_read(f->fd, in, sizeof in, 0) != 0)
        return 0;
    int first = journal_header_get(in, &f->header);
    err = first ? journal_header_get(in + JOURNAL_HEADER_BYTES, &f->header) : 0;
    f->valid = err == 0;
    return err == GW_ERR_UNSUPPORTED || (err && first == GW_ERR_UNSUPPORTED) ? GW_ERR_UNSUPPORTED
                                                                             : 0;
}

int journal_open(struct journal *j, struct dir *dir, bool *found)
{
    *j = (struct journal){.dir = dir, .queue = buf_make(QUEUE_MAX_BYTES)};
    *found = false;
    for (unsigned i = 0; i < JOURNAL_FILES; i++)
        j->files[i].fd = -1;
    int err = 0;
    for (unsigned i = 0; i < JOURNAL_FILES && !err; i++)
        err = open_file(j, i);
    if (err) {
        journal_close(j);
        return err;
    }
    for (unsigned i = 0; i < JOURNAL_FILES; i++) {
        struct journal_file *f = &j->files[i];
        if (f->valid && (!*found || f->header.number > j->files[j->live].header.number)) {
            j->live = i;
            *found = true;
        }
    }
    if (*found) {
        j->key = journal_key(&j->files[j->live].header);
        memcpy(dir->uuid, j->files[j->live].header.uuid, sizeof dir->uuid);
    }
    return 0;
}

void journal_close(struct journal *j)
{
    int saved = errno;
    for (unsigned i = 0; i < JOURNAL_FILES; i++) {
        if (j->files[i].fd >= 0)
            close(j->files[i].fd);
        j->files[i].fd = -1;
    }
    buf_free(&j->queue);
    errno = saved;
}

static int read_entries(struct journal *j, struct slice file, journal_apply_fn apply, void *ctx,
                        uint64_t *damaged)
{
    uint64_t at = JOURNAL_ENTRIES_OFFSET;
    bool lost =
        false; /* looking for the next entry: if there is one, what lies between is damage */
    while (at + JOURNAL_ENTRY_HEAD_BYTES <= file.len) {
        struct journal_entry entry;
        uint64_t size = 0;
        int64_t n = journal_entry_get(slice_make(file.data + at, file.len - (size_t)at), j->key, at,
                                      &entry, &size);
        if (n == GW_ERR_CORRUPT) {
            lost = true;
            at += 8;
            continue;
        }
        int err = n < 0 ? GW_ERR_INVALID : apply(ctx, &entry);
        if (err && err != GW_ERR_INVALID && err != GW_ERR_NOT_FOUND)
            return err;
        *damaged += lost + (err != 0);
        lost = false;
        at += size;
        j->tail = at;
    }
    return 0;
}

int journal_read(struct journal *j, journal_apply_fn apply, void *ctx, uint64_t *damaged)
{
    struct journal_file *f = &j->files[j->live];
    *damaged = 0;
    j->tail = JOURNAL_ENTRIES_OFFSET;
    uint8_t *bytes = malloc(f->bytes);
    if (!bytes)
        return GW_ERR_NOMEM;
    int err = io_read(f->fd, bytes, f->bytes, 0);
    if (!err)
        err = read_entries(j, slice_make(bytes, f->bytes), apply, ctx, damaged);
    free(bytes);
    return err;
}

int journal_add(struct journal *j, const struct journal_entry *entry)
{
    journal_entry_put(&j->queue, entry, j->key, j->tail + j->queue.len);
    int err = buf_ok(&j->queue) ? 0 : GW_ERR_NOMEM;
    j->queue.failed = false;
    return err;
}

size_t journal_mark(const struct journal *j)
{
    return j->queue.len;
}

void journal_undo(struct journal *j, size_t mark)
{
    j->queue.len = mark;
}

static int sync_file(struct journal *j, struct journal_file *f, bool always)
{
    int err = always ? io_sync(j->dir->hook, f->fd) : dir_sync_file(j->dir, f->fd);
    if (err)
        f->failed = true;
    return err;
}

int journal_flush(struct journal *j)
{
    if (!j->queue.len)
        return 0;
    if (j->broken)
        return GW_ERR_IO;
    struct journal_file *f = &j->files[j->live];
    int err = io_write(j->dir->hook, f->fd, j->queue.data, j->queue.len, j->tail);
    if (err)
        return err;
    err = sync_file(j, f, false);
    if (err) {
        j->broken = true;
        return err;
    }
    j->tail += j->queue.len;
    if (j->tail > f->bytes)
        f->bytes = j->tail;
    buf_clear(&j->queue);
    return 0;
}

bool journal_full(const struct journal *j)
{
    return j->broken || j->tail > j->bound;
}

static int reserve_file(struct journal *j, struct journal_file *f)
{
    if (f->bytes >= JOURNAL_ROOM_BYTES)
        return 0;
    int err = io_resize(j->dir->hook, f->fd, f->bytes, JOURNAL_ROOM_BYTES);
    if (!err)
        f->bytes = JOURNAL_ROOM_BYTES;
    return err;
}

int journal_reserve(struct journal *j)
{
    int err = 0;
    for (unsigned i = 0; i < JOURNAL_FILES && !err; i++)
        err = j->files[i].fd >= 0 ? reserve_file(j, &j->files[i]) : 0;
    return err;
}

/* The file that is not live: emptied, of full size, and a fresh one when a sync of the old one ever
 * failed. */
static int prepare_other(struct journal *j, unsigned other)
{
    static const uint8_t zeros[JOURNAL_ENTRIES_OFFSET];
    struct journal_file *f = &j->files[other];
    const struct io_hook *hook = j->dir->hook;
    int err = 0;
    if (f->failed || f->fd < 0) {
        if (f->fd >= 0)
            close(f->fd);
        err = io_unlink(hook, j->dir->root, names[other]);
        *f = (struct journal_file){.fd = -1};
        if (!err)
            err = io_open(hook, j->dir->root, names[other], &f->fd);
        if (!err)
            err = dir_sync_names(j->dir, j->dir->root);
    }
    f->valid = false;
    if (!err)
        err = reserve_file(j, f);
    return err ? err : io_write(hook, f->fd, zeros, sizeof zeros, 0);
}

/* The snapshot, and then the header, which makes the file the live one. */
static int write_other(struct journal *j, unsigned other, const struct journal_header *header,
                       struct slice snapshot, bool always_sync)
{
    struct journal_file *f = &j->files[other];
    uint8_t head[JOURNAL_ENTRIES_OFFSET];
    int err = io_write(j->dir->hook, f->fd, snapshot.data, snapshot.len, JOURNAL_ENTRIES_OFFSET);
    if (!err)
        err = sync_file(j, f, always_sync);
    if (err)
        return err;
    journal_header_put(header, head);
    memcpy(head + JOURNAL_HEADER_BYTES, head, JOURNAL_HEADER_BYTES);
    err = io_write(j->dir->hook, f->fd, head, sizeof head, 0);
    if (!err)
        err = sync_file(j, f, always_sync);
    j->broken = err != 0;
    return err;
}

/* Which entries, keys and places hold for the queue. */
struct queue_state {
    struct buf queue;
    uint64_t key, tail;
};

static struct queue_state swap_queue(struct journal *j, struct queue_state to)
{
    struct queue_state from = {j->queue, j->key, j->tail};
    j->queue = to.queue;
    j->key = to.key;
    j->tail = to.tail;
    return from;
}

int journal_rewrite(struct journal *j, journal_snapshot_fn snapshot, void *ctx, bool always_sync)
{
    unsigned other = 1 - j->live;
    struct journal_header header = {.number = j->files[j->live].header.number + 1,
                                    .seed = entropy_u64()};
    memcpy(header.uuid, j->dir->uuid, sizeof header.uuid);
    /* The snapshot is queued as if the other file were live already. */
    struct queue_state old =
        swap_queue(j, (struct queue_state){buf_make(QUEUE_MAX_BYTES), journal_key(&header),
                                           JOURNAL_ENTRIES_OFFSET});
    int err = snapshot(ctx, j);
    if (!err)
        err = prepare_other(j, other);
    if (!err)
        err = write_other(j, other, &header, buf_slice(&j->queue), always_sync);
    if (err) {
        struct queue_state unused = swap_queue(j, old);
        buf_free(&unused.queue);
        return err;
    }
    uint64_t snapshot_bytes = j->queue.len;
    buf_free(&j->queue);
    buf_clear(&old.queue);
    j->queue = old.queue;
    j->live = other;
    j->files[other].header = header;
    j->files[other].valid = true;
    j->tail = JOURNAL_ENTRIES_OFFSET + snapshot_bytes;
    if (j->tail > j->files[other].bytes)
        j->files[other].bytes = j->tail;
    j->bound = snapshot_bytes * JOURNAL_SNAPSHOT_FACTOR;
    if (j->bound < JOURNAL_ROOM_BYTES)
        j->bound = JOURNAL_ROOM_BYTES;
    return 0;
}
