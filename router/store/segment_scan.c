// SPDX-License-Identifier: Apache-2.0
/* Finding a segment again. A tail is read whole. What cannot be read before a valid trailer is
 * damage, and costs the batches it hit. Behind the last valid trailer records count as far as they
 * are whole: of a write that was torn these may be some, and if only the trailer is damaged it is
 * all of them, which were answered. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "router/store/le.h"
#include "router/store/segment.h"

struct scan {
    struct segment *s; /* its index collects the entries, valid or not yet */
    const uint8_t *file;
    uint64_t size;
    uint64_t limit;
    struct position at;    /* behind the last entry */
    struct position valid; /* behind the last valid trailer */
    uint32_t valid_count;
    uint64_t end;    /* offset behind the last valid trailer */
    uint64_t *heads; /* offsets of the record headers since then */
    size_t head_count, head_cap;
    segment_visit_fn visit;
    void *ctx;
};

static struct slice rest_at(const struct scan *scan, uint64_t offset)
{
    return slice_make(scan->file + offset, (size_t)(scan->size - offset));
}

static int add(struct scan *scan, struct segment_entry entry)
{
    int err = segment_reserve(scan->s, 1);
    if (err)
        return err;
    scan->s->index[scan->s->count++] = entry;
    scan->at = position_after(scan->at, entry.records, entry.length);
    return 0;
}

/* The batches up to `to` are missing from the file. */
static int add_gap(struct scan *scan, struct position to)
{
    if (to.sequence < scan->at.sequence || to.records < scan->at.records ||
        to.bytes < scan->at.bytes)
        return GW_ERR_CORRUPT;
    uint64_t missing = to.sequence - scan->at.sequence;
    int err = missing > UINT32_MAX ? GW_ERR_CORRUPT : segment_reserve(scan->s, (uint32_t)missing);
    if (err)
        return err;
    for (uint64_t i = 0; i < missing; i++)
        scan->s->index[scan->s->count++] = segment_gap(to);
    scan->at = to;
    return 0;
}

static int note_head(struct scan *scan, uint64_t offset)
{
    if (scan->head_count == scan->head_cap) {
        size_t cap = scan->head_cap ? scan->head_cap * 2 : 256;
        uint64_t *heads = realloc(scan->heads, cap * sizeof *heads);
        if (!heads)
            return GW_ERR_NOMEM;
        scan->heads = heads;
        scan->head_cap = cap;
    }
    scan->heads[scan->head_count++] = offset;
    return 0;
}

static int add_record(struct scan *scan, uint64_t offset, const struct segment_record *r)
{
    int err = add_gap(scan, r->at);
    if (err)
        return err;
    struct segment_entry entry = {.offset = offset + SEGMENT_RECORD_BYTES + r->sources_bytes,
                                  .checksum = r->payload_checksum,
                                  .received_ns = r->received_ns,
                                  .length = r->payload_bytes,
                                  .records = r->records,
                                  .stream = r->stream};
    struct slice payload = slice_make(scan->file + entry.offset, entry.length);
    if (segment_payload_checksum(scan->s->info.seed, payload) != entry.checksum)
        entry.flags = SEGMENT_QUARANTINED;
    else /* one whose bytes are not there is taken again when it is published again */
        err = note_head(scan, offset);
    return err ? err : add(scan, entry);
}

/* Of the record whose valid header stands there. */
static uint64_t record_bytes(const struct scan *scan, uint64_t offset)
{
    struct segment_record r;
    if (segment_record_get(rest_at(scan, offset), scan->s->key, offset, &r) != 0)
        return 0;
    return segment_record_size(r.sources_bytes, r.payload_bytes);
}

static int visit_head(struct scan *scan, uint64_t offset)
{
    struct segment_record r;
    if (!scan->visit || segment_record_get(rest_at(scan, offset), scan->s->key, offset, &r) != 0)
        return 0;
    return scan->visit(scan->ctx, &r);
}

