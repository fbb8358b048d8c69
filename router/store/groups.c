// SPDX-License-Identifier: Apache-2.0
/* Deliveries: formed, handed out, answered. The journal knows a group before anybody else does. */
#include <stdlib.h>
#include <string.h>

#include "router/store/le.h"
#include "router/store/store_internal.h"

/* ---- walking over batches ---- */

enum walk_found {
    WALK_BATCH,
    WALK_DAMAGED, /* a quarantined batch */
    WALK_HOLE,    /* no batch: walk.next is where the log goes on */
    WALK_END,
};

struct walk {
    struct store *store;
    struct chain *chain;
    struct position at;
    struct position next; /* behind what was found */
    struct segment *segment;
    const struct segment_entry *entry;
};

static struct walk walk_from(struct store *store, unsigned signal, struct position at)
{
    return (struct walk){.store = store, .chain = store_chain(store, signal), .at = at};
}

/* What stands at walk->at: an enum walk_found, or a negative error. Stepping on: walk->at = walk->next. */
static int walk_look(struct walk *w)
{
    if (w->at.sequence >= w->chain->next.sequence)
        return WALK_END;
    if (!w->segment || w->at.sequence >= w->segment->next.sequence ||
        w->at.sequence < w->segment->info.base.sequence) {
        w->segment = chain_find(w->chain, w->at.sequence, &w->next);
        if (!w->segment)
            return WALK_HOLE;
        int err = space_load(w->store, w->segment);
        if (err == GW_ERR_NOT_FOUND || err == GW_ERR_CORRUPT) {
            w->next = w->segment->next; /* the file is gone, or is ours no more */
            w->segment = NULL;
            return WALK_HOLE;
        }
        if (err)
            return err;
    }
    w->entry = &w->segment->index[w->at.sequence - w->segment->info.base.sequence];
    w->next = position_after(w->at, w->entry->records, w->entry->length);
    return w->entry->flags & SEGMENT_QUARANTINED ? WALK_DAMAGED : WALK_BATCH;
}

static void digest_begin(struct store *store)
{
    XXH3_64bits_reset(store->digest);
}

static void digest_add(struct store *store, const struct segment_entry *entry)
{
    uint8_t sum[8];
    le_put_u64(sum, entry->checksum);
    XXH3_64bits_update(store->digest, sum, sizeof sum);
}

int store_digest(struct store *store, unsigned signal, struct position from, uint64_t next, uint64_t *digest)
{
    struct walk w = walk_from(store, signal, from);
    digest_begin(store);
    for (; w.at.sequence < next; w.at = w.next) {
        int found = walk_look(&w);
        if (found < 0)
            return found;
        if (found != WALK_BATCH)
            return GW_ERR_CORRUPT;
        digest_add(store, w.entry);
    }
    *digest = XXH3_64bits_digest(store->digest);
    return 0;
}

uint64_t store_rest_digest(struct store *store, const struct cursor *cursor, unsigned signal, uint64_t before)
{
    for (uint32_t i = 0; i < cursor->count; i++) {
        const struct group *g = &cursor->groups[i];
        if (g->state == GROUP_DONE || g->start.sequence >= before || g->next.sequence <= before)
            continue;
        uint64_t digest = 0;
        struct position from = {before, 0, 0};
        return store_digest(store, signal, from, g->next.sequence, &digest) == 0 ? digest : 0;
    }
    return 0;
}

/* ---- small steps with the journal ---- */

/* Queues the entry and makes it so. On error neither has happened. */
static int queue_and_apply(struct store *store, const struct journal_entry *entry)
{
    size_t mark = journal_mark(&store->journal);
    int err = journal_add(&store->journal, entry);
    if (!err) {
        err = store_apply(store, entry, true);
        if (err)
            journal_undo(&store->journal, mark);
    }
    return err;
}

/* Writes the entry, then makes it so. */
static int write_and_apply(struct store *store, const struct journal_entry *entry)
{
    size_t mark = journal_mark(&store->journal);
    int err = journal_add(&store->journal, entry);
    if (!err)
        err = journal_flush(&store->journal);
    if (err) {
        journal_undo(&store->journal, mark);
        return err;
    }
    return store_apply(store, entry, true);
}

