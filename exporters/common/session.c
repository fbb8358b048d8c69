// SPDX-License-Identifier: Apache-2.0
#include "exporters/common/session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exporters/common/held.h"

struct session {
    struct peer *peer;
    struct session_identity identity;
    struct reader *reader;
    const struct session_events *events;
    void *ctx;
    const struct log *log;
    struct held held;
    bool taking;
    bool was_up;
    bool expected_down; /* we end the session ourselves, to say HELLO otherwise */
    uint64_t run;
    struct session_counters counters;
    /* What the last HELLO pointed at. */
    Masques__Bus__Wishes wishes;
    Masques__Bus__DeliveryState *states;
    Masques__Bus__DeliveryState **state_pointers;
    Masques__Bus__Counters heartbeat_counters;
    uint64_t heartbeat_lists[2][SESSION_SIGNALS];
};

/* ---- verdicts ---- */

/* Says the kept verdict. Where that fails it goes out with the next session. */
static void verdict_say(struct session *s, struct held_entry *e)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    frame.body_case = MASQUES__BUS__FRAME__BODY_DELIVERY_VERDICT;
    frame.delivery_verdict = e->verdict;
    size_t n = e->rejected ? e->verdict->n_rejected : 0;
    struct link_payload *payloads = n ? calloc(n, sizeof *payloads) : NULL;
    if (n && !payloads)
        return;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        payloads[i].bytes = slice_make(e->rejected->data + at, e->rejected_len[i]);
        payloads[i].owner = e->rejected;
        at += e->rejected_len[i];
    }
    int rc = peer_send(s->peer, &frame, payloads, n);
    free(payloads);
    if (rc < 0 && rc != GW_ERR_CLOSED)
        peer_restart(s->peer, gw_strerror(rc));
}

static void count_settled(struct session *s, const struct delivery *d,
                          const struct delivery_verdict *v)
{
    unsigned signal = (unsigned)delivery_id(d)->signal;
    if (v->outcome != MASQUES__BUS__OUTCOME__DONE || signal < 1 || signal > SESSION_SIGNALS)
        return;
    uint64_t rejected = 0;
    for (size_t i = 0; i < v->rejected_count; i++)
        rejected += v->rejected[i].count;
    uint64_t records = delivery_records(d);
    s->counters.rejected[signal - 1] += rejected;
    s->counters.delivered[signal - 1] += records > rejected ? records - rejected : 0;
}

/* ---- notes ---- */

/* Says the kept note. Where that fails it goes out with the next session. */
static void note_say(struct session *s, struct held_entry *e)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Progress progress = MASQUES__BUS__PROGRESS__INIT;
    progress.id = (Masques__Bus__DeliveryId *)held_id(e);
    progress.note.data = e->note;
    progress.note.len = e->note_len;
    frame.body_case = MASQUES__BUS__FRAME__BODY_PROGRESS;
    frame.progress = &progress;
    int rc = peer_send(s->peer, &frame, NULL, 0);
    if (rc < 0 && rc != GW_ERR_CLOSED)
        peer_restart(s->peer, gw_strerror(rc));
}

/* delivery_noted_fn */
static int on_noted(void *ctx, struct delivery *delivery)
{
    struct session *s = ctx;
    struct held_entry *e = held_of_delivery(&s->held, delivery);
    if (!e) /* cancelled */
        return GW_OK;
    int rc = held_keep_note(e, delivery_note(delivery));
    if (rc < 0)
        return rc;
    note_say(s, e);
    return GW_OK;
}

static void on_progress_ok(struct session *s, const Masques__Bus__DeliveryId *id)
{
    struct held_entry *e = id ? held_find(&s->held, id) : NULL;
    if (!e || e->notes_out == 0 || --e->notes_out > 0)
        return;
    held_forget_note(e);
    if (e->delivery) {
        s->events->progressed(s->ctx, e->delivery);
    } else if (e->settled) {
        held_remove(&s->held, e);
        s->events->changed(s->ctx);
    }
}

/* ---- the end of a delivery ---- */

/* delivery_finish_fn */
static void on_finish(void *ctx, struct delivery *delivery, const struct delivery_verdict *v)
{
    struct session *s = ctx;
    struct held_entry *e = held_of_delivery(&s->held, delivery);
    if (!e) { /* cancelled: nobody waits for the verdict */
        delivery_free(&delivery);
        return;
    }
    count_settled(s, delivery, v);
    if (held_keep_verdict(e, v) < 0) {
        /* Unsaid, the delivery comes again: the next HELLO does not know it. */
        held_remove(&s->held, e);
        peer_restart(s->peer, "no memory for a verdict");
        return;
    }
    delivery_free(&e->delivery);
    verdict_say(s, e);
    s->events->changed(s->ctx);
}

/* ---- messages ---- */

