// SPDX-License-Identifier: Apache-2.0
#include "router/requests.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/listing.h"
#include "shared/base/clock.h"

#define ERROR_MAX_BYTES 256u

/* What an exporter was owed when somebody asked: everything before these sequence numbers. */
struct owed {
    char name[SESSION_NAME_MAX_BYTES + 1];
    uint64_t before[STORE_SIGNALS]; /* index: signal - 1 */
};

/* A question that waits until that is delivered. */
struct waiting {
    struct session *session;
    uint64_t number;
    bool detach;
    uint32_t within_ms;
    uint64_t deadline_ms; /* 0: none */
    struct owed *owed;    /* owned */
    size_t owed_count;
};

struct requests {
    struct requests_house house;
    struct waiting list[REQUESTS_WAITING_MAX];
    size_t count;
    struct loop_timer *timer; /* makes a turn come when a deadline is over */
};

/* ---- answering ---- */

/* An asker that cannot be answered must not wait for it. */
static void end_unless(struct requests *r, struct session *session, int err)
{
    if (err != GW_OK)
        sessions_reset(r->house.sessions, session, "its question cannot be answered");
}

static void answer(struct requests *r, struct session *session, uint64_t number, uint64_t count,
                   const char *error)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Answer said = MASQUES__BUS__ANSWER__INIT;
    said.number = number;
    said.count = count;
    if (error)
        said.error = (char *)(uintptr_t)error; /* packed, never written to */
    frame.body_case = MASQUES__BUS__FRAME__BODY_ANSWER;
    frame.answer = &said;
    end_unless(r, session, sessions_send(r->house.sessions, session, &frame, NULL, 0));
}

/* ---- what is owed ---- */

static uint64_t pending_of(const struct requests *r, const struct subscriber *sub)
{
    uint64_t records = 0;
    for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++) {
        struct store_counts counts;
        if (subscriber_takes(sub, signal) &&
            store_consumer_counts(r->house.store, sub->consumer, signal, &counts) == GW_OK)
            records += counts.pending;
    }
    return records;
}

static void note_owed(const struct requests *r, const struct subscriber *sub, struct owed *owed)
{
    struct store_stats stats;
    store_stats(r->house.store, &stats);
    snprintf(owed->name, sizeof owed->name, "%s", sub->name);
    memcpy(owed->before, stats.next_sequence, sizeof owed->before);
}

/* An exporter that is no more is owed nothing. */
static bool is_paid(const struct requests *r, const struct owed *owed)
{
    const struct subscriber *sub = subscribers_by_name(r->house.subscribers, owed->name);
    for (unsigned signal = 1; sub && signal <= STORE_SIGNALS; signal++) {
        struct store_counts counts;
        if (subscriber_takes(sub, signal) &&
            store_consumer_counts(r->house.store, sub->consumer, signal, &counts) == GW_OK &&
            counts.cursor < owed->before[signal - 1])
            return false;
    }
    return true;
}

/* Records that are still owed, newer ones included. */
static uint64_t left_of(const struct requests *r, const struct waiting *w)
{
    uint64_t records = 0;
    for (size_t i = 0; i < w->owed_count; i++) {
        const struct subscriber *sub =
            subscribers_by_name(r->house.subscribers, w->owed[i].name);
        if (sub && !is_paid(r, &w->owed[i]))
            records += pending_of(r, sub);
    }
    return records;
}

/* ---- waiting ---- */

static void waiting_remove(struct requests *r, size_t i)
{
    free(r->list[i].owed);
    r->list[i] = r->list[--r->count];
}

/* Takes owed. */
static void wait_for(struct requests *r, struct waiting w)
{
    if (r->count == REQUESTS_WAITING_MAX) {
        free(w.owed);
        answer(r, w.session, w.number, 0, "too many questions are waiting already");
        return;
    }
    if (w.within_ms) {
        w.deadline_ms = loop_now_ms(r->house.loop) + w.within_ms;
        loop_timer_set(r->timer, w.within_ms);
    }
    r->list[r->count++] = w;
    dispatch_hurry(r->house.dispatch, true);
}

/* ---- DETACH ---- */

/* The registration goes; the process, if it is there, finishes what it holds and ends. Returns the records that were
 * still owed. */
static uint64_t detach(struct requests *r, struct subscriber *sub)
{
    char name[SESSION_NAME_MAX_BYTES + 1];
    uint64_t left = pending_of(r, sub);
    struct session *session = sub->session;
    snprintf(name, sizeof name, "%s", sub->name);
    if (session) {
        Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
        Masques__Bus__Drain drain = MASQUES__BUS__DRAIN__INIT;
        frame.body_case = MASQUES__BUS__FRAME__BODY_DRAIN;
        frame.drain = &drain;
        int err = sessions_send(r->house.sessions, session, &frame, NULL, 0);
        if (err != GW_OK)
            log_warn(r->house.log, "%s is detached, but cannot be told: %s", name, gw_strerror(err));
        dispatch_closed(r->house.dispatch, session);
    }
    subscribers_detach(r->house.subscribers, sub);
    log_info(r->house.log, "%s is detached; %" PRIu64 " records were still owed to it", name, left);
    if (r->house.detached)
        r->house.detached(r->house.ctx, name);
    return left;
}

