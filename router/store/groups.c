// SPDX-License-Identifier: Apache-2.0
/* Deliveries on their way out: handed out again, or formed. The journal knows a group before
 * anybody else does. */
#include <stdlib.h>

#include "router/store/walk.h"

/* ---- handing out again ---- */

struct pieces {
    struct group_piece *list;
    uint32_t count, cap;
    bool hole; /* some of the lost batches are not there at all */
};

static int add_piece(struct pieces *p, struct position next, bool lost)
{
    if (p->count && p->list[p->count - 1].lost && lost) {
        p->list[p->count - 1].next = next;
        return 0;
    }
    if (p->count == p->cap) {
        uint32_t cap = p->cap ? p->cap * 2 : 8;
        struct group_piece *list = realloc(p->list, cap * sizeof *list);
        if (!list)
            return GW_ERR_NOMEM;
        p->list = list;
        p->cap = cap;
    }
    p->list[p->count++] = (struct group_piece){.next = next, .lost = lost};
    return 0;
}

/* The run of good batches from w->at on, ending before `end`, as a piece. */
static int add_good_piece(struct store *store, struct walk *w, uint64_t end, struct pieces *p)
{
    int found = WALK_BATCH;
    walk_digest_begin(store);
    while (found == WALK_BATCH) {
        walk_digest_add(store, w->entry);
        w->at = w->next;
        found = w->at.sequence < end ? walk_look(w) : WALK_END;
    }
    int err = found < 0 ? found : add_piece(p, w->at, false);
    if (!err)
        p->list[p->count - 1].digest = walk_digest_end(store);
    return err;
}

/* Divides a group into what is still there and what is not. */
static int divide(struct store *store, unsigned signal, const struct group *g, struct pieces *p)
{
    struct walk w = walk_from(store, signal, g->start);
    int err = 0;
    while (!err && w.at.sequence < g->next.sequence) {
        int found = walk_look(&w);
        if (found < 0)
            return found;
        if (found == WALK_BATCH) {
            err = add_good_piece(store, &w, g->next.sequence, p);
            continue;
        }
        p->hole |= found != WALK_DAMAGED;
        if (found == WALK_END || w.next.sequence > g->next.sequence)
            w.next = g->next;
        w.at = w.next;
        err = add_piece(p, w.at, true);
    }
    return err;
}

/* All of it is there, but with other bytes than the journal says: its id must not be used for them.
 * The first batch goes alone then, so that all ids are new; of a single batch nothing is left to be
 * sure of. */
static int divide_anew(struct store *store, unsigned signal, const struct group *g,
                       struct pieces *p)
{
    struct walk w = walk_from(store, signal, g->start);
    p->count = 0;
    if (g->next.sequence - g->start.sequence == 1)
        return add_piece(p, g->next, true);
    int found = walk_look(&w);
    int err =
        found == WALK_BATCH ? add_good_piece(store, &w, g->start.sequence + 1, p) : GW_ERR_CORRUPT;
    if (!err)
        err = walk_look(&w) == WALK_BATCH ? add_good_piece(store, &w, g->next.sequence, p)
                                          : GW_ERR_CORRUPT;
    return err;
}

/* The id can no longer stand for the same bytes: it is retired, what is left goes out under new
 * ones. */
static int retire(struct store *store, struct store_consumer *c, unsigned signal,
                  const struct group *g)
{
    struct pieces p = {0};
    int err = divide(store, signal, g, &p);
    if (!err && p.count == 1 && !p.list[0].lost)
        err = divide_anew(store, signal, g, &p);
    struct journal_entry e = store_entry(c, signal, JOURNAL_REPLACE, g->start.sequence);
    e.reason = p.hole ? STORE_LOSS_MISSING : STORE_LOSS_CORRUPT;
    e.replace.pieces = p.list;
    e.replace.count = p.count;
    if (!err)
        err = store_write_and_apply(store, &e);
    free(p.list);
    return err;
}

static struct group *first_waiting(struct cursor *cursor)
{
    for (uint32_t i = 0; i < cursor->count; i++) {
        if (cursor->groups[i].state == GROUP_WAITING)
            return &cursor->groups[i];
    }
    return NULL;
}

/* The oldest group that waits, retiring those that cannot be produced. GW_ERR_NOT_FOUND: none
 * waits. */
static int next_waiting(struct store *store, struct store_consumer *c, unsigned signal,
                        struct cursor *cursor, struct group **out)
{
    int err = 0;
    while (!err && (*out = first_waiting(cursor))) {
        struct group *g = *out;
        uint64_t digest = 0;
        err = walk_digest(store, signal, g->start, g->next.sequence, &digest);
        if (!err && digest == g->digest) {
            struct journal_entry e = store_entry(c, signal, JOURNAL_ATTEMPT, g->start.sequence);
            e.attempts = g->attempts + 1;
            return store_queue_and_apply(store, &e);
        }
        if (!err || err == GW_ERR_CORRUPT)
            err = retire(store, c, signal, g);
    }
    return err ? err : GW_ERR_NOT_FOUND;
}

/* ---- forming ---- */