/* A kept verdict answers the same attempt; an answer that ends the delivery answers all of them. */
static bool verdict_answers(const struct held_entry *e, uint32_t attempt)
{
    return e->verdict->outcome == MASQUES__BUS__OUTCOME__DONE || attempt <= e->attempt;
}

static void on_deliver(struct session *s, struct link_message *message)
{
    const Masques__Bus__Deliver *deliver = message->frame->deliver;
    if (!deliver->id || !s->taking) {
        link_message_free(&message);
        return;
    }
    struct held_entry *e = held_find(&s->held, deliver->id);
    if (e && e->delivery) {
        e->attempt = deliver->attempt;
        delivery_set_attempt(e->delivery, deliver->attempt);
        link_message_free(&message);
        return;
    }
    if (e && verdict_answers(e, deliver->attempt)) {
        verdict_say(s, e);
        link_message_free(&message);
        return;
    }
    if (e)
        held_forget_verdict(e);
    else
        e = held_add(&s->held);
    if (!e) {
        link_message_free(&message);
        peer_restart(s->peer, "no memory for a delivery");
        return;
    }
    e->attempt = deliver->attempt;
    e->delivery = delivery_new(message, s->reader, on_finish, s);
    if (!e->delivery) {
        held_remove(&s->held, e);
        peer_restart(s->peer, "no memory for a delivery");
        return;
    }
    delivery_on_note(e->delivery, on_noted);
    /* A note that is not confirmed is younger than the router's. */
    if (e->notes_out && delivery_progress(e->delivery, slice_make(e->note, e->note_len)) < 0)
        log_debug(s->log, "no memory for a note: the router's is used");
    s->events->push(s->ctx, e->delivery);
}

static void on_verdict_ok(struct session *s, const Masques__Bus__DeliveryId *id)
{
    struct held_entry *e = id ? held_find(&s->held, id) : NULL;
    if (!e || !e->verdict)
        return;
    /* What a retry must know goes on until the router has it. */
    e->settled = e->notes_out && e->verdict->outcome == MASQUES__BUS__OUTCOME__RETRY;
    if (e->settled)
        return;
    held_remove(&s->held, e);
    s->events->changed(s->ctx);
}

static void on_cancel(struct session *s, const Masques__Bus__DeliveryId *id)
{
    struct held_entry *e = id ? held_find(&s->held, id) : NULL;
    if (!e)
        return;
    if (e->delivery)
        s->events->cancel(s->ctx, e->delivery);
    held_remove(&s->held, e);
    s->events->changed(s->ctx);
}

static void on_message(void *ctx, struct link_message *message)
{
    struct session *s = ctx;
    const Masques__Bus__Frame *frame = message->frame;
    switch (frame->body_case) {
    case MASQUES__BUS__FRAME__BODY_DELIVER:
        on_deliver(s, message); /* takes it */
        return;
    case MASQUES__BUS__FRAME__BODY_VERDICT_OK:
        on_verdict_ok(s, frame->verdict_ok->id);
        break;
    case MASQUES__BUS__FRAME__BODY_PROGRESS_OK:
        on_progress_ok(s, frame->progress_ok->id);
        break;
    case MASQUES__BUS__FRAME__BODY_CANCEL:
        on_cancel(s, frame->cancel->id);
        break;
    case MASQUES__BUS__FRAME__BODY_DRAIN:
        s->events->drain(s->ctx, frame->drain->within_ms);
        break;
    default: /* of a newer router, which can do without our understanding it */
        break;
    }
    link_message_free(&message);
}

/* ---- session ---- */

/* Lists what the exporter holds; an incomplete list for want of memory only means that some comes again. */
static void list_deliveries(struct session *s, Masques__Bus__Hello *hello)
{
    free(s->states);
    free(s->state_pointers);
    s->states = calloc(s->held.count + 1, sizeof *s->states);
    s->state_pointers = calloc(s->held.count + 1, sizeof(void *));
    if (!s->states || !s->state_pointers)
        return;
    for (size_t i = 0; i < s->held.count; i++) {
        masques__bus__delivery_state__init(&s->states[i]);
        s->states[i].id = (Masques__Bus__DeliveryId *)held_id(&s->held.list[i]);
        /* HELLO has no room for the bytes of what was rejected: that verdict follows as a message. */
        s->states[i].verdict = s->held.list[i].rejected ? NULL : s->held.list[i].verdict;
        s->state_pointers[i] = &s->states[i];
    }
    hello->n_deliveries = s->held.count;
    hello->deliveries = s->state_pointers;
}

