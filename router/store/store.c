// SPDX-License-Identifier: Apache-2.0
#include "router/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/store/store_internal.h"

#define SEGMENT_MIN_BYTES (1u << 20)
#define SEGMENT_MAX_BYTES (16u << 20)
#define SEGMENT_SHARE 32u           /* of max_bytes, when nothing is said */
#define SEGMENT_LEAST_BYTES 4096u
#define MAX_BATCH_BYTES (64u << 20)
#define SCRATCH_MAX_BYTES (256u << 20)
#define ALL_SIGNALS ((1u << (STORE_SIGNALS + 1)) - 2)

const char *store_loss_name(enum store_loss reason)
{
    static const char *const names[STORE_LOSS_END] = {
        [STORE_LOSS_SPACE] = "space",         [STORE_LOSS_CORRUPT] = "corrupt",
        [STORE_LOSS_MISSING] = "missing",     [STORE_LOSS_UNSUBSCRIBED] = "unsubscribed",
        [STORE_LOSS_SHARE] = "share",         [STORE_LOSS_GAVE_UP] = "gave up",
    };
    return reason > 0 && reason < STORE_LOSS_END ? names[reason] : "unknown";
}

/* ---- opening and closing ---- */

static uint64_t clamp(uint64_t v, uint64_t low, uint64_t high)
{
    return v < low ? low : v > high ? high : v;
}

static int set_limits(struct store *store, const struct store_options *o, struct store_report *report)
{
    store->max_bytes = o->max_bytes;
    store->segment_bytes =
        o->segment_bytes ? o->segment_bytes
                         : clamp(o->max_bytes / SEGMENT_SHARE, SEGMENT_MIN_BYTES, SEGMENT_MAX_BYTES);
    store->max_batch = o->max_batch_bytes ? o->max_batch_bytes : MAX_BATCH_BYTES;
    if (store->max_batch > o->max_bytes / 2)
        store->max_batch = o->max_bytes / 2;
    if (store->segment_bytes >= SEGMENT_LEAST_BYTES && store->segment_bytes <= store->max_bytes / 2)
        return 0;
    snprintf(report->error, sizeof report->error,
             "a store of %llu bytes cannot have segments of %llu bytes: at least %u, at most half of it",
             (unsigned long long)store->max_bytes, (unsigned long long)store->segment_bytes, SEGMENT_LEAST_BYTES);
    return GW_ERR_INVALID;
}

static struct store *make(const struct store_options *o)
{
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    store->digest = XXH3_createState();
    if (!store->digest) {
        free(store);
        return NULL;
    }
    for (unsigned i = 0; i < STORE_SIGNALS; i++) {
        store->chains[i].signal = i + 1;
        store->chains[i].next_number = 1;
        store->chains[i].next.sequence = 1;
    }
    for (unsigned i = 0; i < JOURNAL_FILES; i++)
        store->journal.files[i].fd = -1;
    store->next_consumer_id = 1;
    store->now_ns = o->now_ns;
    store->log = o->log;
    store->on_retired = o->on_retired;
    store->ctx = o->ctx;
    store->write.scratch = buf_make(SCRATCH_MAX_BYTES);
    return store;
}

static void destroy(struct store *store)
{
    for (uint32_t i = 0; i < store->consumer_count; i++)
        consumer_free(&store->consumers[i]);
    free(store->consumers);
    for (unsigned i = 0; i < STORE_SIGNALS; i++)
        chain_fini(&store->chains[i]);
    ids_fini(&store->ids);
    ids_fini(&store->write.ids);
    buf_free(&store->write.scratch);
    free(store->write.batches);
    free(store->write.pieces);
    free(store->extents);
    XXH3_freeState(store->digest);
    journal_close(&store->journal);
    free(store);
}

static void explain_open(const struct store_options *o, int err, long pid, struct store_report *report)
{
    if (err == GW_ERR_EXISTS)
        snprintf(report->error, sizeof report->error, "%s is in use by the process %ld", o->directory, pid);
    else
        snprintf(report->error, sizeof report->error, "cannot open the store %s: %s", o->directory,
                 err == GW_ERR_IO || err == GW_ERR_FULL ? strerror(errno) : gw_strerror(err));
}

int store_open(const struct store_options *options, struct store **out, struct store_report *report)
{
    *report = (struct store_report){0};
    *out = NULL;
    struct store *store = make(options);
    if (!store)
        return GW_ERR_NOMEM;
    int err = set_limits(store, options, report);
    if (err) {
        destroy(store);
        return err;
    }
    long pid;
    err = dir_open(&store->dir, options->directory, options->hook, options->sync == STORE_SYNC_ALWAYS, &pid);
    if (err) {
        explain_open(options, err, pid, report);
        destroy(store);
        return err;
    }
    err = store_recover(store, report);
    if (err) {
        dir_close(&store->dir);
        destroy(store);
        return err;
    }
    *out = store;
    return 0;
}

