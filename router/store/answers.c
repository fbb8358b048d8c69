// SPDX-License-Identifier: Apache-2.0
/* What becomes of deliveries: held, released, answered, given up, skipped. */
#include "router/store/walk.h"

struct journal_entry store_entry(const struct store_consumer *c, unsigned signal,
                                 enum journal_type type, uint64_t first)
{
    return (struct journal_entry){
        .type = type, .consumer = c->id, .signal = signal, .first = first};
}

void store_show_group(const struct group *g, struct store_group *out)
{
    *out = (struct store_group){.generation = g->generation,
                                .first = g->start.sequence,
                                .last = g->next.sequence - 1,
                                .records = g->next.records - g->start.records,
                                .bytes = g->next.bytes - g->start.bytes,
                                .digest = g->digest,
                                .batches = (uint32_t)(g->next.sequence - g->start.sequence),
                                .attempt = g->attempts,
                                .maybe_twice = g->maybe_twice,
                                .note = {g->note, g->note_bytes}};
}

static struct group *find(struct store_consumer *c, unsigned signal, uint64_t first)
{
    struct cursor *cursor = consumer_cursor(c, signal);
    return cursor ? cursor_find(cursor, first) : NULL;
}

int store_group_find(struct store *store, struct store_consumer *consumer, unsigned signal,
                     uint64_t first, struct store_group *out)
{
    (void)store;
    const struct group *g = find(consumer, signal, first);
    if (!g)
        return GW_ERR_NOT_FOUND;
    store_show_group(g, out);
    return 0;
}

int store_group_hold(struct store *store, struct store_consumer *consumer, unsigned signal,
                     uint64_t first, uint64_t last)
{
    (void)store;
    struct group *g = find(consumer, signal, first);
    if (!g || g->next.sequence - 1 != last)
        return GW_ERR_NOT_FOUND;
    g->state = GROUP_SENT;
    return 0;
}

int store_group_release(struct store *store, struct store_consumer *consumer, unsigned signal,
                        uint64_t first)
{
    (void)store;
    struct group *g = find(consumer, signal, first);
    if (!g)
        return GW_ERR_NOT_FOUND;
    g->state = GROUP_WAITING;
    return 0;
}

void store_consumer_reset(struct store *store, struct store_consumer *consumer)
{
    (void)store;
    for (unsigned i = 0; i < STORE_SIGNALS; i++) {
        struct cursor *cursor = &consumer->cursors[i];
        for (uint32_t k = 0; k < cursor->count; k++) {
            if (cursor->groups[k].state == GROUP_SENT)
                cursor->groups[k].state = GROUP_WAITING;
        }
    }
}

int store_group_done(struct store *store, struct store_consumer *consumer, unsigned signal,
                     uint64_t first, uint64_t rejected)
{
    struct journal_entry e = store_entry(consumer, signal, JOURNAL_DONE, first);
    e.rejected = rejected;
    return store_queue_and_apply(store, &e);
}

int store_group_lost(struct store *store, struct store_consumer *consumer, unsigned signal,
                     uint64_t first, enum store_loss reason)
{
    struct journal_entry e = store_entry(consumer, signal, JOURNAL_LOST, first);
    e.reason = reason;
    return store_queue_and_apply(store, &e);
}

int store_group_progress(struct store *store, struct store_consumer *consumer, unsigned signal,
                         uint64_t first, struct slice note)
{
    if (note.len > STORE_NOTE_MAX_BYTES)
        return GW_ERR_TOO_LARGE;
    struct journal_entry e = store_entry(consumer, signal, JOURNAL_NOTE, first);
    e.note = note;
    return store_queue_and_apply(store, &e);
}

/* The place before batch `sequence`, which is not before `from`: needed where nothing but its
 * number is known. */
static int place_of(struct store *store, unsigned signal, struct position from, uint64_t sequence,
                    struct position *out)
{
    struct walk w = walk_from(store, signal, from);
    while (w.at.sequence < sequence) {
        int found = walk_look(&w);
        if (found < 0)
            return found;
        if (found == WALK_END)
            break;
        w.at = w.next;
    }
    *out = w.at;
    return 0;
}

int store_skip(struct store *store, struct store_consumer *consumer, unsigned signal,
               uint64_t before, enum store_loss reason, uint64_t *records)
{
    *records = 0;
    struct cursor *cursor = consumer_cursor(consumer, signal);
    if (!cursor || before <= cursor->at.sequence)
        return 0;
    struct journal_entry e = store_entry(consumer, signal, JOURNAL_LOSS, 0);
    int err = place_of(store, signal, cursor->at, before, &e.loss.before);
    if (err)
        return err;
    e.reason = reason;
    e.loss.digest = walk_rest_digest(store, cursor, signal, e.loss.before.sequence);
    uint64_t lost = cursor->lost[reason];
    err = store_write_and_apply(store, &e);
    if (!err)
        *records = cursor->lost[reason] - lost;
    return err;
}
