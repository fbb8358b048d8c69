// SPDX-License-Identifier: Apache-2.0
/* The store's own insides, shared by its files only:
 *   store.c      opening, closing
 *   registry.c   consumers
 *   write.c      batches: append and commit
 *   groups.c     deliveries formed and handed out
 *   answers.c    what becomes of them
 *   read.c       batches read back, what is seen
 *   space.c      segments made, rolled, given back
 *   walk.c       going over the batches of a log
 *   apply.c      journal entries
 *   recover.c    what was there before */
#ifndef MASQUES_ROUTER_STORE_INTERNAL_H
#define MASQUES_ROUTER_STORE_INTERNAL_H

#include <xxhash.h>

#include "router/store/chain.h"
#include "router/store/consumer.h"
#include "router/store/ids.h"
#include "router/store/journal.h"
#include "router/store/store.h"

/* A batch that waits for the commit. */
struct queued_batch {
    struct store_batch
        batch;           /* its sources point into write_queue.scratch only while it is written */
    size_t head;         /* offset in the scratch: SEGMENT_ALIGN zeros, record header, sources */
    uint64_t file_bytes; /* > 0: begins a new segment of that size */
    int err;
    uint64_t sequence;
};

/* Where the next batch of a signal would go if everything queued were written. */
struct write_plan {
    bool begun;
    uint64_t offset, file_bytes;
    uint64_t entries;
};

struct write_queue {
    struct queued_batch *batches;
    uint32_t count, cap;
    struct buf scratch;
    struct iovec *pieces;
    size_t pieces_cap;
    struct write_plan plans[STORE_SIGNALS];
    uint64_t planned_bytes; /* of new segments */
    struct ids ids;         /* of the queued batches */
};

struct store {
    struct dir dir;
    struct pool pool;
    struct journal journal;
    struct ids ids; /* of the stored batches */
    struct chain chains[STORE_SIGNALS];
    struct store_consumer **consumers;
    uint32_t consumer_count, consumer_cap, next_consumer_id;
    uint64_t generation;
    uint64_t max_bytes, max_batch;
    uint64_t segment_bytes;
    uint64_t now_ns; /* at opening */
    const struct log *log;
    store_retired_fn on_retired;
    void *ctx;
    struct write_queue write;
    struct store_extent *extents; /* of the last store_group_extents() */
    size_t extents_cap;
    XXH3_state_t *digest;
    uint64_t quarantined;
    uint64_t tick; /* clock of segment use */
};

static inline struct chain *store_chain(struct store *store, unsigned signal)
{
    return &store->chains[signal - 1];
}

static inline bool store_is_signal(unsigned signal)
{
    return signal >= 1 && signal <= STORE_SIGNALS;
}

/* ---- apply.c ---- */

/* What the entry says becomes so in memory. GW_ERR_INVALID or GW_ERR_NOT_FOUND: it contradicts what
 * is there; GW_ERR_NOMEM. With `live` groups that are retired are told to on_retired. */
int store_apply(struct store *store, const struct journal_entry *entry, bool live) GW_MUST_CHECK;
/* Queues the entry and makes it so. On error neither has happened. */
int store_queue_and_apply(struct store *store, const struct journal_entry *entry) GW_MUST_CHECK;
/* Writes the entry, then makes it so. */
int store_write_and_apply(struct store *store, const struct journal_entry *entry) GW_MUST_CHECK;
/* journal_apply_fn for reading; ctx is the store. */
int store_apply_read(void *ctx, const struct journal_entry *entry) GW_MUST_CHECK;
/* journal_snapshot_fn: everything in memory as entries; ctx is the store. */
int store_snapshot(void *ctx, struct journal *journal) GW_MUST_CHECK;
struct store_consumer *store_consumer_by_id(struct store *store, uint32_t id);
/* Takes it out of the list and frees it. */
void store_consumer_remove(struct store *store, struct store_consumer *consumer);

/* ---- recover.c ---- */

/* Reads journal and segments into an empty store, then changes what must be changed. */
int store_recover(struct store *store, struct store_report *report) GW_MUST_CHECK;

/* ---- space.c ---- */

/* Room for a file of `bytes` more, pulling it from lossy consumers if need be. GW_ERR_FULL,
 * GW_ERR_IO, … */
int space_make(struct store *store, uint64_t bytes) GW_MUST_CHECK;
/* Bytes that header and snapshot of a new segment take at most, with `more` ids to come. */
uint64_t space_header_bytes(const struct store *store, uint64_t more);
/* Seals the newest segment of a signal and begins another. */
int space_roll(struct store *store, unsigned signal, uint64_t file_bytes) GW_MUST_CHECK;
/* Gives back what all consumers are done with. Only when the journal is clean. */
void space_release(struct store *store);
/* Of all segments, without the free ones. */
uint64_t space_used(const struct store *store);
/* Loads a segment's index, and unloads one that was not used for long when there are many. */
int space_load(struct store *store, struct segment *segment) GW_MUST_CHECK;

/* ---- answers.c ---- */

/* An entry about the group that begins at `first` (0: about none). */
struct journal_entry store_entry(const struct store_consumer *consumer, unsigned signal,
                                 enum journal_type type, uint64_t first);
void store_show_group(const struct group *group, struct store_group *out);

#endif
