// SPDX-License-Identifier: Apache-2.0
/* The full store: who gives way to new data. */
#include "router/store/walk.h"

#define SHARE_PARTS 2u     /* of max_bytes, what a consumer may lag when nothing is said */
#define GUARANTEE_PARTS 12u /* of max_bytes, what each signal has for itself: a quarter of a third */
#define GUARANTEE_MAX_PARTS 6u

/* What no other signal can take: room for one segment, if segments are not large for their store. */
static uint64_t guarantee(const struct store *store)
{
    uint64_t bytes = store->max_bytes / GUARANTEE_PARTS;
    uint64_t most = store->max_bytes / GUARANTEE_MAX_PARTS;
    if (bytes < store->segment_bytes)
        bytes = store->segment_bytes;
    return bytes < most ? bytes : most;
}

static uint64_t held_by(const struct store *store, unsigned signal)
{
    return store->chains[signal - 1].file_bytes + store->write.planned_bytes[signal - 1];
}

/* What `signal` may not take, because others have it or are sure to get it. */
static uint64_t out_of_reach(const struct store *store, unsigned signal)
{
    uint64_t bytes = 0;
    for (unsigned other = 1; other <= STORE_SIGNALS; other++) {
        uint64_t held = held_by(store, other);
        bool wanted = other != signal && store_wanted(store) >> other & 1u;
        bytes += wanted && held < guarantee(store) ? guarantee(store) : held;
    }
    return bytes;
}

/* ---- shares ---- */

static uint64_t lag_of(const struct store *store, const struct store_consumer *c)
{
    uint64_t bytes = 0;
    for (unsigned k = 0; k < STORE_SIGNALS; k++)
        if (c->cursors[k].active)
            bytes += store->chains[k].next.bytes - c->cursors[k].at.bytes;
    return bytes;
}

static bool is_current(const struct store *store, const struct store_consumer *c)
{
    uint64_t share = c->max_lag_bytes ? c->max_lag_bytes : store->max_bytes / SHARE_PARTS;
    return lag_of(store, c) <= share;
}

/* Durable consumers over their share lose their oldest, as long as there is somebody for whom the
 * store goes on. */
static bool anybody_current(const struct store *store)
{
    for (uint32_t i = 0; i < store->consumer_count; i++)
        if (store->consumers[i]->mode == STORE_DURABLE && is_current(store, store->consumers[i]))
            return true;
    return false;
}

static bool holds(const struct store_consumer *c, unsigned signal, const struct segment *s)
{
    const struct cursor *cursor = &c->cursors[signal - 1];
    return cursor->active && cursor->at.sequence < s->next.sequence;
}

/* Every durable consumer that holds the segment has to give way; without `shares`: none holds it. */
static bool all_give_way(const struct store *store, unsigned signal, const struct segment *s,
                         bool shares)
{
    for (uint32_t i = 0; i < store->consumer_count; i++) {
        const struct store_consumer *c = store->consumers[i];
        if (c->mode != STORE_DURABLE || !holds(c, signal, s))
            continue;
        if (!shares || c->refuse_when_full || is_current(store, c))
            return false;
    }
    return true;
}

/* ---- losses ---- */

/* What the consumer loses when the log begins at `before`. False: nothing. */
static bool loss_of(struct store *store, struct store_consumer *c, unsigned signal,
                    struct position before, struct journal_entry *e)
{
    struct cursor *cursor = &c->cursors[signal - 1];
    if (!cursor->active || cursor->at.sequence >= before.sequence)
        return false;
    *e = store_entry(c, signal, JOURNAL_LOSS, 0);
    e->reason = c->mode == STORE_DURABLE ? STORE_LOSS_SHARE : STORE_LOSS_SPACE;
    e->loss.before = before;
    e->loss.digest = walk_rest_digest(store, cursor, signal, before.sequence);
    return true;
}

/* Consumers lose what the segment holds of theirs: in the journal first, then in memory. */
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

/* Whether the oldest segment of a signal may go, if others have to skip it. */
static bool can_go(const struct store *store, unsigned signal, bool shares)
{
    const struct chain *chain = &store->chains[signal - 1];
    if (!chain->count)
        return false;
    const struct segment *s = chain->segments[0];
    if (!all_give_way(store, signal, s, shares))
        return false;
    if (chain->count > 1)
        return space_has_heir(store, signal);
    /* The newest one: worth it when it holds something, and nothing is on its way into it. */
    return s->next.sequence > s->info.base.sequence && !space_in_use(store, signal);
}

/* The signal whose oldest segment goes for the sake of `signal`: that which holds most, of those
 * above their guarantee. 0: none can. */
static unsigned choose(const struct store *store, unsigned signal, bool shares)
{
    unsigned best = 0;
    uint64_t most = 0;
    for (unsigned other = 1; other <= STORE_SIGNALS; other++) {
        uint64_t bytes = store->chains[other - 1].file_bytes;
        bool open = other == signal || held_by(store, other) > guarantee(store);
        if (bytes > most && open && can_go(store, other, shares)) {
            most = bytes;
            best = other;
        }
    }
    return best;
}

static int reclaim_one(struct store *store, unsigned signal)
{
    unsigned from = choose(store, signal, false);
    if (!from && anybody_current(store))
        from = choose(store, signal, true);
    if (!from)
        return GW_ERR_FULL;
    struct chain *chain = store_chain(store, from);
    int err = chain->count == 1 ? space_turn_over(store, from) : 0;
    if (!err)
        err = lose_segment(store, from, chain->segments[0]);
    if (!err)
        space_free_oldest(store, from);
    return err;
}

int space_make(struct store *store, unsigned signal, uint64_t bytes)
{
    int err = 0;
    while (!err && out_of_reach(store, signal) + bytes > store->max_bytes)
        err = reclaim_one(store, signal);
    return err;
}
