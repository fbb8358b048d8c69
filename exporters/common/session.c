// SPDX-License-Identifier: Apache-2.0
#include "exporters/common/session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A delivery of ours: in progress, or answered and not yet confirmed. */
struct entry {
    struct delivery *delivery; /* not NULL: in progress */
    uint32_t attempt;
    Masques__Bus__DeliveryVerdict *verdict; /* not NULL: answered; owned */
    struct blob *rejected;     /* the rejected records' bytes, one behind the other; may be NULL */
    size_t *rejected_len;      /* for each verdict->rejected; NULL with `rejected` */
};

struct session {
    struct peer *peer;
    struct session_identity identity;
    struct reader *reader;
    const struct session_events *events;
    void *ctx;
    const struct log *log;
    struct entry *entries;
    size_t count;
    size_t cap;
    bool taking;
    bool was_up;
    struct session_counters counters;
    /* What the last HELLO pointed at. */
    Masques__Bus__Wishes wishes;
    Masques__Bus__DeliveryState *states;
    Masques__Bus__DeliveryState **state_pointers;
    Masques__Bus__Counters heartbeat_counters;
    uint64_t heartbeat_lists[2][SESSION_SIGNALS];
};

/* ---- entries ---- */

static const Masques__Bus__DeliveryId *entry_id(const struct entry *e)
{
    return e->delivery ? delivery_id(e->delivery) : e->verdict->id;
}

static struct entry *entry_find(struct session *s, const Masques__Bus__DeliveryId *id)
{
    for (size_t i = 0; i < s->count; i++)
        if (delivery_id_eq(entry_id(&s->entries[i]), id))
            return &s->entries[i];
    return NULL;
}

static struct entry *entry_of_delivery(struct session *s, const struct delivery *d)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->entries[i].delivery == d)
            return &s->entries[i];
    return NULL;
}

static struct entry *entry_add(struct session *s)
{
    if (s->count == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 8;
        struct entry *entries = realloc(s->entries, cap * sizeof *entries);
        if (!entries)
            return NULL;
        s->entries = entries;
        s->cap = cap;
    }
    s->entries[s->count] = (struct entry){0};
    return &s->entries[s->count++];
}

static void entry_forget_verdict(struct entry *e)
{
    masques__bus__delivery_verdict__free_unpacked(e->verdict, NULL);
    e->verdict = NULL;
    blob_drop(e->rejected);
    e->rejected = NULL;
    free(e->rejected_len);
    e->rejected_len = NULL;
}

static void entry_remove(struct session *s, struct entry *e)
{
    delivery_free(&e->delivery);
    entry_forget_verdict(e);
    *e = s->entries[--s->count];
}

/* ---- verdicts ---- */

/* The verdict as a message of its own, which lives without the delivery. */
static Masques__Bus__DeliveryVerdict *verdict_copy(const struct delivery *d,
                                                   const struct delivery_verdict *v)
{
    Masques__Bus__DeliveryVerdict said = MASQUES__BUS__DELIVERY_VERDICT__INIT;
    size_t n = v->rejected_count;
    Masques__Bus__Rejected *rejected = calloc(n + 1, sizeof *rejected);
    Masques__Bus__Rejected **pointers = calloc(n + 1, sizeof(void *));
    Masques__Bus__DeliveryVerdict *copy = NULL;
    if (!rejected || !pointers)
        goto out;
    for (size_t i = 0; i < n; i++) {
        masques__bus__rejected__init(&rejected[i]);
        rejected[i].first = v->rejected[i].first;
        rejected[i].count = v->rejected[i].count;
        if (v->rejected[i].reason)
            rejected[i].reason = (char *)v->rejected[i].reason;
        pointers[i] = &rejected[i];
    }
    said.id = (Masques__Bus__DeliveryId *)delivery_id(d);
    said.outcome = v->outcome;
    said.after_ms = v->after_ms;
    said.health = v->degraded ? MASQUES__BUS__HEALTH__HEALTH_DEGRADED
                              : MASQUES__BUS__HEALTH__HEALTH_OK;
    if (v->error)
        said.error = (char *)v->error;
    said.n_rejected = n;
    said.rejected = pointers;
    size_t len = masques__bus__delivery_verdict__get_packed_size(&said);
    uint8_t *packed = malloc(len ? len : 1);
    if (packed) {
        masques__bus__delivery_verdict__pack(&said, packed);
        copy = masques__bus__delivery_verdict__unpack(NULL, len, packed);
        free(packed);
    }
out:
    free(rejected);
    free(pointers);
    return copy;
}

