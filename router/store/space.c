// SPDX-License-Identifier: Apache-2.0
#include "router/store/walk.h"
#include "shared/base/clock.h"
#include "shared/base/entropy.h"

#define LOADED_MAX 48u /* sealed segments with index and descriptor in memory */
#define PAGE_BYTES 4096u

uint64_t space_used(const struct store *store)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < STORE_SIGNALS; i++)
        bytes += store->chains[i].file_bytes;
    return bytes;
}

uint64_t space_header_bytes(const struct store *store)
{
    const struct ids *waiting = &store->write.ids;
    uint64_t workers = store->ids.count + waiting->count + 1;
    uint64_t more = store->write.list.count + store->flight.list.count + 1;
    return SEGMENT_SNAPSHOT_OFFSET +
           segment_align(8 + workers * 32 + (store->ids.runs + more) * 16);
}

/* The newest segment of each signal stays until the next one has its header: it carries the
 * accepted ids. */
static int begin_segment(struct store *store, unsigned signal, uint64_t file_bytes,
                         struct segment_file *file)
{
    struct chain *chain = store_chain(store, signal);
    int err = chain_reserve(chain);
    if (err)
        return err;
    while (space_used(store) + store->pool.bytes + file_bytes > store->max_bytes &&
           store->pool.count > 1 && pool_shrink(&store->pool, &store->dir))
        ;
    struct segment_header info = {.number = chain->next_number,
                                  .generation = store->generation,
                                  .base = chain->next,
                                  .seed = entropy_u64(),
                                  .created_ns = clock_wall_ns(),
                                  .signal = (uint8_t)signal};
    struct buf snapshot = buf_make(IDS_SNAPSHOT_MAX_BYTES);
    ids_snapshot_put(&store->ids, &snapshot);
    struct segment *segment = NULL;
    uint64_t free_number = 0;
    err = buf_ok(&snapshot) ? segment_create(&store->dir, &store->pool, &info, buf_slice(&snapshot),
                                             file_bytes, &segment, &free_number)
                            : GW_ERR_NOMEM;
    buf_free(&snapshot);
    if (err)
        return err;
    chain_push(chain, segment);
    *file = (struct segment_file){
        .fd = segment->fd, .signal = signal, .number = info.number, .free_number = free_number};
    return 0;
}

int space_seal(struct store *store, struct segment *s)
{
    uint64_t before = s->file_bytes;
    int err = segment_seal(s, &store->dir);
    chain_resized(store_chain(store, s->info.signal), before, s->file_bytes);
    if (err)
        log_warn(store->log, "store: segment %llx of %s has no footer",
                 (unsigned long long)s->info.number, dir_signal_name(s->info.signal));
    return err;
}

int space_roll(struct store *store, unsigned signal, uint64_t file_bytes,
               struct segment_file *file)
{
    struct segment *active = chain_active(store_chain(store, signal));
    if (active && space_seal(store, active) == 0)
        store_note_unsynced(store, active, false);
    return begin_segment(store, signal, file_bytes, file);
}

void space_take_back(struct store *store, unsigned signal, uint64_t free_number)
{
    struct segment *s = chain_pop(store_chain(store, signal));
    segment_discard(&s, &store->dir, free_number);
}

/* All consumers (or all durable ones) are behind the segment's last batch. */
static bool consumed(const struct store *store, unsigned signal, const struct segment *s,
                     bool durable_only)
{
    for (uint32_t i = 0; i < store->consumer_count; i++) {
        const struct store_consumer *c = store->consumers[i];
        const struct cursor *cursor = &c->cursors[signal - 1];
        if (cursor->active && (!durable_only || c->mode == STORE_DURABLE) &&
            cursor->at.sequence < s->next.sequence)
            return false;
    }
    return true;
}

static void free_oldest(struct store *store, struct chain *chain)
{
    struct segment *s = chain_shift(chain);
    char name[DIR_FILE_NAME_BYTES];
    dir_file_name(s->info.number, name);
    /* A file that cannot be moved away is found at the next start, consumed by everybody. */
    if (pool_give(&store->pool, &store->dir, store->dir.signals[chain->signal - 1], name,
                  s->file_bytes) != 0)
        log_warn(store->log, "store: cannot give back %s/%s", dir_signal_name(chain->signal), name);
    segment_free(&s);
}

/* Batches are on their way into the newest segment, or are planned to go there. */
static bool in_use(const struct store *store, unsigned signal)
{
    return store->write.plans[signal - 1].begun || flight_has(store, signal);
}

/* The oldest segment has another behind it that carries the accepted ids, too. */
static bool has_heir(const struct store *store, unsigned signal)
{
    bool unborn = flight_has(store, signal) && store->flight.runs[signal - 1].fresh;
    return store->chains[signal - 1].count > 1u + unborn;
}

/* A segment that is only a header takes over from the newest one, which can then be given back.
 * Rare enough to be synced here. */
static int turn_over(struct store *store, unsigned signal)
{
    struct segment_file file;
    uint64_t bytes = segment_file_need(space_header_bytes(store), 0, 0);
    int err = space_roll(store, signal, bytes, &file);
    if (err)
        return err;
    err = segment_publish(&store->dir, &file);
    if (!err)
        store_note_unsynced(store, chain_newest(store_chain(store, signal)), true);
    else if (file.named)
        segment_fail(chain_newest(store_chain(store, signal)));
    else
        space_take_back(store, signal, file.free_number);
    return err;
}