static int commit(struct scan *scan, uint64_t offset, const struct segment_trailer *t)
{
    int err = add_gap(scan, t->next);
    for (size_t i = 0; i < scan->head_count && !err; i++)
        err = visit_head(scan, scan->heads[i]);
    scan->head_count = 0;
    scan->valid = scan->at;
    scan->valid_count = scan->s->count;
    scan->end = offset + SEGMENT_TRAILER_BYTES;
    return err;
}

/* One block at *offset, which moves behind it; 8 bytes on where nothing valid stands. False: the
 * log ends here. */
static bool scan_block(struct scan *scan, uint64_t *offset, int *err)
{
    struct slice bytes = rest_at(scan, *offset);
    struct segment_record r;
    struct segment_trailer t;
    uint32_t magic = bytes.len >= 4 ? le_get_u32(bytes.data) : 0;
    if (magic == SEGMENT_RECORD_MAGIC &&
        segment_record_get(bytes, scan->s->key, *offset, &r) == 0 &&
        r.at.sequence >= scan->at.sequence) {
        if (r.at.sequence >= scan->limit)
            return false;
        *err = add_record(scan, *offset, &r);
        *offset += segment_record_size(r.sources_bytes, r.payload_bytes);
    } else if (magic == SEGMENT_TRAILER_MAGIC &&
               segment_trailer_get(bytes, scan->s->key, *offset, &t) == 0 &&
               t.next.sequence >= scan->at.sequence) {
        if (t.next.sequence > scan->limit)
            return false;
        *err = commit(scan, *offset, &t);
        *offset += SEGMENT_TRAILER_BYTES;
    } else {
        *offset += SEGMENT_ALIGN;
    }
    return *err == 0;
}

/* The whole records behind the last valid trailer, up to the first that is missing or damaged: each
 * of them has its head noted. */
static int take_tail(struct scan *scan, struct segment_scan_result *result)
{
    const struct segment *s = scan->s;
    int err = 0;
    size_t n = 0;
    for (; n < scan->head_count && !err; n++) {
        const struct segment_entry *entry = &s->index[scan->valid_count];
        if (entry->flags & SEGMENT_QUARANTINED)
            break;
        err = visit_head(scan, scan->heads[n]);
        scan->valid = position_after(scan->valid, entry->records, entry->length);
        scan->end = scan->heads[n] + record_bytes(scan, scan->heads[n]);
        scan->valid_count++;
    }
    for (; n < scan->head_count; n++)
        result->torn_bytes += record_bytes(scan, scan->heads[n]);
    return err;
}

static int scan_file(struct scan *scan, struct segment_scan_result *result)
{
    struct segment *s = scan->s;
    uint64_t offset = s->info.header_bytes;
    int err = 0;
    scan->at = scan->valid = s->info.base;
    scan->end = offset;
    s->count = 0;
    while (offset + SEGMENT_TRAILER_BYTES <= scan->size && scan_block(scan, &offset, &err))
        ;
    if (err == GW_ERR_CORRUPT) /* blocks that contradict each other: the log ends before them */
        err = 0;
    if (!err)
        err = take_tail(scan, result);
    s->count = scan->valid_count;
    for (uint32_t i = 0; i < s->count; i++)
        result->quarantined += (s->index[i].flags & SEGMENT_QUARANTINED) != 0;
    s->next = scan->valid;
    s->end = scan->end;
    s->loaded = !err;
    return err;
}

static int read_whole(struct segment *s, uint64_t limit, segment_visit_fn visit, void *ctx,
                      struct segment_scan_result *result)
{
    uint8_t *file = malloc(s->file_bytes);
    if (!file)
        return GW_ERR_NOMEM;
    struct scan scan = {
        .s = s, .file = file, .size = s->file_bytes, .limit = limit, .visit = visit, .ctx = ctx};
    int err = io_read(s->fd, file, s->file_bytes, 0);
    if (!err)
        err = scan_file(&scan, result);
    free(scan.heads);
    free(file);
    return err;
}

/* Quarantined entries up to `next`, where the segment is known to end. */
static int pad_to(struct segment *s, struct position next, struct segment_scan_result *result)
{
    struct scan scan = {.s = s, .at = s->next};
    uint32_t before = s->count;
    int err = add_gap(&scan, next);
    result->quarantined += s->count - before;
    return err;
}

