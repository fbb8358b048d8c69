// SPDX-License-Identifier: Apache-2.0
/* A whole life of a store (registration, batches, groups, notes, verdicts, full store, compaction of
 * the journal, a restart), lived by a child that may end at any step. What it was promised stands in
 * shared memory; the parent opens the store and holds it to that. */
#ifndef MASQUES_TESTS_STORE_LIFE_H
#define MASQUES_TESTS_STORE_LIFE_H

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store_fixture.h"

#define NUMBERS 400u
#define GROUPS 600u
#define DIED 77
#define LIMIT_BYTES (96u << 10)
#define SEGMENT (8u << 10)

/* What the outside world saw. */
struct group_fact {
    unsigned signal;
    bool durable;
    struct store_group group;
    bool retired;
    bool answered, confirmed;
    bool noted; /* the note was confirmed */
    uint8_t note;
};

struct facts {
    bool registered;
    uint64_t lowest; /* number below which all are settled */
    uint8_t signal[NUMBERS];
    bool appended[NUMBERS];
    bool acknowledged[NUMBERS];
    uint32_t length[NUMBERS];
    unsigned group_of
        [NUMBERS]; /* 1 + index of the durable consumer's last group with it; 0: never sent */
    struct group_fact groups[GROUPS];
    unsigned group_count;
    uint64_t generation;
    uint8_t uuid[STORE_UUID_BYTES];
    uint64_t steps;
    bool finished;
};

