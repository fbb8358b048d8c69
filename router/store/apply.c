// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "router/store/store_internal.h"

struct store_consumer *store_consumer_by_id(struct store *store, uint32_t id)
{
    for (uint32_t i = 0; i < store->consumer_count; i++) {
        if (store->consumers[i]->id == id)
            return store->consumers[i];
    }
    return NULL;
}

void store_consumer_remove(struct store *store, struct store_consumer *consumer)
{
    uint32_t i = 0;
    while (i < store->consumer_count && store->consumers[i] != consumer)
        i++;
    if (i == store->consumer_count)
        return;
    store->consumer_count--;
    memmove(store->consumers + i, store->consumers + i + 1,
            (store->consumer_count - i) * sizeof(struct store_consumer *));
    consumer_free(&consumer);
}

static struct store_consumer *add_consumer(struct store *store, uint32_t id)
{
    if (store->consumer_count == store->consumer_cap) {
        uint32_t cap = store->consumer_cap ? store->consumer_cap * 2 : 8;
        struct store_consumer **more =
            realloc(store->consumers, cap * sizeof(struct store_consumer *));
        if (!more)
            return NULL;
        store->consumers = more;
        store->consumer_cap = cap;
    }
    struct store_consumer *c = consumer_new(id);
    if (!c)
        return NULL;
    store->consumers[store->consumer_count++] = c;
    if (id >= store->next_consumer_id)
        store->next_consumer_id = id + 1;
    return c;
}

static void copy_text(char *to, struct slice text)
{
    memcpy(to, text.data, text.len);
    to[text.len] = '\0';
}

static int apply_who(struct store *store, const struct journal_entry *e)
{
    if (!e->who.name.len || e->who.mode < STORE_LIVE || e->who.mode > STORE_LOSSY)
        return GW_ERR_INVALID;
    struct store_consumer *c = store_consumer_by_id(store, e->consumer);
    if (!c)
        c = add_consumer(store, e->consumer);
    if (!c)
        return GW_ERR_NOMEM;
    copy_text(c->name, e->who.name);
    copy_text(c->type, e->who.type);
    c->mode = e->who.mode;
    c->signals = e->who.signals;
    for (unsigned i = 0; i < STORE_SIGNALS; i++) {
        struct cursor *cursor = &c->cursors[i];
        if (e->who.begun >> (i + 1) & 1) {
            cursor_clear(cursor);
            *cursor = e->who.cursors[i];
        }
        cursor->active = c->signals >> (i + 1) & 1;
    }
    return 0;
}

static int apply_replace(struct cursor *cursor, const struct journal_entry *e,
                         cursor_retired_fn retired, void *ctx)
{
    const struct group_piece *pieces = e->replace.pieces;
    struct group_piece *read = NULL;
    if (!pieces) {
        read = calloc(e->replace.count ? e->replace.count : 1, sizeof *read);
        if (!read)
            return GW_ERR_NOMEM;
        for (uint32_t i = 0; i < e->replace.count; i++)
            journal_piece_get(e, i, &read[i]);
        pieces = read;
    }
    int err = cursor_replace(cursor, e->first, pieces, e->replace.count, e->reason, retired, ctx);
    free(read);
    return err;
}

/* For on_retired: which consumer and signal the group belongs to. */
struct retiring {
    struct store *store;
    struct store_consumer *consumer;
    unsigned signal;
};

static void tell_retired(void *ctx, const struct group *group)
{
    struct retiring *r = ctx;
    if (r->store->on_retired && group->attempts)
        r->store->on_retired(r->store->ctx, r->consumer, r->signal, group->start.sequence,
                             group->next.sequence - 1);
}

static int apply_to_cursor(struct cursor *cursor, const struct journal_entry *e,
                           cursor_retired_fn retired, void *ctx)
{
    uint64_t records;
    struct group *g;
    switch (e->type) {
    case JOURNAL_GROUP:
        return cursor_push(cursor, &e->group);
    case JOURNAL_DONE:
        return cursor_done(cursor, e->first, e->rejected) ? 0 : GW_ERR_NOT_FOUND;
    case JOURNAL_LOST:
        return cursor_lose_group(cursor, e->first, e->reason) ? 0 : GW_ERR_NOT_FOUND;
    case JOURNAL_NOTE:
        return cursor_note(cursor, e->first, e->note.data, (uint32_t)e->note.len);
    case JOURNAL_ATTEMPT:
        g = cursor_find(cursor, e->first);
        if (!g)
            return GW_ERR_NOT_FOUND;
        g->attempts = e->attempts;
        return 0;
    case JOURNAL_LOSS:
        return cursor_lose(cursor, e->loss.before, e->loss.digest, e->reason, retired, ctx,
                           &records)
                   ? 0
                   : GW_ERR_NOMEM;
    case JOURNAL_REPLACE:
        return apply_replace(cursor, e, retired, ctx);
    default:
        return GW_ERR_INVALID;
    }
}

