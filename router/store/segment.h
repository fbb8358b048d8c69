// SPDX-License-Identifier: Apache-2.0
/* One segment file of a signal's log: made, appended to, sealed, found again, read. See
 * segment_format.h for its bytes. It knows its own batches only; chain.h puts segments in a row. */
#ifndef MASQUES_ROUTER_STORE_SEGMENT_H
#define MASQUES_ROUTER_STORE_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "router/store/dir.h"
#include "router/store/pool.h"
#include "router/store/segment_format.h"
#include "shared/base/buf.h"

struct segment {
    struct segment_header info;
    uint64_t key;
    struct position next; /* behind its last batch */
    uint64_t end;         /* offset where the next block would go */
    uint32_t flying;      /* batches behind those, written but not stored yet: index[count] on */
    uint64_t flying_bytes; /* what was written for them, at `end` */
    uint64_t file_bytes;
    uint64_t used; /* the owner's clock of use, for choosing what to unload */
    uint64_t unsynced; /* the interval in which it was noted as such last */
    int fd;        /* -1: not open now */
    bool sealed;   /* never written again, but for its footer */
    bool footer;   /* the file has one */
    bool loaded;   /* the index is in memory */
    uint32_t count, cap;
    struct segment_entry *index; /* count entries: batch info.base.sequence + i */
};

/* What a file must hold for one more record at `offset` and the seal of `entries` batches. */
static inline uint64_t segment_file_need(uint64_t offset, uint64_t record_bytes, uint64_t entries)
{
    return offset + record_bytes + SEGMENT_TRAILER_BYTES + entries * SEGMENT_ENTRY_BYTES +
           SEGMENT_FOOTER_BYTES;
}

/* Makes the file (from the pool) with its header and snapshot; it lies in free/ under *free_number
 * until segment_publish() or segment_discard(). info's number, generation, base, seed, created_ns
 * and signal are given, the rest is filled in. Returns owned. */
int segment_create(const struct dir *dir, struct pool *pool, const struct segment_header *info,
                   struct slice snapshot, uint64_t file_bytes, struct segment **out,
                   uint64_t *free_number) GW_MUST_CHECK;

/* A file as segment_publish() needs it: so much of a segment that another thread may have it. */
struct segment_file {
    int fd;
    unsigned signal;
    uint64_t number;
    uint64_t free_number; /* 0: it has its name */
    bool named;           /* it has the name now, or may have */
};

/* Makes safe what was written into the file, as the policy says: syncs it, then gives it its name
 * if it has none, and syncs the directory. A file under its name always has its header. */
int segment_publish(const struct dir *dir, struct segment_file *file) GW_MUST_CHECK;

/* Removes a file that was not published and frees its segment. */
void segment_discard(struct segment **segment, const struct dir *dir, uint64_t free_number);

/* Closes and frees; the file stays. */
void segment_free(struct segment **segment);

/* Room for `more` index entries, so that segment_add() cannot fail. */
int segment_reserve(struct segment *segment, uint32_t more) GW_MUST_CHECK;

/* Writes the pieces (`bytes` in all) at its end; nothing of it counts before segment_land(). On
 * error it is sealed: never written or synced again. None may be flying. */
int segment_write(struct segment *segment, const struct dir *dir, struct iovec *pieces,
                  size_t count, size_t bytes) GW_MUST_CHECK;

/* The batches that are flying (their entries stand in the index behind the others) are stored. */
void segment_land(struct segment *segment);
/* They are not, and what they left in the file is void: it is never written or synced again. */
void segment_fail(struct segment *segment);

/* Nothing more will be written: index and footer, and the rest of the file is given back. When that
 * fails it is sealed all the same, and the next recovery reads it whole; therefore the caller need
 * not sync it before anything else. None may be flying. */
int segment_seal(struct segment *segment, const struct dir *dir);

/* Opens the file if it is not. GW_ERR_NOT_FOUND, GW_ERR_IO. */
int segment_open(struct segment *segment, const struct dir *dir) GW_MUST_CHECK;
/* The index into memory, the file opened. GW_ERR_NOT_FOUND, GW_ERR_IO, GW_ERR_NOMEM. */
int segment_load(struct segment *segment, const struct dir *dir) GW_MUST_CHECK;
/* Drops index and descriptor of a sealed segment. */
void segment_unload(struct segment *segment);

/* Reads the payload of a batch and verifies it. GW_ERR_CORRUPT: it does not have its checksum. */
int segment_read(struct segment *segment, const struct dir *dir, const struct segment_entry *entry,
                 uint8_t *into) GW_MUST_CHECK;

/* ---- finding it again (segment_scan.c) ------------------------------------------------- */

/* Told of each batch of a scanned segment that is whole. */
typedef int (*segment_visit_fn)(void *ctx, const struct segment_record *record);

struct segment_scan_result {
    uint64_t torn_bytes; /* of whole records behind the last valid trailer */
    uint32_t quarantined;
};

/* Reads only the header of a file. *segment is owned, neither loaded nor placed, its file closed.
 * GW_ERR_UNSUPPORTED: a newer version; GW_ERR_CORRUPT: no header of this store and name. */
int segment_peek(const struct dir *dir, unsigned signal, uint64_t number,
                 struct segment **segment) GW_MUST_CHECK;

/* Finds the end of a peeked segment: by its footer, or by reading all of it when it has none or
 * `whole` is set. Batches from sequence `limit` on are void: a later segment begins with it. Only a
 * segment that is read whole shows its batches to the visitor. Never writes. */
int segment_place(struct segment *segment, const struct dir *dir, uint64_t limit, bool whole,
                  segment_visit_fn visit, void *ctx,
                  struct segment_scan_result *result) GW_MUST_CHECK;

/* Makes the index of a placed segment anew from its records; what cannot be read is quarantined. */
int segment_reindex(struct segment *segment) GW_MUST_CHECK;

/* The snapshot in its header, into `out`. GW_ERR_CORRUPT. */
int segment_snapshot(struct segment *segment, const struct dir *dir, struct buf *out) GW_MUST_CHECK;

#endif
