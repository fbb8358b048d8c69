// SPDX-License-Identifier: Apache-2.0
#include "exporters/common/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define CACHED_FILES 6u         /* two a signal: a delivery may end in the next segment */
#define GAP_MAX_BYTES 4096u     /* between neighbours: the record headers of the store, and little more */
#define NAME_MAX_BYTES 40u      /* "metrics/" + 16 digits + ".seg" */
#define BATCH_MAX_BYTES (256u * 1024 * 1024) /* no batch of the bus is larger (BUS_MESSAGE_MAX_BYTES) */

/* An open segment. */
struct file {
    int fd; /* -1: free slot */
    Masques__Bus__Signal signal;
    uint64_t segment;
    uint64_t used; /* value of reader.clock at the last use */
};

struct reader {
    int store_fd;
    uint64_t clock;
    struct file files[CACHED_FILES];
    /* What was read last: bytes [offset, offset + len) of one segment. len 0: nothing. */
    struct {
        Masques__Bus__Signal signal;
        uint64_t segment;
        uint64_t offset;
        size_t len;
        uint8_t *data;
        size_t cap;
    } chunk;
    struct reader_stats stats;
};

struct reader *reader_new(int store_fd)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->store_fd = store_fd;
    for (size_t i = 0; i < CACHED_FILES; i++)
        r->files[i].fd = -1;
    return r;
}