static struct journal_entry entry_for(const struct store_consumer *c, unsigned signal, enum journal_type type,
                                      uint64_t first)
{
    return (struct journal_entry){.type = type, .consumer = c->id, .signal = signal, .first = first};
}

static void show(const struct group *g, struct store_group *out)
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
    digest_begin(store);
    while (found == WALK_BATCH) {
        digest_add(store, w->entry);
        w->at = w->next;
        found = w->at.sequence < end ? walk_look(w) : WALK_END;
    }
    int err = found < 0 ? found : add_piece(p, w->at, false);
    if (!err)
        p->list[p->count - 1].digest = XXH3_64bits_digest(store->digest);
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

/* All of it is there, but with other bytes than the journal says: its id must not be used for them. The first batch
 * goes alone then, so that all ids are new; of a single batch nothing is left to be sure of. */
static int divide_anew(struct store *store, unsigned signal, const struct group *g, struct pieces *p)
{
    struct walk w = walk_from(store, signal, g->start);
    p->count = 0;
    if (g->next.sequence - g->start.sequence == 1)
        return add_piece(p, g->next, true);
    int found = walk_look(&w);
    int err = found == WALK_BATCH ? add_good_piece(store, &w, g->start.sequence + 1, p) : GW_ERR_CORRUPT;
    if (!err)
        err = walk_look(&w) == WALK_BATCH ? add_good_piece(store, &w, g->next.sequence, p) : GW_ERR_CORRUPT;
    return err;
}

