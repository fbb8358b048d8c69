// SPDX-License-Identifier: Apache-2.0
/* Reading batches back, and what can be seen of the store. */
#include <stdlib.h>
#include <string.h>

#include "router/store/store_internal.h"

/* ---- reading ---- */

static int reserve_extents(struct store *store, size_t count)
{
    if (count <= store->extents_cap)
        return 0;
    struct store_extent *more = realloc(store->extents, count * sizeof *more);
    if (!more)
        return GW_ERR_NOMEM;
    store->extents = more;
    store->extents_cap = count;
    return 0;
}

static void fill_extent(const struct segment *s, uint64_t sequence, struct store_extent *x)
{
    const struct segment_entry *e = &s->index[sequence - s->info.base.sequence];
    *x = (struct store_extent){.sequence = sequence,
                               .segment = s->info.number,
                               .seed = s->info.seed,
                               .offset = e->offset,
                               .checksum = e->checksum,
                               .received_ns = e->received_ns,
                               .length = e->length,
                               .records = e->records,
                               .stream = e->stream};
}

/* A batch's segment with its index. GW_ERR_CORRUPT: the batch cannot be produced. */
static int find_batch(struct store *store, unsigned signal, uint64_t sequence,
                      struct segment **segment, struct segment_entry **entry)
{
    struct position resume;
    struct segment *s = chain_find(store_chain(store, signal), sequence, &resume);
    if (!s)
        return GW_ERR_CORRUPT;
    int err = space_load(store, s);
    if (err)
        return err == GW_ERR_NOT_FOUND ? GW_ERR_CORRUPT : err;
    *segment = s;
    *entry = &s->index[sequence - s->info.base.sequence];
    return (*entry)->flags & SEGMENT_QUARANTINED ? GW_ERR_CORRUPT : 0;
}

int store_group_extents(struct store *store, struct store_consumer *consumer, unsigned signal,
                        uint64_t first, const struct store_extent **out, size_t *count)
{
    struct cursor *cursor = consumer_cursor(consumer, signal);
    const struct group *g = cursor ? cursor_find(cursor, first) : NULL;
    *out = NULL;
    *count = 0;
    if (!g)
        return GW_ERR_NOT_FOUND;
    size_t n = (size_t)(g->next.sequence - first);
    int err = reserve_extents(store, n);
    for (size_t i = 0; i < n && !err; i++) {
        struct segment *s;
        struct segment_entry *entry;
        err = find_batch(store, signal, first + i, &s, &entry);
        if (!err)
            fill_extent(s, first + i, &store->extents[i]);
    }
    if (err)
        return err;
    *out = store->extents;
    *count = n;
    return 0;
}

static void mark_damaged(struct store *store, unsigned signal, uint64_t sequence,
                         struct segment_entry *entry)
{
    if (!(entry->flags & SEGMENT_QUARANTINED))
        store->quarantined++;
    entry->flags |= SEGMENT_QUARANTINED;
    log_error(store->log, "store: batch %llu of %s is damaged and can not be delivered",
              (unsigned long long)sequence, dir_signal_name(signal));
}

int store_read(struct store *store, unsigned signal, const struct store_extent *extent,
               uint8_t *into)
{
    if (!store_is_signal(signal))
        return GW_ERR_NOT_FOUND;
    struct segment *s;
    struct segment_entry *entry;
    int err = find_batch(store, signal, extent->sequence, &s, &entry);
    if (err)
        return err;
    if (s->info.number != extent->segment || entry->offset != extent->offset ||
        entry->length != extent->length)
        return GW_ERR_NOT_FOUND;
    err = segment_read(s, &store->dir, entry, into);
    if (err == GW_ERR_CORRUPT)
        mark_damaged(store, signal, extent->sequence, entry);
    return err;
}

int store_verify(struct store *store, unsigned signal, uint64_t sequence)
{
    if (!store_is_signal(signal))
        return GW_ERR_NOT_FOUND;
    struct segment *s;
    struct segment_entry *entry;
    int err = find_batch(store, signal, sequence, &s, &entry);
    if (err)
        return err;
    uint8_t *bytes = malloc(entry->length);
    if (!bytes)
        return GW_ERR_NOMEM;
    struct store_extent x;
    fill_extent(s, sequence, &x);
    err = store_read(store, signal, &x, bytes);
    free(bytes);
    return err;
}

/* ---- what is seen ---- */

/* Receive time of the oldest pending batch: the first of the first pending group, or of what is in
 * no group. */
static uint64_t oldest_ns(struct store *store, unsigned signal, const struct cursor *cursor)
{
    uint64_t sequence = cursor->next.sequence;
    for (uint32_t i = 0; i < cursor->count; i++) {
        if (cursor->groups[i].state != GROUP_DONE) {
            sequence = cursor->groups[i].start.sequence;
            break;
        }
    }
    struct segment *s;
    struct segment_entry *entry;
    if (sequence >= store_chain(store, signal)->next.sequence ||
        find_batch(store, signal, sequence, &s, &entry) != 0)
        return 0;
    return entry->received_ns;
}

int store_consumer_counts(struct store *store, const struct store_consumer *consumer,
                          unsigned signal, struct store_counts *out)
{
    *out = (struct store_counts){0};
    if (!store_is_signal(signal) || !consumer->cursors[signal - 1].active)
        return GW_ERR_NOT_FOUND;
    const struct cursor *cursor = &consumer->cursors[signal - 1];
    struct position end = store_chain(store, signal)->next;
    struct position pending;
    cursor_pending(cursor, end, &pending);
    out->stored = end.records - cursor->start.records;
    out->delivered = cursor->delivered;
    out->rejected = cursor->rejected;
    out->lost = cursor_lost(cursor);
    memcpy(out->lost_by, cursor->lost, sizeof out->lost_by);
    out->pending = pending.records;
    out->pending_batches = pending.sequence;
    out->pending_bytes = pending.bytes;
    out->oldest_ns = oldest_ns(store, signal, cursor);
    out->cursor = cursor->at.sequence;
    out->open_from = cursor->next.sequence;
    out->open_records = end.records - cursor->next.records;
    out->open_bytes = end.bytes - cursor->next.bytes;
    for (uint32_t i = 0; i < cursor->count; i++)
        out->groups += cursor->groups[i].state != GROUP_DONE;
    return 0;
}

void store_stats(const struct store *store, struct store_stats *out)
{
    *out = (struct store_stats){.bytes = space_used(store) + store->pool.bytes,
                                .max_bytes = store->max_bytes,
                                .free_files = store->pool.count,
                                .quarantined = store->quarantined,
                                .journal_bytes = store->journal.tail};
    for (unsigned i = 0; i < STORE_SIGNALS; i++) {
        out->segments += store->chains[i].count;
        out->next_sequence[i] = store->chains[i].next.sequence;
        out->records[i] = store->chains[i].next.records;
    }
}