/* Batches behind the last group that can never be delivered: a group that is lost at once. */
static int pass_damage(struct store *store, struct store_consumer *c, unsigned signal,
                       struct cursor *cursor)
{
    int err = 0;
    while (!err) {
        struct walk w = walk_from(store, signal, cursor->next);
        int found = walk_look(&w);
        if (found == WALK_BATCH || found == WALK_END)
            return 0;
        if (found < 0)
            return found;
        struct journal_entry e = store_entry(c, signal, JOURNAL_GROUP, 0);
        e.group =
            (struct group){.start = cursor->next, .next = w.next, .generation = store->generation};
        err = store_queue_and_apply(store, &e);
        e = store_entry(c, signal, JOURNAL_LOST, e.group.start.sequence);
        e.reason = found == WALK_HOLE ? STORE_LOSS_MISSING : STORE_LOSS_CORRUPT;
        if (!err)
            err = store_queue_and_apply(store, &e);
    }
    return err;
}

/* How a group that begins at cursor->next comes out. */
struct forming {
    struct walk walk; /* at: behind its last batch */
    uint64_t generation;
    bool closed; /* nothing that comes later can join it */
};

static bool over(const struct forming *f, struct position start, const struct store_wishes *wishes)
{
    return (wishes->max_records && f->walk.next.records - start.records > wishes->max_records) ||
           (wishes->max_bytes && f->walk.next.bytes - start.bytes > wishes->max_bytes) ||
           f->walk.next.sequence - start.sequence > STORE_GROUP_BATCHES_MAX ||
           f->walk.next.bytes - start.bytes > STORE_SENT_MAX_BYTES;
}

static bool reached(const struct forming *f, struct position start,
                    const struct store_wishes *wishes)
{
    return (wishes->max_records && f->walk.at.records - start.records >= wishes->max_records) ||
           (wishes->max_bytes && f->walk.at.bytes - start.bytes >= wishes->max_bytes);
}

/* Takes batches as long as they fit; the first one always does. Returns 0 or an error. */
static int gather(struct store *store, unsigned signal, struct position start,
                  const struct store_wishes *wishes, struct forming *f)
{
    *f = (struct forming){.walk = walk_from(store, signal, start)};
    walk_digest_begin(store);
    for (;; f->walk.at = f->walk.next) {
        bool first = f->walk.at.sequence == start.sequence;
        if (!first && reached(f, start, wishes)) {
            f->closed = true;
            return 0;
        }
        int found = walk_look(&f->walk);
        if (found < 0)
            return found;
        if (found == WALK_END) {
            f->closed = f->generation != store->generation;
            return 0;
        }
        if (first && found == WALK_BATCH)
            f->generation = f->walk.segment->info.generation;
        if (found != WALK_BATCH || f->walk.segment->info.generation != f->generation ||
            (!first && over(f, start, wishes))) {
            f->closed = true;
            return 0;
        }
        walk_digest_add(store, f->walk.entry);
    }
}

static int form(struct store *store, struct store_consumer *c, unsigned signal,
                struct cursor *cursor, const struct store_wishes *wishes, struct group **out)
{
    int err = pass_damage(store, c, signal, cursor);
    struct position start = cursor->next;
    if (err)
        return err;
    if (start.sequence >= store_chain(store, signal)->next.sequence)
        return GW_ERR_NOT_FOUND;
    if (cursor->count >= STORE_GROUPS_MAX)
        return GW_ERR_FULL;
    struct forming f;
    err = gather(store, signal, start, wishes, &f);
    if (err)
        return err;
    if (!f.closed && !wishes->linger_over)
        return GW_ERR_AGAIN;
    if (cursor->count && f.walk.at.bytes - cursor->at.bytes > STORE_SENT_MAX_BYTES)
        return GW_ERR_FULL;
    struct journal_entry e = store_entry(c, signal, JOURNAL_GROUP, 0);
    e.group = (struct group){.start = start,
                             .next = f.walk.at,
                             .generation = f.generation,
                             .digest = walk_digest_end(store),
                             .attempts = 1};
    err = store_queue_and_apply(store, &e);
    *out = err ? NULL : cursor_find(cursor, start.sequence);
    return err;
}

int store_group_next(struct store *store, struct store_consumer *consumer, unsigned signal,
                     const struct store_wishes *wishes, struct store_group *out)
{
    struct cursor *cursor = consumer_cursor(consumer, signal);
    struct group *g = NULL;
    if (!cursor)
        return GW_ERR_NOT_FOUND;
    int err = next_waiting(store, consumer, signal, cursor, &g);
    if (err == GW_ERR_NOT_FOUND)
        err = form(store, consumer, signal, cursor, wishes, &g);
    /* Where writing waits for the device, the thread does it, and the caller waits with sending. A
     * group that cannot be written stays waiting, and is written before it is handed out some other
     * time. */
    if (!err && !(store->syncer && store->sync == STORE_SYNC_ALWAYS))
        err = store_flush(store);
    if (err)
        return err;
    g->state = GROUP_SENT;
    store_show_group(g, out);
    out->ticket = store_ticket(store);
    return 0;
}