/* The id can no longer stand for the same bytes: it is retired, what is left goes out under new ones. */
static int retire(struct store *store, struct store_consumer *c, unsigned signal, const struct group *g)
{
    struct pieces p = {0};
    int err = divide(store, signal, g, &p);
    if (!err && p.count == 1 && !p.list[0].lost)
        err = divide_anew(store, signal, g, &p);
    struct journal_entry e = entry_for(c, signal, JOURNAL_REPLACE, g->start.sequence);
    e.reason = p.hole ? STORE_LOSS_MISSING : STORE_LOSS_CORRUPT;
    e.replace.pieces = p.list;
    e.replace.count = p.count;
    if (!err)
        err = write_and_apply(store, &e);
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

/* The oldest group that waits, retiring those that cannot be produced. GW_ERR_NOT_FOUND: none waits. */
static int next_waiting(struct store *store, struct store_consumer *c, unsigned signal, struct cursor *cursor,
                        struct group **out)
{
    int err = 0;
    while (!err && (*out = first_waiting(cursor))) {
        struct group *g = *out;
        uint64_t digest = 0;
        err = store_digest(store, signal, g->start, g->next.sequence, &digest);
        if (!err && digest == g->digest) {
            struct journal_entry e = entry_for(c, signal, JOURNAL_ATTEMPT, g->start.sequence);
            e.attempts = g->attempts + 1;
            return queue_and_apply(store, &e);
        }
        if (!err || err == GW_ERR_CORRUPT)
            err = retire(store, c, signal, g);
    }
    return err ? err : GW_ERR_NOT_FOUND;
}

/* ---- forming ---- */

/* Batches that can never be delivered, right behind the last group: a group that is lost at once. */
static int pass_damage(struct store *store, struct store_consumer *c, unsigned signal, struct cursor *cursor)
{
    int err = 0;
    while (!err) {
        struct walk w = walk_from(store, signal, cursor->next);
        int found = walk_look(&w);
        if (found == WALK_BATCH || found == WALK_END)
            return 0;
        if (found < 0)
            return found;
        struct journal_entry e = entry_for(c, signal, JOURNAL_GROUP, 0);
        e.group = (struct group){.start = cursor->next, .next = w.next, .generation = store->generation};
        err = queue_and_apply(store, &e);
        e = entry_for(c, signal, JOURNAL_LOST, e.group.start.sequence);
        e.reason = found == WALK_HOLE ? STORE_LOSS_MISSING : STORE_LOSS_CORRUPT;
        if (!err)
            err = queue_and_apply(store, &e);
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

static bool reached(const struct forming *f, struct position start, const struct store_wishes *wishes)
{
    return (wishes->max_records && f->walk.at.records - start.records >= wishes->max_records) ||
           (wishes->max_bytes && f->walk.at.bytes - start.bytes >= wishes->max_bytes);
}

/* Takes batches as long as they fit; the first one always does. Returns 0 or an error. */
static int gather(struct store *store, unsigned signal, struct position start, const struct store_wishes *wishes,
                  struct forming *f)
{
    *f = (struct forming){.walk = walk_from(store, signal, start)};
    digest_begin(store);
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
        digest_add(store, f->walk.entry);
    }
}

static int form(struct store *store, struct store_consumer *c, unsigned signal, struct cursor *cursor,
                const struct store_wishes *wishes, struct group **out)
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
    struct journal_entry e = entry_for(c, signal, JOURNAL_GROUP, 0);
    e.group = (struct group){.start = start, .next = f.walk.at, .generation = f.generation,
                             .digest = XXH3_64bits_digest(store->digest), .attempts = 1};
    err = queue_and_apply(store, &e);
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
    /* A group that cannot be written stays waiting, and is written before it is handed out some other time. */
    if (!err)
        err = journal_flush(&store->journal);
    if (err)
        return err;
    g->state = GROUP_SENT;
    show(g, out);
    return 0;
}

/* ---- what becomes of them ---- */

static struct group *find(struct store_consumer *c, unsigned signal, uint64_t first)
{
    struct cursor *cursor = consumer_cursor(c, signal);
    return cursor ? cursor_find(cursor, first) : NULL;
}

int store_group_find(struct store *store, struct store_consumer *consumer, unsigned signal, uint64_t first,
                     struct store_group *out)
{
    (void)store;
    const struct group *g = find(consumer, signal, first);
    if (!g)
        return GW_ERR_NOT_FOUND;
    show(g, out);
    return 0;
}

int store_group_hold(struct store *store, struct store_consumer *consumer, unsigned signal, uint64_t first,
                     uint64_t last)
{
    (void)store;
    struct group *g = find(consumer, signal, first);
    if (!g || g->next.sequence - 1 != last)
        return GW_ERR_NOT_FOUND;
    g->state = GROUP_SENT;
    return 0;
}

int store_group_release(struct store *store, struct store_consumer *consumer, unsigned signal, uint64_t first)
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

int store_group_done(struct store *store, struct store_consumer *consumer, unsigned signal, uint64_t first,
                     uint64_t rejected)
{
    struct journal_entry e = entry_for(consumer, signal, JOURNAL_DONE, first);
    e.rejected = rejected;
    return queue_and_apply(store, &e);
}

int store_group_lost(struct store *store, struct store_consumer *consumer, unsigned signal, uint64_t first,
                     enum store_loss reason)
{
    struct journal_entry e = entry_for(consumer, signal, JOURNAL_LOST, first);
    e.reason = reason;
    return queue_and_apply(store, &e);
}

int store_group_progress(struct store *store, struct store_consumer *consumer, unsigned signal, uint64_t first,
                         struct slice note)
{
    if (note.len > STORE_NOTE_MAX_BYTES)
        return GW_ERR_TOO_LARGE;
    struct journal_entry e = entry_for(consumer, signal, JOURNAL_NOTE, first);
    e.note = note;
    return queue_and_apply(store, &e);
}

/* The place before batch `sequence`, which is not before `from`: needed where nothing but its number is known. */
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

int store_skip(struct store *store, struct store_consumer *consumer, unsigned signal, uint64_t before,
               enum store_loss reason, uint64_t *records)
{
    *records = 0;
    struct cursor *cursor = consumer_cursor(consumer, signal);
    if (!cursor || before <= cursor->at.sequence)
        return 0;
    struct journal_entry e = entry_for(consumer, signal, JOURNAL_LOSS, 0);
    int err = place_of(store, signal, cursor->at, before, &e.loss.before);
    if (err)
        return err;
    e.reason = reason;
    e.loss.digest = store_rest_digest(store, cursor, signal, e.loss.before.sequence);
    uint64_t lost = cursor->lost[reason];
    err = write_and_apply(store, &e);
    if (!err)
        *records = cursor->lost[reason] - lost;
    return err;
}