void space_lowest(const struct store *store, uint64_t lowest[STORE_SIGNALS])
{
    for (unsigned k = 0; k < STORE_SIGNALS; k++) {
        lowest[k] = UINT64_MAX;
        for (uint32_t i = 0; i < store->consumer_count; i++) {
            const struct cursor *cursor = &store->consumers[i]->cursors[k];
            if (cursor->active && cursor->at.sequence < lowest[k])
                lowest[k] = cursor->at.sequence;
        }
    }
}

/* By what the journal says, and by what it does not say yet (a new consumer). */
static bool may_release(const struct store *store, unsigned signal, const struct segment *s)
{
    return s->next.sequence <= store->released[signal - 1] && consumed(store, signal, s, false);
}

void space_release(struct store *store)
{
    for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++) {
        struct chain *chain = store_chain(store, signal);
        struct segment *newest = chain_newest(chain);
        if (newest && newest->file_bytes > store->segment_bytes &&
            newest->next.sequence > newest->info.base.sequence && !in_use(store, signal) &&
            may_release(store, signal, newest) && turn_over(store, signal) != 0)
            continue;
        while (has_heir(store, signal) && may_release(store, signal, chain->segments[0]))
            free_oldest(store, chain);
    }
}

/* What the consumer loses when the log begins at `before`. False: nothing. */
static bool loss_of(struct store *store, struct store_consumer *c, unsigned signal,
                    struct position before, struct journal_entry *e)
{
    struct cursor *cursor = &c->cursors[signal - 1];
    if (!cursor->active || cursor->at.sequence >= before.sequence)
        return false;
    *e = (struct journal_entry){
        .type = JOURNAL_LOSS, .consumer = c->id, .signal = signal, .reason = STORE_LOSS_SPACE};
    e->loss.before = before;
    e->loss.digest = walk_rest_digest(store, cursor, signal, before.sequence);
    return true;
}

/* Lossy consumers lose what the segment holds of theirs: in the journal first, then in memory. */
static int lose_segment(struct store *store, unsigned signal, const struct segment *s)
{
    struct journal_entry e;
    store_land_journal(store);
    struct journal_mark mark = journal_mark(&store->journal);
    int err = 0;
    for (uint32_t i = 0; i < store->consumer_count && !err; i++) {
        if (loss_of(store, store->consumers[i], signal, s->next, &e))
            err = journal_add(&store->journal, &e);
    }
    if (!err)
        err = store_flush(store);
    if (err)
        journal_undo(&store->journal, mark);
    for (uint32_t i = 0; i < store->consumer_count && !err; i++) {
        if (loss_of(store, store->consumers[i], signal, s->next, &e))
            err = store_apply(store, &e, true);
    }
    return err;
}

/* Whether the oldest segment of a signal may go, if lossy consumers have to skip it. */
static bool can_go(const struct store *store, unsigned signal)
{
    const struct chain *chain = &store->chains[signal - 1];
    if (!chain->count)
        return false;
    const struct segment *s = chain->segments[0];
    if (!consumed(store, signal, s, true))
        return false;
    if (chain->count > 1)
        return has_heir(store, signal);
    /* The newest one: worth it when it holds something, and nothing is on its way into it. */
    return s->next.sequence > s->info.base.sequence && !in_use(store, signal);
}

/* Frees the oldest segment of the signal that holds most. */
static int reclaim_one(struct store *store)
{
    unsigned best = 0;
    uint64_t most = 0;
    for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++) {
        uint64_t bytes = store_chain(store, signal)->file_bytes;
        if (bytes > most && can_go(store, signal)) {
            most = bytes;
            best = signal;
        }
    }
    if (!best)
        return GW_ERR_FULL;
    struct chain *chain = store_chain(store, best);
    int err = chain->count == 1 ? turn_over(store, best) : 0;
    if (!err)
        err = lose_segment(store, best, chain->segments[0]);
    if (!err)
        free_oldest(store, chain);
    return err;
}

int space_make(struct store *store, uint64_t bytes)
{
    int err = 0;
    while (!err && space_used(store) + store->write.planned_bytes + bytes > store->max_bytes)
        err = reclaim_one(store);
    return err;
}

int space_load(struct store *store, struct segment *segment)
{
    segment->used = ++store->tick;
    if (segment->loaded && segment->fd >= 0)
        return 0;
    struct segment *oldest = NULL;
    uint32_t loaded = 0;
    for (unsigned i = 0; i < STORE_SIGNALS; i++) {
        const struct chain *chain = &store->chains[i];
        for (uint32_t k = 0; k < chain->count; k++) {
            struct segment *s = chain->segments[k];
            if (!s->sealed || s->fd < 0 || s == segment)
                continue;
            loaded++;
            if (!oldest || s->used < oldest->used)
                oldest = s;
        }
    }
    if (loaded >= LOADED_MAX)
        segment_unload(oldest);
    return segment_load(segment, &store->dir);
}