/* Zeroed, and seen by children. */
static inline struct facts *share_facts(void)
{
    struct facts *f =
        mmap(NULL, sizeof *f, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(f, MAP_FAILED);
    return f;
}

/* ---- the life ---- */

struct life {
    struct facts *facts;
    struct store *store;
    struct store_consumer *durable, *lossy;
    uint8_t *bytes;
    uint64_t next;
    uint64_t settled_first;
};

static inline void on_retired(void *ctx, struct store_consumer *consumer, unsigned signal, uint64_t first,
                       uint64_t last)
{
    struct life *life = ctx;
    for (unsigned i = 0; i < life->facts->group_count; i++) {
        struct group_fact *g = &life->facts->groups[i];
        if (g->signal == signal && g->group.first == first && g->group.last == last &&
            g->durable == (consumer == life->durable))
            g->retired = true;
    }
}

static inline void on_settled(void *ctx, void *token, int err, uint64_t sequence)
{
    struct life *life = ctx;
    (void)sequence;
    if (!err)
        life->facts->acknowledged[(uintptr_t)token] = true;
}

static inline bool start(struct life *life, const char *path, const struct io_hook *hook,
                  enum store_sync sync)
{
    struct store_options o = {.directory = path,
                              .max_bytes = LIMIT_BYTES,
                              .segment_bytes = SEGMENT,
                              .sync = sync,
                              .now_ns = 1,
                              .log = quiet_log(),
                              .hook = hook,
                              .on_retired = on_retired,
                              .ctx = life};
    struct store_report report;
    life->durable = life->lossy = NULL;
    if (store_open(&o, &life->store, &report) != 0)
        return false;
    struct facts *f = life->facts;
    ck_assert_uint_gt(store_generation(life->store), f->generation);
    f->generation = store_generation(life->store);
    memcpy(f->uuid, store_uuid(life->store), sizeof f->uuid);
    (void)!store_consumer_register(life->store, "file/a", "file", BIT(LOGS) | BIT(METRICS),
                                   STORE_DURABLE, STORE_OLDEST, &life->durable);
    (void)!store_consumer_register(life->store, "debug", "console", BIT(LOGS) | BIT(TRACES),
                                   STORE_LOSSY, STORE_OLDEST, &life->lossy);
    f->registered = life->durable && life->lossy;
    return f->registered;
}

static inline uint64_t lowest_open(const struct facts *f)
{
    uint64_t n = 1;
    while (n < NUMBERS && f->acknowledged[n])
        n++;
    return n;
}

static inline void append(struct life *life, uint64_t number)
{
    struct facts *f = life->facts;
    if (number >= NUMBERS || f->acknowledged[number])
        return;
    unsigned signal = number % 5 == 0 ? TRACES : number % 3 == 0 ? METRICS : LOGS;
    uint32_t len = number % 61 == 0 ? 20000 : payload_length(number);
    uint8_t *bytes = life->bytes + (number % 8) * 20000;
    struct store_batch b = batch_make(1, number, signal, lowest_open(f), bytes, len);
    b.token = (void *)(uintptr_t)number;
    b.sources = slice_make("sources", number % 8);
    f->signal[number] = (uint8_t)signal;
    f->length[number] = len;
    f->appended[number] = true;
    int err = store_append(life->store, &b);
    if (err == GW_ERR_EXISTS)
        f->acknowledged[number] = true;
}

static inline struct group_fact *note_group(struct life *life, unsigned signal, bool durable,
                                     const struct store_group *g)
{
    struct facts *f = life->facts;
    for (unsigned i = 0; i < f->group_count; i++) {
        struct group_fact *old = &f->groups[i];
        if (old->signal != signal || old->durable != durable || old->group.first != g->first ||
            old->group.last != g->last)
            continue;
        ck_assert_uint_eq(old->group.digest, g->digest); /* same id, same bytes */
        ck_assert_uint_eq(old->group.generation, g->generation);
        ck_assert_uint_gt(g->attempt, old->group.attempt);
        old->group.attempt = g->attempt;
        return old;
    }
    ck_assert_uint_lt(f->group_count, GROUPS);
    struct group_fact *new = &f->groups[f->group_count];
    *new = (struct group_fact){.signal = signal, .durable = durable, .group = *g};
    f->group_count++;
    return new;
}

static inline void note_batches(struct life *life, unsigned signal, const struct group_fact *fact)
{
    const struct store_extent *x;
    size_t n;
    if (store_group_extents(life->store, life->durable, signal, fact->group.first, &x, &n) != 0)
        return;
    for (size_t i = 0; i < n; i++)
        life->facts->group_of[x[i].received_ns - 1000] = 1 + (unsigned)(fact - life->facts->groups);
}

/* One delivery: a note, and mostly a verdict. */
static inline void deliver(struct life *life, unsigned signal, bool durable, bool answer)
{
    static uint8_t note[STORE_NOTE_MAX_BYTES];
    struct store_consumer *c = durable ? life->durable : life->lossy;
    struct store_wishes wishes = {.max_records = 20, .linger_over = true};
    struct store_group g;
    if (store_group_next(life->store, c, signal, &wishes, &g) != 0)
        return;
    struct group_fact *fact = note_group(life, signal, durable, &g);
    if (durable)
        note_batches(life, signal, fact);
    memset(note, (int)(g.first & 0xff), sizeof note);
    bool noted =
        store_group_progress(life->store, c, signal, g.first, slice_make(note, sizeof note)) == 0;
    if (store_commit(life->store, on_settled, life) == 0 && noted) {
        fact->note = note[0];
        fact->noted = true;
    }
    if (!answer)
        return;
    fact->answered = true;
    if (store_group_done(life->store, c, signal, g.first, g.records / 4) != 0)
        fact->answered = false;
}

static inline void turn(struct life *life, unsigned i)
{
    struct facts *f = life->facts;
    append(life, life->next);
    append(life, life->next + 1);
    append(life, life->next + 2);
    if (store_commit(life->store, on_settled, life) == 0) {
        for (unsigned k = 0; k < f->group_count; k++)
            f->groups[k].confirmed |= f->groups[k].answered;
    }
    life->next += 3;
    deliver(life, LOGS, true, i % 7 != 3);
    deliver(life, METRICS, true, true);
    if (i % 5 == 0)
        deliver(life, LOGS, false, i % 10 == 0);
    if (i % 11 == 5)
        store_consumer_reset(life->store, life->durable);
}

static inline void live(const char *path, struct facts *facts, const struct io_hook *hook,
                 enum store_sync sync)
{
    struct life life = {.facts = facts, .bytes = malloc(8 * 20000), .next = 1};
    for (unsigned run = 0; run < 2; run++) {
        if (!start(&life, path, hook, sync))
            break;
        for (unsigned i = 0; i < 40; i++)
            turn(&life, i);
        if (store_commit(life.store, on_settled, &life) == 0) {
            for (unsigned k = 0; k < facts->group_count; k++)
                facts->groups[k].confirmed |= facts->groups[k].answered;
        }
        check_counts(life.store);
        store_close(&life.store);
    }
    if (life.store)
        store_close(&life.store);
    free(life.bytes);
    facts->finished = true;
}

/* ---- the judgement ---- */

/* Batches of each signal by sequence, as delivered to a consumer that reads everything. */
static inline void check_batch(struct store *store, const struct facts *f, unsigned signal,
                        const struct store_extent *x, bool *seen)
{
    uint8_t *got = malloc(x->length), *want = malloc(x->length);
    uint64_t number = x->received_ns - 1000;
    ck_assert_int_eq(store_read(store, signal, x, got), 0);
    ck_assert_uint_lt(number, NUMBERS);
    ck_assert_msg(f->appended[number], "batch %llu was never sent", (unsigned long long)number);
    ck_assert_uint_eq(f->signal[number], signal);
    ck_assert_uint_eq(f->length[number], x->length);
    payload_fill(number, want, x->length);
    ck_assert_mem_eq(got, want, x->length);
    ck_assert_msg(!seen[number], "batch %llu is there twice", (unsigned long long)number);
    seen[number] = true;
    free(got);
    free(want);
}

/* Which group of the past covers this sequence number, answered and confirmed. */
static inline bool confirmed(const struct facts *f, unsigned signal, uint64_t first, uint64_t last)
{
    for (unsigned i = 0; i < f->group_count; i++) {
        const struct group_fact *g = &f->groups[i];
        if (g->durable && g->signal == signal && g->confirmed && g->group.first <= last &&
            g->group.last >= first)
            return true;
    }
    return false;
}

/* A group that was sent and not answered for good comes back as it was. */
static inline void judge_old(const struct facts *f, unsigned signal, const struct store_group *got)
{
    for (unsigned i = 0; i < f->group_count; i++) {
        const struct group_fact *old = &f->groups[i];
        if (!old->durable || old->signal != signal || old->group.last < got->first ||
            old->group.first > got->last)
            continue;
        if (old->retired)
            continue;
        ck_assert_uint_eq(old->group.first, got->first);
        ck_assert_uint_eq(old->group.last, got->last);
        ck_assert_uint_eq(old->group.digest, got->digest);
        ck_assert_uint_eq(old->group.generation, got->generation);
        ck_assert_uint_gt(got->attempt, old->group.attempt);
        if (old->noted) {
            ck_assert_uint_eq(got->note.len, STORE_NOTE_MAX_BYTES);
            ck_assert_uint_eq(got->note.data[0], old->note);
        }
    }
}

/* Everything that is pending comes, oldest first, once. */
static inline void take_all(struct store *store, const struct facts *f, unsigned signal, bool *seen)
{
    struct store_consumer *c = store_consumer_find(store, "file/a");
    struct store_wishes wishes = {.max_records = 50, .linger_over = true};
    struct store_group g;
    int err;
    while ((err = store_group_next(store, c, signal, &wishes, &g)) == 0) {
        const struct store_extent *x;
        size_t n;
        ck_assert_msg(!confirmed(f, signal, g.first, g.last), "a confirmed group comes again");
        judge_old(f, signal, &g);
        ck_assert_int_eq(store_group_extents(store, c, signal, g.first, &x, &n), 0);
        ck_assert_uint_eq(n, g.batches);
        for (size_t i = 0; i < n; i++)
            check_batch(store, f, signal, &x[i], seen);
        ck_assert_int_eq(store_group_done(store, c, signal, g.first, 0), 0);
        ck_assert_int_eq(store_commit(store, NULL, NULL), 0);
    }
    ck_assert_int_eq(err, GW_ERR_NOT_FOUND);
    struct store_counts counts;
    ck_assert_int_eq(store_consumer_counts(store, c, signal, &counts), 0);
    ck_assert_uint_eq(counts.pending, 0);
    ck_assert_uint_eq(counts.lost, 0);
    ck_assert_uint_eq(counts.stored, counts.delivered + counts.rejected);
}

/* What was answered to a worker is there, or was delivered; what was confirmed to the exporter is
 * not there again. */
static inline void judge_batches(const struct facts *f, const bool *seen)
{
    for (uint64_t number = 1; number < NUMBERS; number++) {
        if (f->signal[number] != LOGS && f->signal[number] != METRICS)
            continue;
        const struct group_fact *g =
            f->group_of[number] ? &f->groups[f->group_of[number] - 1] : NULL;
        bool answered = g && g->answered, answered_for_good = g && g->confirmed;
        ck_assert_msg(seen[number] || answered || !f->appended[number], "batch %llu is lost",
                      (unsigned long long)number);
        ck_assert_msg(!seen[number] || !answered_for_good, "batch %llu comes twice",
                      (unsigned long long)number);
    }
}

/* All that was appended is sent again, as workers do that hear no verdict. */
static inline void republish(struct store *store, const struct facts *f)
{
    uint8_t *bytes = malloc(20000);
    for (uint64_t number = 1; number < NUMBERS; number++) {
        if (!f->appended[number])
            continue;
        struct store_batch b =
            batch_make(1, number, f->signal[number], 0, bytes, f->length[number]);
        b.lowest_open = lowest_open(f) < number ? lowest_open(f) : number;
        if (f->acknowledged[number] && number < lowest_open(f))
            continue; /* settled: a worker never sends it again */
        int err = store_append(store, &b);
        if (f->acknowledged[number])
            ck_assert_msg(err == GW_ERR_EXISTS, "batch %llu was answered and is not known: %s",
                          (unsigned long long)number, gw_strerror(err));
        else
            ck_assert_msg(err == 0 || err == GW_ERR_EXISTS || err == GW_ERR_FULL, "%s",
                          gw_strerror(err));
        struct settled s = {0};
        ck_assert_int_eq(store_commit(store, note_settled, &s), 0);
        if (s.count)
            ck_assert_int_eq(s.err[0], 0);
    }
    free(bytes);
}

/* What a lossy consumer lost was written down before it was gone: nothing is found missing. */
static inline void drain_lossy(struct store *store, unsigned signal)
{
    struct store_consumer *c = store_consumer_find(store, "debug");
    struct store_wishes wishes = {.linger_over = true};
    struct store_group g;
    struct store_counts counts;
    while (store_group_next(store, c, signal, &wishes, &g) == 0)
        ck_assert_int_eq(store_group_done(store, c, signal, g.first, 0), 0);
    ck_assert_int_eq(store_consumer_counts(store, c, signal, &counts), 0);
    ck_assert_uint_eq(counts.pending, 0);
    ck_assert_uint_eq(counts.lost, counts.lost_by[STORE_LOSS_SPACE]);
}

static inline void check_quarantine_is_empty(const char *path)
{
    char sub[160];
    snprintf(sub, sizeof sub, "%s/quarantine", path);
    ck_assert_int_eq(rmdir(sub), 0);
    ck_assert_int_eq(mkdir(sub, 0700), 0);
}

/* `power`: it was cut. A segment that was given back may have its old name again, and be another one's
 * file by now: it is put aside. */
static inline void judge(const char *path, const struct facts *f, bool power)
{
    struct store_options o = {.directory = path,
                              .max_bytes = 4 * LIMIT_BYTES,
                              .segment_bytes = SEGMENT,
                              .now_ns = 2,
                              .log = quiet_log()};
    struct store_report report;
    struct store *store;
    int err = store_open(&o, &store, &report);
    ck_assert_msg(err == 0, "%s", report.error);
    ck_assert_uint_gt(store_generation(store), f->generation);
    ck_assert_uint_eq(report.journal_damaged, 0);
    ck_assert_uint_eq(report.quarantined, 0);
    if (!power)
        check_quarantine_is_empty(path);
    if (f->generation)
        ck_assert_mem_eq(store_uuid(store), f->uuid, STORE_UUID_BYTES);
    check_counts(store);
    if (f->registered) {
        struct store_consumer *c = store_consumer_find(store, "file/a");
        bool seen[NUMBERS] = {false};
        ck_assert_ptr_nonnull(c);
        ck_assert_uint_eq(store_consumer_signals(c), BIT(LOGS) | BIT(METRICS));
        republish(store, f);
        take_all(store, f, LOGS, seen);
        take_all(store, f, METRICS, seen);
        judge_batches(f, seen);
        drain_lossy(store, LOGS);
        drain_lossy(store, TRACES);
        check_counts(store);
    }
    store_close(&store);
}

#endif
