// SPDX-License-Identifier: Apache-2.0
/* Reads the batches of a delivery where they lie: in the segments of the router's store, through a read-only
 * descriptor of its directory, or in the payload frames that came along. Every batch read from a segment is held
 * against its checksum (XXH3-64 with the segment's seed, proto/masques/bus.proto Extents).
 *
 * A segment may be recycled at any time under a reader that lags: what was opened then shows other bytes, or the
 * name is gone. That is found by the checksum, after one look through a fresh descriptor. */
#ifndef MASQUES_EXPORTERS_COMMON_READER_H
#define MASQUES_EXPORTERS_COMMON_READER_H

#include <stddef.h>
#include <stdint.h>

#include <masques/bus.pb-c.h>

#include "shared/base/err.h"
#include "shared/base/slice.h"

#define READER_CHUNK_BYTES (1024u * 1024) /* neighbouring batches are read together up to this much */

/* One batch: an Export*ServiceRequest of the delivery's signal. */
struct reader_batch {
    struct slice bytes;   /* valid until the next call of reader_next() or reader_free() */
    uint64_t received_ns; /* wall clock; 0 when the router did not say */
    uint32_t records;     /* 0 when the router did not say */
};

/* Where a walk over a delivery stands; zeroed = at its first batch. */
struct reader_place {
    size_t extents; /* index into Deliver.extents; of the payload frame when the bytes are inline */
    size_t batch;   /* index within those extents */
};

struct reader;

/* `store_fd`: the store's directory, taken (closed with the reader); -1: only inline payload can be read.
 * Returns owned; NULL: no memory, store_fd stays the caller's. */
struct reader *reader_new(int store_fd);
void reader_free(struct reader **reader);
/* The store's directory is known now, or is another one; takes the descriptor, and closes the one before and all
 * that was opened through it. -1: there is none. */
void reader_set_store(struct reader *reader, int store_fd);

/* The batch at `place`, which moves on. `deliver` and `payloads` are borrowed.
 * 1: *batch is set; 0: no more. GW_ERR_CORRUPT: the bytes do not have their checksum, GW_ERR_NOT_FOUND: the segment
 * is gone, GW_ERR_MALFORMED: the lists of the message do not fit together, GW_ERR_UNSUPPORTED: extents, but no
 * store directory; GW_ERR_IO (errno), GW_ERR_NOMEM: may pass. On an error `place` stays. */
int reader_next(struct reader *reader, const Masques__Bus__Deliver *deliver,
                const struct slice *payloads, size_t payload_count, struct reader_place *place,
                struct reader_batch *batch) GW_MUST_CHECK;

/* Closes what the store has deleted meanwhile (an open descriptor would keep its pages), and gives back the memory of
 * an outsized batch. To be called now and then. */
void reader_tidy(struct reader *reader);

/* System calls made so far: how often bytes were read and files opened. */
struct reader_stats {
    uint64_t reads;
    uint64_t opens;
};
struct reader_stats reader_stats(const struct reader *reader);

#endif
