// SPDX-License-Identifier: Apache-2.0
/* Consumers: registered, brought up to date, removed. */
#include <string.h>

#include "router/store/store_internal.h"

#define ALL_SIGNALS ((1u << (STORE_SIGNALS + 1)) - 2)

struct store_consumer *store_consumer_find(struct store *store, const char *name)
{
    for (uint32_t i = 0; i < store->consumer_count; i++) {
        if (strcmp(store->consumers[i]->name, name) == 0)
            return store->consumers[i];
    }
    return NULL;
}

struct store_consumer *store_consumer_at(struct store *store, size_t i)
{
    return i < store->consumer_count ? store->consumers[i] : NULL;
}

const char *store_consumer_name(const struct store_consumer *consumer)
{
    return consumer->name;
}

const char *store_consumer_type(const struct store_consumer *consumer)
{
    return consumer->type;
}

enum store_mode store_consumer_mode(const struct store_consumer *consumer)
{
    return consumer->mode;
}

uint32_t store_consumer_signals(const struct store_consumer *consumer)
{
    return consumer->signals;
}

/* Losses for the signals that the consumer takes and `signals` does not name. */
static int add_given_up(struct store *store, const struct store_consumer *c, uint32_t signals,
                        struct journal_entry *losses, uint32_t *count)
{
    int err = 0;
    *count = 0;
    for (unsigned signal = 1; signal <= STORE_SIGNALS && !err; signal++) {
        if (!(c->signals & ~signals & 1u << signal))
            continue;
        struct journal_entry *e = &losses[(*count)++];
        *e = (struct journal_entry){.type = JOURNAL_LOSS,
                                    .consumer = c->id,
                                    .signal = signal,
                                    .reason = STORE_LOSS_UNSUBSCRIBED};
        e->loss.before = store_chain(store, signal)->next;
        err = journal_add(&store->journal, e);
    }
    return err;
}

static void describe(struct store *store, const struct store_consumer *c, const char *name,
                     const char *type, uint32_t signals, enum store_mode mode,
                     enum store_start start, struct journal_entry *e)
{
    *e = (struct journal_entry){.type = JOURNAL_CONSUMER,
                                .consumer = c ? c->id : store->next_consumer_id};
    e->who.mode = mode;
    e->who.signals = signals;
    e->who.begun = c ? signals & ~c->signals : signals;
    e->who.name = slice_of(name);
    e->who.type = slice_of(type);
    for (unsigned i = 0; i < STORE_SIGNALS; i++) {
        if (!(e->who.begun >> (i + 1) & 1))
            continue;
        if (c) { /* a signal taken up again goes on with its counters */
            e->who.cursors[i] = c->cursors[i];
            e->who.cursors[i].groups = NULL;
            e->who.cursors[i].count = e->who.cursors[i].cap = 0;
        }
        cursor_begin(&e->who.cursors[i],
                     start == STORE_NOW ? store->chains[i].next : chain_oldest(&store->chains[i]));
    }
}

/* Everything in the journal before anything in memory. */
static int write_registration(struct store *store, const struct store_consumer *c,
                              const struct journal_entry *who)
{
    struct journal_entry losses[STORE_SIGNALS];
    uint32_t count = 0;
    store_land_journal(store);
    struct journal_mark mark = journal_mark(&store->journal);
    int err = c ? add_given_up(store, c, who->who.signals, losses, &count) : 0;
    for (unsigned i = 0; i < STORE_REGISTRATION_COPIES && !err; i++)
        err = journal_add(&store->journal, who);
    if (!err)
        err = store_flush(store);
    if (err)
        journal_undo(&store->journal, mark);
    for (uint32_t i = 0; i < count && !err; i++)
        err = store_apply(store, &losses[i], true);
    return err ? err : store_apply(store, who, true);
}

int store_consumer_register(struct store *store, const char *name, const char *type,
                            uint32_t signals, enum store_mode mode, enum store_start start,
                            struct store_consumer **out)
{
    *out = NULL;
    if (!name[0] || strlen(name) > STORE_NAME_MAX_BYTES || strlen(type) > STORE_NAME_MAX_BYTES ||
        !signals || signals & ~ALL_SIGNALS || mode < STORE_LIVE || mode > STORE_LOSSY ||
        start > STORE_OLDEST)
        return GW_ERR_INVALID;
    struct store_consumer *c = store_consumer_find(store, name);
    if (!c || c->signals != signals || c->mode != mode || strcmp(c->type, type) != 0) {
        struct journal_entry who;
        describe(store, c, name, type, signals, mode, start, &who);
        int err = write_registration(store, c, &who);
        if (err)
            return err;
        c = store_consumer_by_id(store, who.consumer);
    }
    *out = c;
    return 0;
}

void store_consumer_set_share(struct store *store, struct store_consumer *consumer,
                              uint64_t max_lag_bytes, bool refuse_when_full)
{
    (void)store;
    consumer->max_lag_bytes = max_lag_bytes;
    consumer->refuse_when_full = refuse_when_full;
}

int store_consumer_unregister(struct store *store, struct store_consumer *consumer)
{
    struct journal_entry e = {.type = JOURNAL_GONE, .consumer = consumer->id};
    int err = journal_add(&store->journal, &e);
    store_consumer_remove(store, consumer);
    return err ? err : store_flush(store);
}
