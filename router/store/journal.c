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
    *j = (struct journal){.dir = dir,
                          .queue.bytes = buf_make(QUEUE_MAX_BYTES),
                          .flying.bytes = buf_make(QUEUE_MAX_BYTES)};
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
    buf_free(&j->queue.bytes);
    buf_free(&j->flying.bytes);
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
    int err = journal_entry_put(&j->queue.bytes, entry);
    j->queue.count += !err;
    return err;
}

struct journal_mark journal_mark(const struct journal *j)
{
    return (struct journal_mark){j->queue.bytes.len, j->queue.count};
}

void journal_undo(struct journal *j, struct journal_mark mark)
{
    j->queue.bytes.len = mark.bytes;
    j->queue.count = mark.count;
}

bool journal_full(const struct journal *j)
{
    return j->broken || j->refused || j->tail > j->bound;
}

static int reserve_file(const struct dir *dir, struct journal_file *f)
{
    if (f->bytes >= JOURNAL_ROOM_BYTES)
        return 0;
    int err = io_resize(dir->hook, f->fd, f->bytes, JOURNAL_ROOM_BYTES);
    if (!err)
        f->bytes = JOURNAL_ROOM_BYTES;
    return err;
}

int journal_reserve(struct journal *j)
{
    int err = 0;
    for (unsigned i = 0; i < JOURNAL_FILES && !err; i++)
        err = j->files[i].fd >= 0 ? reserve_file(j->dir, &j->files[i]) : 0;
    return err;
}

/* ---- a job ---- */

static int begin_rewrite(struct journal *j, journal_snapshot_fn snapshot, void *ctx,
                         struct journal_job *job)
{
    job->index = 1 - j->live;
    job->file = j->files[job->index];
    job->file.header = (struct journal_header){.number = j->files[j->live].header.number + 1,
                                               .seed = entropy_u64()};
    memcpy(job->file.header.uuid, j->dir->uuid, sizeof job->file.header.uuid);
    job->offset = JOURNAL_ENTRIES_OFFSET;
    job->snapshot = buf_make(QUEUE_MAX_BYTES);
    int err = snapshot(ctx, &job->snapshot);
    if (err) {
        buf_free(&job->snapshot);
        return err;
    }
    journal_entries_seal(&job->snapshot, journal_key(&job->file.header), job->offset);
    job->bytes = buf_slice(&job->snapshot);
    return 0;
}

int journal_begin(struct journal *j, bool rewrite, journal_snapshot_fn snapshot, void *ctx,
                  struct journal_job *job)
{
    *job = (struct journal_job){.dir = j->dir, .rewrite = rewrite, .index = j->live};
    if (rewrite) {
        int err = begin_rewrite(j, snapshot, ctx, job);
        if (err)
            return err;
    }
    struct journal_entries empty = j->flying;
    j->flying = j->queue;
    j->queue = empty;
    if (!rewrite) {
        job->file = j->files[j->live];
        job->offset = j->tail;
        journal_entries_seal(&j->flying.bytes, j->key, j->tail);
        job->bytes = buf_slice(&j->flying.bytes);
    }
    return 0;
}

/* The file that is not live: emptied, of full size, and a fresh one when a sync of the old one ever
 * failed. */
static int prepare_other(struct journal_job *job)
{
    static const uint8_t zeros[JOURNAL_ENTRIES_OFFSET];
    struct journal_file *f = &job->file;
    const struct io_hook *hook = job->dir->hook;
    int err = 0;
    if (f->failed || f->fd < 0) {
        if (f->fd >= 0)
            close(f->fd);
        err = io_unlink(hook, job->dir->root, names[job->index]);
        *f = (struct journal_file){.fd = -1, .header = f->header};
        if (!err)
            err = io_open(hook, job->dir->root, names[job->index], &f->fd);
        if (!err)
            err = dir_sync_names(job->dir, job->dir->root);
    }
    f->valid = false;
    if (!err)
        err = reserve_file(job->dir, f);
    return err ? err : io_write(hook, f->fd, zeros, sizeof zeros, 0);
}

static int sync_file(struct journal_job *job)
{
    int err = job->rewrite ? io_sync(job->dir->hook, job->file.fd)
                           : dir_sync_file(job->dir, job->file.fd);
    if (err)
        job->file.failed = true;
    return err;
}

/* The snapshot, and then the header, which makes the file the live one. */
static int write_other(struct journal_job *job)
{
    const struct io_hook *hook = job->dir->hook;
    uint8_t head[JOURNAL_ENTRIES_OFFSET];
    int err = io_write(hook, job->file.fd, job->bytes.data, job->bytes.len, job->offset);
    if (!err)
        err = sync_file(job);
    if (err)
        return err;
    journal_header_put(&job->file.header, head);
    memcpy(head + JOURNAL_HEADER_BYTES, head, JOURNAL_HEADER_BYTES);
    err = io_write(hook, job->file.fd, head, sizeof head, 0);
    if (!err)
        err = sync_file(job);
    job->unclear = err != 0;
    return err;
}

void journal_run(struct journal_job *job)
{
    if (job->rewrite) {
        job->err = prepare_other(job);
        if (!job->err)
            job->err = write_other(job);
    } else if (job->bytes.len) {
        job->err = io_write(job->dir->hook, job->file.fd, job->bytes.data, job->bytes.len,
                            job->offset);
        if (!job->err)
            job->err = sync_file(job);
    }
    job->error = errno;
    uint64_t end = job->offset + job->bytes.len;
    if (!job->err && end > job->file.bytes)
        job->file.bytes = end;
}

/* The entries of the job are the first of the queue again. */
static void give_back(struct journal *j)
{
    struct buf *flying = &j->flying.bytes;
    buf_append(flying, j->queue.bytes.data, j->queue.bytes.len);
    if (!buf_ok(flying)) {
        /* No memory for both in one piece: what memory says goes into a snapshot instead. */
        flying->failed = false;
        j->broken = true;
    }
    struct journal_entries rest = j->queue;
    j->queue = j->flying;
    j->queue.count += rest.count;
    buf_clear(&rest.bytes);
    j->flying = (struct journal_entries){.bytes = rest.bytes};
}

static void switch_files(struct journal *j, const struct journal_job *job)
{
    j->live = job->index;
    j->files[j->live].valid = true;
    j->key = journal_key(&job->file.header);
    j->broken = j->refused = false;
    j->bound = job->bytes.len * JOURNAL_SNAPSHOT_FACTOR;
    if (j->bound < JOURNAL_ROOM_BYTES)
        j->bound = JOURNAL_ROOM_BYTES;
}

static void note_failure(struct journal *j, const struct journal_job *job)
{
    if (!job->rewrite) {
        j->refused = true;
        j->broken |= job->file.failed;
        return;
    }
    j->broken |= job->unclear;
    j->refused = false;
    if (!j->broken)
        j->bound = j->tail + JOURNAL_ROOM_BYTES; /* the old file still serves: try again later */
}

int journal_end(struct journal *j, struct journal_job *job)
{
    j->files[job->index] = job->file;
    if (job->err) {
        give_back(j);
        note_failure(j, job);
    } else {
        if (job->rewrite)
            switch_files(j, job);
        j->tail = job->offset + job->bytes.len;
        j->safe += j->flying.count;
        j->flying.count = 0;
        buf_clear(&j->flying.bytes);
    }
    buf_free(&job->snapshot);
    errno = job->error;
    return job->err;
}