static void file_close(struct file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

void reader_set_store(struct reader *r, int store_fd)
{
    for (size_t i = 0; i < CACHED_FILES; i++)
        file_close(&r->files[i]);
    if (r->store_fd >= 0)
        close(r->store_fd);
    r->store_fd = store_fd;
    r->chunk.len = 0;
}

void reader_free(struct reader **reader)
{
    struct reader *r = *reader;
    *reader = NULL;
    if (!r)
        return;
    for (size_t i = 0; i < CACHED_FILES; i++)
        file_close(&r->files[i]);
    if (r->store_fd >= 0)
        close(r->store_fd);
    free(r->chunk.data);
    free(r);
}

static const char *signal_folder(Masques__Bus__Signal signal)
{
    switch (signal) {
    case MASQUES__BUS__SIGNAL__LOGS:
        return "logs";
    case MASQUES__BUS__SIGNAL__METRICS:
        return "metrics";
    case MASQUES__BUS__SIGNAL__TRACES:
        return "traces";
    default:
        return NULL;
    }
}

static struct file *file_find(struct reader *r, Masques__Bus__Signal signal, uint64_t segment)
{
    for (size_t i = 0; i < CACHED_FILES; i++) {
        struct file *f = &r->files[i];
        if (f->fd >= 0 && f->signal == signal && f->segment == segment)
            return f;
    }
    return NULL;
}

/* A free slot, or the one that was used longest ago. */
static struct file *file_slot(struct reader *r)
{
    struct file *oldest = &r->files[0];
    for (size_t i = 0; i < CACHED_FILES; i++) {
        struct file *f = &r->files[i];
        if (f->fd < 0)
            return f;
        if (f->used < oldest->used)
            oldest = f;
    }
    file_close(oldest);
    return oldest;
}

static int file_open(struct reader *r, Masques__Bus__Signal signal, uint64_t segment,
                     struct file **out)
{
    struct file *f = file_find(r, signal, segment);
    if (!f) {
        const char *folder = signal_folder(signal);
        if (!folder)
            return GW_ERR_MALFORMED;
        char name[NAME_MAX_BYTES];
        snprintf(name, sizeof name, "%s/%016" PRIx64 ".seg", folder, segment);
        r->stats.opens++;
        int fd = openat(r->store_fd, name, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return errno == ENOENT ? GW_ERR_NOT_FOUND : GW_ERR_IO;
        f = file_slot(r);
        *f = (struct file){.fd = fd, .signal = signal, .segment = segment};
    }
    f->used = ++r->clock;
    *out = f;
    return 0;
}

static int chunk_room(struct reader *r, size_t bytes)
{
    if (bytes <= r->chunk.cap)
        return 0;
    size_t cap = bytes < READER_CHUNK_BYTES ? READER_CHUNK_BYTES : bytes;
    uint8_t *data = realloc(r->chunk.data, cap);
    if (!data)
        return GW_ERR_NOMEM;
    r->chunk.data = data;
    r->chunk.cap = cap;
    return 0;
}

/* Fills the chunk from `offset`; a file that ends earlier leaves it shorter. */
static int chunk_fill(struct reader *r, Masques__Bus__Signal signal, uint64_t segment,
                      uint64_t offset, size_t bytes)
{
    struct file *f;
    r->chunk.len = 0;
    int rc = file_open(r, signal, segment, &f);
    if (rc == 0)
        rc = chunk_room(r, bytes);
    size_t got = 0;
    while (rc == 0 && got < bytes) {
        r->stats.reads++;
        ssize_t n = pread(f->fd, r->chunk.data + got, bytes - got, (off_t)(offset + got));
        if (n == 0)
            break;
        if (n > 0)
            got += (size_t)n;
        else if (errno != EINTR)
            rc = GW_ERR_IO;
    }
    if (rc < 0)
        return rc;
    r->chunk.signal = signal;
    r->chunk.segment = segment;
    r->chunk.offset = offset;
    r->chunk.len = got;
    return 0;
}

static bool chunk_holds(const struct reader *r, Masques__Bus__Signal signal, uint64_t segment,
                        uint64_t offset, size_t bytes)
{
    return r->chunk.len && r->chunk.signal == signal && r->chunk.segment == segment &&
           offset >= r->chunk.offset && offset - r->chunk.offset <= r->chunk.len &&
           bytes <= r->chunk.len - (size_t)(offset - r->chunk.offset);
}

static const uint8_t *chunk_at(const struct reader *r, uint64_t offset)
{
    return r->chunk.data + (offset - r->chunk.offset);
}

/* How many bytes from batch `first` on are worth one read: neighbours without big gaps, up to a chunk. */
static size_t run_length(const Masques__Bus__Extents *e, size_t first)
{
    uint64_t end = e->offset[first] + e->length[first];
    for (size_t i = first + 1; i < e->n_offset; i++) {
        if (e->offset[i] < end || e->offset[i] - end > GAP_MAX_BYTES)
            break;
        uint64_t further = e->offset[i] + e->length[i];
        if (further < end || further - e->offset[first] > READER_CHUNK_BYTES)
            break;
        end = further;
    }
    return (size_t)(end - e->offset[first]);
}

static bool extents_fit(const Masques__Bus__Extents *e)
{
    return e->n_length == e->n_offset && e->n_checksum == e->n_offset &&
           (e->n_records == 0 || e->n_records == e->n_offset) &&
           (e->n_received_ns == 0 || e->n_received_ns == e->n_offset);
}

static bool checksum_fits(const struct reader *r, const Masques__Bus__Extents *e, size_t i)
{
    return XXH3_64bits_withSeed(chunk_at(r, e->offset[i]), e->length[i], e->seed) ==
           e->checksum[i];
}

/* Brings batch `i` into the chunk with the right checksum. */
static int extent_load(struct reader *r, Masques__Bus__Signal signal,
                       const Masques__Bus__Extents *e, size_t i)
{
    if (e->offset[i] > (uint64_t)INT64_MAX - e->length[i] || e->length[i] > BATCH_MAX_BYTES)
        return GW_ERR_MALFORMED;
    if (!chunk_holds(r, signal, e->segment, e->offset[i], e->length[i])) {
        int rc = chunk_fill(r, signal, e->segment, e->offset[i], run_length(e, i));
        if (rc < 0)
            return rc;
    }
    if (chunk_holds(r, signal, e->segment, e->offset[i], e->length[i]) && checksum_fits(r, e, i))
        return 0;

    /* The descriptor or the chunk may be of a file that was recycled since. */
    struct file *stale = file_find(r, signal, e->segment);
    if (stale)
        file_close(stale);
    int rc = chunk_fill(r, signal, e->segment, e->offset[i], e->length[i]);
    if (rc < 0)
        return rc;
    if (chunk_holds(r, signal, e->segment, e->offset[i], e->length[i]) && checksum_fits(r, e, i))
        return 0;
    r->chunk.len = 0;
    return GW_ERR_CORRUPT;
}

static int next_inline(const Masques__Bus__Deliver *d, const struct slice *payloads, size_t count,
                       struct reader_place *place, struct reader_batch *batch)
{
    size_t i = place->extents;
    if (i >= count)
        return 0;
    *batch = (struct reader_batch){
        .bytes = payloads[i],
        .received_ns = i < d->n_received_ns ? d->received_ns[i] : 0,
        .records = i < d->n_batch_records ? d->batch_records[i] : 0,
    };
    place->extents++;
    return 1;
}

int reader_next(struct reader *r, const Masques__Bus__Deliver *d, const struct slice *payloads,
                size_t payload_count, struct reader_place *place, struct reader_batch *batch)
{
    if (d->n_extents == 0)
        return next_inline(d, payloads, payload_count, place, batch);
    while (place->extents < d->n_extents && place->batch >= d->extents[place->extents]->n_offset) {
        place->extents++;
        place->batch = 0;
    }
    if (place->extents >= d->n_extents)
        return 0;
    if (r->store_fd < 0)
        return GW_ERR_UNSUPPORTED;
    const Masques__Bus__Extents *e = d->extents[place->extents];
    if (!d->id || !extents_fit(e))
        return GW_ERR_MALFORMED;

    size_t i = place->batch;
    static const uint8_t nothing[1];
    const uint8_t *bytes = nothing;
    if (e->length[i]) {
        int rc = extent_load(r, d->id->signal, e, i);
        if (rc < 0)
            return rc;
        bytes = chunk_at(r, e->offset[i]);
    }
    *batch = (struct reader_batch){
        .bytes = {bytes, e->length[i]},
        .received_ns = e->n_received_ns ? e->received_ns[i] : 0,
        .records = e->n_records ? e->records[i] : 0,
    };
    place->batch++;
    return 1;
}

void reader_tidy(struct reader *r)
{
    for (size_t i = 0; i < CACHED_FILES; i++) {
        struct stat st;
        struct file *f = &r->files[i];
        if (f->fd >= 0 && (fstat(f->fd, &st) < 0 || st.st_nlink == 0))
            file_close(f);
    }
    if (r->chunk.cap > READER_CHUNK_BYTES) {
        free(r->chunk.data);
        r->chunk.data = NULL;
        r->chunk.cap = 0;
        r->chunk.len = 0;
    }
}

struct reader_stats reader_stats(const struct reader *r)
{
    return r->stats;
}