static void detach_when_paid(struct requests *r, struct session *session, uint64_t number,
                             const struct subscriber *sub, uint32_t within_ms)
{
    struct owed *owed = malloc(sizeof *owed);
    if (!owed) {
        answer(r, session, number, 0, gw_strerror(GW_ERR_NOMEM));
        return;
    }
    note_owed(r, sub, owed);
    wait_for(r, (struct waiting){.session = session,
                                 .number = number,
                                 .detach = true,
                                 .within_ms = within_ms,
                                 .owed = owed,
                                 .owed_count = 1});
}

static void detach_came(struct requests *r, struct session *session, uint64_t number,
                        const Masques__Bus__Detach *asked)
{
    char error[ERROR_MAX_BYTES];
    struct subscriber *sub = subscribers_by_name(r->house.subscribers, asked->name);
    error[0] = '\0';
    if (!sub)
        snprintf(error, sizeof error, "there is no exporter \"%.128s\"", asked->name);
    else if (sub->owner == OWNER_CONFIG)
        snprintf(error, sizeof error,
                 "%s is in the configuration: take it out there and reload", sub->name);
    else if (asked->drain && !sub->session && sub->owner == OWNER_NONE && pending_of(r, sub))
        snprintf(error, sizeof error, "%s is orphaned, and nobody comes to take what it is owed",
                 sub->name);
    if (error[0])
        answer(r, session, number, 0, error);
    else if (asked->drain)
        detach_when_paid(r, session, number, sub, asked->within_ms);
    else
        answer(r, session, number, detach(r, sub), NULL);
}

/* ---- FLUSH ---- */

static void flush_came(struct requests *r, struct session *session, uint64_t number,
                       const Masques__Bus__Flush *asked)
{
    size_t count = subscribers_count(r->house.subscribers);
    struct waiting w = {.session = session, .number = number, .within_ms = asked->within_ms};
    w.owed = malloc((count + 1) * sizeof *w.owed);
    if (!w.owed) {
        answer(r, session, number, 0, gw_strerror(GW_ERR_NOMEM));
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct subscriber *sub = subscribers_at(r->house.subscribers, i);
        if (sub->session && sub->mode == STORE_DURABLE)
            note_owed(r, sub, &w.owed[w.owed_count++]);
    }
    wait_for(r, w);
}

/* ---- dead letters ---- */

/* NULL: it may go out; otherwise why not. */
static const char *replay_fault(const struct requests *r, const struct dead_letters_entry *e)
{
    if (e->letter.payload_bytes == 0)
        return "its exporter did not give the bytes";
    if (!subscribers_by_name(r->house.subscribers, (const char *)e->letter.exporter.data))
        return "its exporter is not registered any more";
    return NULL;
}

/* What is to be done with a letter. True: done; otherwise `error` may say why not. */
typedef bool (*letter_fn)(struct requests *r, struct dead_letters_entry *e, char *error);

static bool replay_one(struct requests *r, struct dead_letters_entry *e, char *error)
{
    const char *fault = replay_fault(r, e);
    if (!fault) {
        dead_letters_ask(r->house.letters, e, true);
        return true;
    }
    snprintf(error, ERROR_MAX_BYTES, "letter %" PRIu64 " cannot be replayed: %s", e->letter.number,
             fault);
    return false;
}

static bool drop_one(struct requests *r, struct dead_letters_entry *e, char *error)
{
    uint64_t number = e->letter.number;
    int err = dead_letters_remove(r->house.letters, number);
    if (err == GW_OK)
        return true;
    snprintf(error, ERROR_MAX_BYTES, "letter %" PRIu64 " cannot be removed: %s", number,
             gw_strerror(err));
    return false;
}

/* Those named by number, or all of the exporter's. */
static void letters_came(struct requests *r, struct session *session, uint64_t number,
                         const char *exporter, const uint64_t *numbers, size_t count, letter_fn act)
{
    char error[ERROR_MAX_BYTES] = "";
    uint64_t done = 0;
    for (size_t i = 0; i < count; i++) {
        struct dead_letters_entry *e = dead_letters_find(r->house.letters, numbers[i]);
        if (e && (!exporter[0] || slice_is(e->letter.exporter, exporter)))
            done += act(r, e, error);
        else
            snprintf(error, sizeof error, "there is no dead letter %" PRIu64 "%s%.128s", numbers[i],
                     exporter[0] ? " of " : "", exporter);
    }
    /* From behind: what is acted upon may go. */
    for (size_t i = count ? 0 : dead_letters_count(r->house.letters); i-- > 0;) {
        struct dead_letters_entry *e = dead_letters_at(r->house.letters, i);
        if (!exporter[0] || slice_is(e->letter.exporter, exporter))
            done += act(r, e, error);
    }
    if (dead_letters_sync(r->house.letters) != GW_OK && !error[0])
        snprintf(error, sizeof error, "the store's device answers with errors");
    answer(r, session, number, done, error[0] ? error : NULL);
}