static int read_footer(struct segment *s, struct segment_footer *footer)
{
    uint8_t in[SEGMENT_FOOTER_BYTES];
    if (s->file_bytes < s->info.header_bytes + SEGMENT_FOOTER_BYTES)
        return GW_ERR_CORRUPT;
    uint64_t at = s->file_bytes - SEGMENT_FOOTER_BYTES;
    int err = io_read(s->fd, in, sizeof in, at);
    if (!err)
        err = segment_footer_get(in, s->key, at, footer);
    if (!err &&
        (footer->number != s->info.number || footer->base.sequence != s->info.base.sequence ||
         footer->index_offset < s->info.header_bytes))
        err = GW_ERR_CORRUPT;
    return err;
}

int segment_place(struct segment *s, const struct dir *dir, uint64_t limit, bool whole,
                  segment_visit_fn visit, void *ctx, struct segment_scan_result *result)
{
    *result = (struct segment_scan_result){0};
    struct segment_footer footer;
    int err = segment_open(s, dir);
    if (err)
        return err;
    err = read_footer(s, &footer);
    s->sealed = true;
    s->footer = !err && footer.next.sequence <= limit;
    if (!s->footer || whole) {
        err = read_whole(s, limit, visit, ctx, result);
        if (err || !s->footer)
            return err;
        /* The footer knows of batches at the end that cannot be read. */
        err = pad_to(s, footer.next, result);
    }
    s->next = footer.next;
    s->end = footer.index_offset;
    return err;
}

int segment_reindex(struct segment *s)
{
    struct segment_scan_result result = {0};
    struct position next = s->next;
    uint64_t end = s->end;
    int err = read_whole(s, next.sequence, NULL, NULL, &result);
    if (!err)
        err = pad_to(s, next, &result);
    s->loaded = !err;
    s->next = next;
    s->end = end;
    return err;
}

int segment_peek(const struct dir *dir, unsigned signal, uint64_t number, struct segment **segment)
{
    struct segment *s = calloc(1, sizeof *s);
    *segment = NULL;
    if (!s)
        return GW_ERR_NOMEM;
    char name[DIR_FILE_NAME_BYTES];
    dir_file_name(number, name);
    uint8_t in[SEGMENT_SNAPSHOT_OFFSET];
    struct stat st;
    s->fd = openat(dir->signals[signal - 1], name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    int err = s->fd >= 0 && fstat(s->fd, &st) == 0 ? io_read(s->fd, in, sizeof in, 0) : GW_ERR_IO;
    if (!err) {
        int first = segment_header_get(in, &s->info);
        err = first ? segment_header_get(in + SEGMENT_HEADER_BYTES, &s->info) : 0;
        if (err && first == GW_ERR_UNSUPPORTED)
            err = first;
    }
    if (err == GW_ERR_INCOMPLETE ||
        (!err && (s->info.number != number || s->info.signal != signal ||
                  memcmp(s->info.uuid, dir->uuid, sizeof dir->uuid) != 0)))
        err = GW_ERR_CORRUPT;
    if (err) {
        segment_free(&s);
        return err;
    }
    s->file_bytes = (uint64_t)st.st_size;
    s->key = segment_key(&s->info);
    s->next = s->info.base;
    s->end = s->info.header_bytes;
    close(s->fd);
    s->fd = -1;
    *segment = s;
    return 0;
}

int segment_snapshot(struct segment *s, const struct dir *dir, struct buf *out)
{
    int err = segment_open(s, dir);
    if (err)
        return err;
    uint8_t *at = buf_reserve(out, s->info.snapshot_bytes);
    if (!at)
        return GW_ERR_NOMEM;
    err = io_read(s->fd, at, s->info.snapshot_bytes, SEGMENT_SNAPSHOT_OFFSET);
    if (err)
        return err == GW_ERR_INCOMPLETE ? GW_ERR_CORRUPT : err;
    if (XXH3_64bits(at, s->info.snapshot_bytes) != s->info.snapshot_checksum)
        return GW_ERR_CORRUPT;
    out->len += s->info.snapshot_bytes;
    return 0;
}