int store_apply(struct store *store, const struct journal_entry *entry, bool live)
{
    if (entry->type == JOURNAL_GENERATION) {
        if (entry->generation.number > store->generation)
            store->generation = entry->generation.number;
        return 0;
    }
    if (entry->type == JOURNAL_CONSUMER)
        return apply_who(store, entry);
    struct store_consumer *c = store_consumer_by_id(store, entry->consumer);
    if (!c)
        return GW_ERR_NOT_FOUND;
    if (entry->type == JOURNAL_GONE) {
        store_consumer_remove(store, c);
        return 0;
    }
    struct cursor *cursor = consumer_cursor(c, entry->signal);
    if (!cursor)
        return GW_ERR_NOT_FOUND;
    struct retiring retiring = {store, c, entry->signal};
    return apply_to_cursor(cursor, entry, live ? tell_retired : NULL, &retiring);
}

int store_apply_read(void *ctx, const struct journal_entry *entry)
{
    return store_apply(ctx, entry, false);
}

int store_queue_and_apply(struct store *store, const struct journal_entry *entry)
{
    struct journal_mark mark = journal_mark(&store->journal);
    int err = journal_add(&store->journal, entry);
    if (!err) {
        err = store_apply(store, entry, true);
        if (err)
            journal_undo(&store->journal, mark);
    }
    return err;
}

int store_write_and_apply(struct store *store, const struct journal_entry *entry)
{
    store_land_journal(store);
    struct journal_mark mark = journal_mark(&store->journal);
    int err = journal_add(&store->journal, entry);
    if (!err)
        err = store_flush(store);
    if (err) {
        journal_undo(&store->journal, mark);
        return err;
    }
    return store_apply(store, entry, true);
}

static int snapshot_groups(const struct store_consumer *c, unsigned signal, struct buf *out)
{
    const struct cursor *cursor = &c->cursors[signal - 1];
    int err = 0;
    for (uint32_t i = 0; i < cursor->count && !err; i++) {
        const struct group *g = &cursor->groups[i];
        struct journal_entry e = {
            .type = JOURNAL_GROUP, .consumer = c->id, .signal = signal, .group = *g};
        err = journal_entry_put(out, &e);
        if (err || !g->note)
            continue;
        struct journal_entry note = {.type = JOURNAL_NOTE,
                                     .consumer = c->id,
                                     .signal = signal,
                                     .first = g->start.sequence,
                                     .note = {g->note, g->note_bytes}};
        err = journal_entry_put(out, &note);
    }
    return err;
}

static int snapshot_consumer(const struct store_consumer *c, struct buf *out)
{
    struct journal_entry e = {.type = JOURNAL_CONSUMER, .consumer = c->id};
    e.who.mode = c->mode;
    e.who.signals = c->signals;
    e.who.begun = (1u << (STORE_SIGNALS + 1)) - 2; /* counters of signals that were given up, too */
    e.who.name = slice_of(c->name);
    e.who.type = slice_of(c->type);
    memcpy(e.who.cursors, c->cursors, sizeof e.who.cursors);
    int err = 0;
    for (unsigned i = 0; i < STORE_REGISTRATION_COPIES && !err; i++)
        err = journal_entry_put(out, &e);
    for (unsigned signal = 1; signal <= STORE_SIGNALS && !err; signal++)
        err = snapshot_groups(c, signal, out);
    return err;
}

int store_snapshot(void *ctx, struct buf *out)
{
    struct store *store = ctx;
    struct journal_entry e = {.type = JOURNAL_GENERATION};
    e.generation.number = store->generation;
    e.generation.now_ns = store->now_ns;
    int err = journal_entry_put(out, &e);
    for (uint32_t i = 0; i < store->consumer_count && !err; i++)
        err = snapshot_consumer(store->consumers[i], out);
    return err;
}