/* ---- asking ---- */

/* listing_draining_fn */
static bool is_draining(void *ctx, const struct subscriber *sub)
{
    const struct requests *r = ctx;
    for (size_t i = 0; i < r->count; i++)
        if (r->list[i].detach && strcmp(r->list[i].owed->name, sub->name) == 0)
            return true;
    return false;
}

void requests_came(struct requests *r, struct session *session, const Masques__Bus__Request *request)
{
    const struct listing_asker to = {r->house.sessions, session, request->number};
    const Masques__Bus__DeadLetterReplay *replay;
    const Masques__Bus__DeadLetterDrop *drop;
    switch (request->what_case) {
    case MASQUES__BUS__REQUEST__WHAT_LIST:
        end_unless(r, session,
                   listing_exporters(&to, r->house.store, r->house.subscribers, clock_wall_ns(),
                                     is_draining, r));
        break;
    case MASQUES__BUS__REQUEST__WHAT_DETACH:
        detach_came(r, session, request->number, request->detach);
        break;
    case MASQUES__BUS__REQUEST__WHAT_DEAD_LETTER_LIST:
        end_unless(r, session,
                   listing_letters(&to, r->house.store, r->house.letters,
                                   request->dead_letter_list->exporter));
        break;
    case MASQUES__BUS__REQUEST__WHAT_DEAD_LETTER_REPLAY:
        replay = request->dead_letter_replay;
        letters_came(r, session, request->number, replay->exporter, replay->numbers,
                     replay->n_numbers, replay_one);
        break;
    case MASQUES__BUS__REQUEST__WHAT_DEAD_LETTER_DROP:
        drop = request->dead_letter_drop;
        letters_came(r, session, request->number, drop->exporter, drop->numbers, drop->n_numbers,
                     drop_one);
        break;
    case MASQUES__BUS__REQUEST__WHAT_FLUSH:
        flush_came(r, session, request->number, request->flush);
        break;
    default:
        answer(r, session, request->number, 0, "the router does not know this question");
        break;
    }
}

void requests_closed(struct requests *r, const struct session *session)
{
    for (size_t i = r->count; i-- > 0;)
        if (r->list[i].session == session)
            waiting_remove(r, i);
    dispatch_hurry(r->house.dispatch, r->count > 0);
}

/* ---- the turn ---- */

static bool all_paid(const struct requests *r, const struct waiting *w)
{
    for (size_t i = 0; i < w->owed_count; i++)
        if (!is_paid(r, &w->owed[i]))
            return false;
    return true;
}

/* It is over, one way or the other. */
static void conclude(struct requests *r, const struct waiting *w, bool paid)
{
    char error[ERROR_MAX_BYTES];
    if (w->detach) {
        struct subscriber *sub = subscribers_by_name(r->house.subscribers, w->owed->name);
        if (sub && !paid) { /* nothing is given up that nobody said to give up */
            uint64_t left = pending_of(r, sub);
            snprintf(error, sizeof error,
                     "not everything is delivered after %" PRIu32 " ms: %s stays attached, and %" PRIu64
                     " record(s) still wait for it", w->within_ms, sub->name, left);
            answer(r, w->session, w->number, left, error);
        } else if (sub && sub->owner != OWNER_CONFIG) {
            answer(r, w->session, w->number, detach(r, sub), NULL);
        } else {
            answer(r, w->session, w->number, 0,
                   sub ? "the configuration names it now" : "somebody else has detached it");
        }
        return;
    }
    snprintf(error, sizeof error, "not everything is delivered after %" PRIu32 " ms", w->within_ms);
    answer(r, w->session, w->number, paid ? 0 : left_of(r, w), paid ? NULL : error);
}

void requests_turn(struct requests *r)
{
    uint64_t next_ms = 0;
    uint64_t now = loop_now_ms(r->house.loop);
    if (r->count == 0)
        return;
    for (size_t i = r->count; i-- > 0;) {
        const struct waiting *w = &r->list[i];
        bool paid = all_paid(r, w);
        if (paid || (w->deadline_ms && now >= w->deadline_ms)) {
            conclude(r, w, paid);
            waiting_remove(r, i);
        } else if (w->deadline_ms && (next_ms == 0 || w->deadline_ms < next_ms)) {
            next_ms = w->deadline_ms;
        }
    }
    if (next_ms)
        loop_timer_set(r->timer, next_ms - now);
    dispatch_hurry(r->house.dispatch, r->count > 0);
}

static void timer_due(void *ctx)
{
    (void)ctx; /* the turn does the work */
}

struct requests *requests_new(const struct requests_house *house)
{
    struct requests *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->house = *house;
    r->timer = loop_timer_new(house->loop, timer_due, r);
    if (!r->timer)
        requests_free(&r);
    return r;
}

void requests_free(struct requests **at)
{
    struct requests *r = *at;
    *at = NULL;
    if (!r)
        return;
    while (r->count)
        waiting_remove(r, r->count - 1);
    loop_timer_free(&r->timer);
    free(r);
}