/* The rejected records' bytes, if there are any. 0; GW_ERR_NOMEM. */
static int rejected_copy(struct entry *e, const struct delivery_verdict *v)
{
    size_t total = 0;
    for (size_t i = 0; i < v->rejected_count; i++)
        total += v->rejected[i].bytes.len;
    if (total == 0)
        return 0;
    e->rejected = blob_new(total);
    e->rejected_len = calloc(v->rejected_count, sizeof *e->rejected_len);
    if (!e->rejected || !e->rejected_len)
        return GW_ERR_NOMEM;
    for (size_t i = 0; i < v->rejected_count; i++) {
        struct slice bytes = v->rejected[i].bytes;
        if (bytes.len)
            memcpy(e->rejected->data + e->rejected->len, bytes.data, bytes.len);
        e->rejected->len += bytes.len;
        e->rejected_len[i] = bytes.len;
    }
    return 0;
}

/* Says the kept verdict. Where that fails it goes out with the next session. */
static void verdict_say(struct session *s, struct entry *e)
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

/* delivery_finish_fn */
static void on_finish(void *ctx, struct delivery *delivery, const struct delivery_verdict *v)
{
    struct session *s = ctx;
    struct entry *e = entry_of_delivery(s, delivery);
    if (!e) { /* cancelled: nobody waits for the verdict */
        delivery_free(&delivery);
        return;
    }
    count_settled(s, delivery, v);
    e->verdict = verdict_copy(delivery, v);
    if (!e->verdict || rejected_copy(e, v) < 0) {
        /* Unsaid, the delivery comes again: the next HELLO does not know it. */
        entry_remove(s, e);
        peer_restart(s->peer, "no memory for a verdict");
        return;
    }
    delivery_free(&e->delivery);
    verdict_say(s, e);
    s->events->changed(s->ctx);
}

/* ---- messages ---- */

/* A kept verdict answers the same attempt; an answer that ends the delivery answers all of them. */
static bool verdict_answers(const struct entry *e, uint32_t attempt)
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
    struct entry *e = entry_find(s, deliver->id);
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
        entry_forget_verdict(e);
    else
        e = entry_add(s);
    if (!e) {
        link_message_free(&message);
        peer_restart(s->peer, "no memory for a delivery");
        return;
    }
    e->attempt = deliver->attempt;
    e->delivery = delivery_new(message, s->reader, on_finish, s);
    if (!e->delivery) {
        *e = s->entries[--s->count];
        peer_restart(s->peer, "no memory for a delivery");
        return;
    }
    s->events->push(s->ctx, e->delivery);
}

static void on_verdict_ok(struct session *s, const Masques__Bus__DeliveryId *id)
{
    struct entry *e = id ? entry_find(s, id) : NULL;
    if (e && e->verdict) {
        entry_remove(s, e);
        s->events->changed(s->ctx);
    }
}

static void on_cancel(struct session *s, const Masques__Bus__DeliveryId *id)
{
    struct entry *e = id ? entry_find(s, id) : NULL;
    if (!e)
        return;
    if (e->delivery)
        s->events->cancel(s->ctx, e->delivery);
    entry_remove(s, e);
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
    s->states = calloc(s->count + 1, sizeof *s->states);
    s->state_pointers = calloc(s->count + 1, sizeof(void *));
    if (!s->states || !s->state_pointers)
        return;
    for (size_t i = 0; i < s->count; i++) {
        masques__bus__delivery_state__init(&s->states[i]);
        s->states[i].id = (Masques__Bus__DeliveryId *)entry_id(&s->entries[i]);
        s->states[i].verdict = s->entries[i].verdict;
        s->state_pointers[i] = &s->states[i];
    }
    hello->n_deliveries = s->count;
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
    /* HELLO has listed them, but without the bytes of what was rejected. */
    for (size_t i = 0; i < s->count; i++)
        if (s->entries[i].verdict)
            verdict_say(s, &s->entries[i]);
    s->events->changed(s->ctx);
}

static void on_down(void *ctx, const char *why)
{
    struct session *s = ctx;
    log_warn(s->log, "no session with the router any more: %s", why);
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
    while (s->count)
        entry_remove(s, &s->entries[s->count - 1]);
    free(s->entries);
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
    for (size_t i = 0; i < s->count; i++)
        n += s->entries[i].delivery != NULL;
    return n;
}

size_t session_unconfirmed(const struct session *s)
{
    return s->count - session_in_progress(s);
}

const struct session_counters *session_counters(const struct session *s)
{
    return &s->counters;
}