static void fill_hello(void *ctx, Masques__Bus__Hello *hello)
{
    struct session *s = ctx;
    const struct session_identity *me = &s->identity;
    masques__bus__wishes__init(&s->wishes);
    s->wishes.max_records = me->max_records;
    s->wishes.max_bytes = me->max_bytes;
    s->wishes.linger_ms = me->linger_ms;
    s->wishes.in_flight = me->in_flight;
    hello->name = (char *)me->name;
    hello->kind = MASQUES__BUS__PEER_KIND__PEER_EXPORTER;
    hello->pid = (uint32_t)getpid();
    hello->replace = me->replace && !s->was_up;
    hello->type = (char *)me->type;
    hello->signals = me->signals;
    hello->mode = me->mode;
    hello->start = me->start;
    hello->wishes = &s->wishes;
    hello->local = me->local;
    list_deliveries(s, hello);
}

static void fill_heartbeat(void *ctx, Masques__Bus__Heartbeat *heartbeat)
{
    struct session *s = ctx;
    const char *error = NULL;
    s->events->health(s->ctx, &heartbeat->health, &error);
    if (error)
        heartbeat->error = (char *)error;
    memcpy(s->heartbeat_lists[0], s->counters.delivered, sizeof s->counters.delivered);
    memcpy(s->heartbeat_lists[1], s->counters.rejected, sizeof s->counters.rejected);
    masques__bus__counters__init(&s->heartbeat_counters);
    s->heartbeat_counters.n_delivered = SESSION_SIGNALS;
    s->heartbeat_counters.delivered = s->heartbeat_lists[0];
    s->heartbeat_counters.n_rejected = SESSION_SIGNALS;
    s->heartbeat_counters.rejected = s->heartbeat_lists[1];
    heartbeat->counters = &s->heartbeat_counters;
}

static void on_up(void *ctx, const Masques__Bus__Welcome *welcome)
{
    struct session *s = ctx;
    s->was_up = true;
    s->run = welcome->run;
    bool local = s->events->welcome(s->ctx, welcome);
    if (local != s->identity.local) {
        s->identity.local = local;
        s->expected_down = true;
        peer_restart(s->peer, local ? "the store can be read" : "the store cannot be read");
        return;
    }
    log_debug(s->log, "session %" PRIu64 " with the router", welcome->session);
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Credit credit = MASQUES__BUS__CREDIT__INIT;
    credit.bytes = s->identity.credit_bytes;
    frame.body_case = MASQUES__BUS__FRAME__BODY_CREDIT;
    frame.credit = &credit;
    int rc = peer_send(s->peer, &frame, NULL, 0);
    if (rc < 0) {
        peer_restart(s->peer, gw_strerror(rc));
        return;
    }
    for (size_t i = 0; i < s->held.count && peer_is_up(s->peer); i++) {
        struct held_entry *e = &s->held.list[i];
        if (e->notes_out) {
            e->notes_out = 1; /* only the last one counts */
            note_say(s, e);
        }
        if (e->verdict)
            verdict_say(s, e);
    }
    s->events->changed(s->ctx);
}

static void on_down(void *ctx, const char *why)
{
    struct session *s = ctx;
    log_write(s->log, s->expected_down ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN,
              "no session with the router any more: %s", why);
    s->expected_down = false;
    s->events->changed(s->ctx);
}

static void on_refused(void *ctx, bool fenced, const char *why)
{
    struct session *s = ctx;
    s->events->refused(s->ctx, fenced, why);
}

static const struct peer_events peer_events = {
    .fill_hello = fill_hello,
    .fill_heartbeat = fill_heartbeat,
    .up = on_up,
    .down = on_down,
    .message = on_message,
    .refused = on_refused,
};

struct session *session_new(struct loop *loop, struct link_context *context, const char *endpoint,
                            const struct session_identity *identity, struct reader *reader,
                            const struct session_events *events, void *ctx, const struct log *log)
{
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->identity = *identity;
    s->reader = reader;
    s->events = events;
    s->ctx = ctx;
    s->log = log;
    s->taking = true;
    s->peer = peer_new(loop, context, endpoint, &peer_events, s, log);
    if (!s->peer) {
        free(s);
        return NULL;
    }
    return s;
}

void session_free(struct session **session)
{
    struct session *s = *session;
    *session = NULL;
    if (!s)
        return;
    peer_free(&s->peer);
    held_fini(&s->held);
    free(s->states);
    free(s->state_pointers);
    free(s);
}

void session_stop_taking(struct session *s)
{
    s->taking = false;
}

bool session_is_up(const struct session *s)
{
    return peer_is_up(s->peer);
}

bool session_was_up(const struct session *s)
{
    return s->was_up;
}

size_t session_in_progress(const struct session *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->held.count; i++)
        n += s->held.list[i].delivery != NULL;
    return n;
}

size_t session_unconfirmed(const struct session *s)
{
    return s->held.count - session_in_progress(s);
}

const struct session_counters *session_counters(const struct session *s)
{
    return &s->counters;
}

uint64_t session_run(const struct session *s)
{
    return s->run;
}