void store_close(struct store **store)
{
    struct store *s = *store;
    *store = NULL;
    if (!s)
        return;
    if (journal_flush(&s->journal) != 0)
        log_error(s->log, "store: the last journal entries could not be written");
    dir_close(&s->dir);
    destroy(s);
}

const uint8_t *store_uuid(const struct store *store)
{
    return store->dir.uuid;
}

uint64_t store_generation(const struct store *store)
{
    return store->generation;
}

uint64_t store_max_batch(const struct store *store)
{
    return store->max_batch;
}

uint32_t store_wanted(const struct store *store)
{
    uint32_t signals = 0;
    for (uint32_t i = 0; i < store->consumer_count; i++)
        signals |= store->consumers[i]->signals;
    return signals;
}

int store_directory_fd(const struct store *store)
{
    return store->dir.root;
}

/* ---- consumers ---- */

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
        *e = (struct journal_entry){.type = JOURNAL_LOSS, .consumer = c->id, .signal = signal,
                                    .reason = STORE_LOSS_UNSUBSCRIBED};
        e->loss.before = store_chain(store, signal)->next;
        err = journal_add(&store->journal, e);
    }
    return err;
}

static void describe(struct store *store, const struct store_consumer *c, const char *name, const char *type,
                     uint32_t signals, enum store_mode mode, enum store_start start, struct journal_entry *e)
{
    *e = (struct journal_entry){.type = JOURNAL_CONSUMER, .consumer = c ? c->id : store->next_consumer_id};
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
static int write_registration(struct store *store, const struct store_consumer *c, const struct journal_entry *who)
{
    struct journal_entry losses[STORE_SIGNALS];
    uint32_t count = 0;
    size_t mark = journal_mark(&store->journal);
    int err = c ? add_given_up(store, c, who->who.signals, losses, &count) : 0;
    if (!err)
        err = journal_add(&store->journal, who);
    if (!err)
        err = journal_flush(&store->journal);
    if (err)
        journal_undo(&store->journal, mark);
    for (uint32_t i = 0; i < count && !err; i++)
        err = store_apply(store, &losses[i], true);
    return err ? err : store_apply(store, who, true);
}

int store_consumer_register(struct store *store, const char *name, const char *type, uint32_t signals,
                            enum store_mode mode, enum store_start start, struct store_consumer **out)
{
    *out = NULL;
    if (!name[0] || strlen(name) > STORE_NAME_MAX_BYTES || strlen(type) > STORE_NAME_MAX_BYTES || !signals ||
        signals & ~ALL_SIGNALS || mode < STORE_LIVE || mode > STORE_LOSSY || start > STORE_OLDEST)
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

int store_consumer_unregister(struct store *store, struct store_consumer *consumer)
{
    struct journal_entry e = {.type = JOURNAL_GONE, .consumer = consumer->id};
    int err = journal_add(&store->journal, &e);
    store_consumer_remove(store, consumer);
    return err ? err : journal_flush(&store->journal);
}

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
    *x = (struct store_extent){.sequence = sequence, .segment = s->info.number, .seed = s->info.seed,
                               .offset = e->offset, .checksum = e->checksum, .received_ns = e->received_ns,
                               .length = e->length, .records = e->records, .stream = e->stream};
}

/* A batch's segment with its index. GW_ERR_CORRUPT: the batch cannot be produced. */
static int find_batch(struct store *store, unsigned signal, uint64_t sequence, struct segment **segment,
                      struct segment_entry **entry)
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

int store_group_extents(struct store *store, struct store_consumer *consumer, unsigned signal, uint64_t first,
                        const struct store_extent **out, size_t *count)
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

static void mark_damaged(struct store *store, unsigned signal, uint64_t sequence, struct segment_entry *entry)
{
    if (!(entry->flags & SEGMENT_QUARANTINED))
        store->quarantined++;
    entry->flags |= SEGMENT_QUARANTINED;
    log_error(store->log, "store: batch %llu of %s is damaged and can not be delivered", (unsigned long long)sequence,
              dir_signal_name(signal));
}

int store_read(struct store *store, unsigned signal, const struct store_extent *extent, uint8_t *into)
{
    if (!store_is_signal(signal))
        return GW_ERR_NOT_FOUND;
    struct segment *s;
    struct segment_entry *entry;
    int err = find_batch(store, signal, extent->sequence, &s, &entry);
    if (err)
        return err;
    if (s->info.number != extent->segment || entry->offset != extent->offset || entry->length != extent->length)
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

/* Receive time of the oldest pending batch: the first of the first pending group, or of what is in no group. */
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

int store_consumer_counts(struct store *store, const struct store_consumer *consumer, unsigned signal,
                          struct store_counts *out)
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
