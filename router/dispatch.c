// SPDX-License-Identifier: Apache-2.0
#include "router/dispatch.h"

#include <inttypes.h>
#include <stdlib.h>

#include "router/deliver.h"
#include "router/pace.h"
#include "router/replay.h"
#include "router/replies.h"

#define PAUSE_MS 100u /* for a lane whose group could not be sent */
#define SAY_EVERY_MS 10000u
#define JOURNAL_PAUSE_MS 1000u /* for a lane whose group could not be journaled */

struct dispatch {
    struct loop *loop;
    struct store *store;
    struct sessions *sessions;
    struct subscribers *subscribers;
    struct dead_letters *letters;
    uint64_t inline_bytes;
    const struct log *log;
    struct deliver deliver;
    struct replies *replies;
    struct loop_timer *timer; /* makes a turn come when something is due */
    uint64_t timer_ms;        /* when; 0: not set */
    size_t next;              /* subscriber that is served first */
    bool draining;
    bool hurried;
    bool again; /* something changed behind those who were served */
    struct log_gate gate;
};

static struct settle settling(const struct dispatch *d)
{
    return (struct settle){d->store, d->letters, d->log, loop_now_ms(d->loop)};
}

/* ---- news ---- */

void dispatch_opened(struct dispatch *d, struct session *session, const Masques__Bus__Hello *hello)
{
    if (session_owner(session))
        replies_hello(d->replies, session_owner(session), hello);
}

void dispatch_closed(struct dispatch *d, struct session *session)
{
    if (session_owner(session))
        replies_drop(d->replies, session_owner(session));
}

void dispatch_message(struct dispatch *d, struct session *session,
                      const struct link_message *message)
{
    if (session_owner(session))
        replies_message(d->replies, session_owner(session), message);
    else
        replies_detached(d->replies, session, message->frame);
}

void dispatch_fresh(struct dispatch *d, const struct ingress_fresh *fresh)
{
    for (size_t i = 0; i < subscribers_count(d->subscribers); i++) {
        struct subscriber *sub = subscribers_at(d->subscribers, i);
        for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++) {
            struct lane *lane = subscriber_lane(sub, signal);
            if (!subscriber_takes(sub, signal) || fresh->bytes[signal - 1] == 0)
                continue;
            if (lane->open_bytes == 0)
                lane->since_ms = loop_now_ms(d->loop);
            lane->open_bytes += fresh->bytes[signal - 1];
            lane->open_records += fresh->records[signal - 1];
        }
    }
}

void dispatch_retired(struct dispatch *d, const struct store_consumer *consumer, unsigned signal,
                      uint64_t first, uint64_t last)
{
    struct subscriber *sub = subscribers_of(d->subscribers, consumer);
    if (!sub || signal < 1 || signal > STORE_SIGNALS)
        return;
    struct lane *lane = subscriber_lane(sub, signal);
    for (size_t i = 0; i < lane->count; i++)
        if (lane->list[i].first == first && lane->list[i].last == last)
            subscriber_set_state(sub, &lane->list[i], DELIVERY_RETIRED);
    retry_since_forget(&lane->since, first);
    lane->ask = true;
    lane->blocked = false;
    d->again = true;
}

/* ---- sending ---- */

/* An exporter's part of the memory for payload in messages: one that is slow, or says nothing any more, must not hold
 * that of the others. */
static uint64_t inline_share(const struct dispatch *d)
{
    uint64_t sharing = 0;
    for (size_t i = 0; i < subscribers_count(d->subscribers); i++) {
        const struct subscriber *sub = subscribers_at(d->subscribers, i);
        sharing += sub->session && !sub->local;
    }
    return sharing ? d->inline_bytes / sharing : d->inline_bytes;
}

/* An untouched credit takes one delivery of any size. */
static bool fits(const struct dispatch *d, const struct subscriber *sub, uint64_t bytes)
{
    if (sub->out_bytes && (sub->out_bytes >= sub->credit || bytes > sub->credit - sub->out_bytes))
        return false;
    return sub->local || sub->out_bytes == 0 || sub->out_bytes + bytes <= inline_share(d);
}

/* The group goes back to the store, which hands it out again or sorts out what is wrong with it. */
static void give_back(struct dispatch *d, struct subscriber *sub, unsigned signal,
                      struct delivery *delivery)
{
    uint64_t first = delivery->first;
    subscriber_remove(sub, signal, delivery);
    int err = store_group_release(d->store, sub->consumer, signal, first);
    if (err != GW_OK && err != GW_ERR_NOT_FOUND)
        log_warn(d->log, "%s: a delivery is not released: %s", sub->name, gw_strerror(err));
    subscriber_lane(sub, signal)->ask = true;
}

/* Sends a READY delivery if the credit allows, or gives it its place until the journal has it.
 * False: the lane has to wait. */
static bool send_ready(struct dispatch *d, struct subscriber *sub, unsigned signal,
                       struct delivery *delivery, const struct store_group *group)
{
    if (delivery->state == DELIVERY_READY && !fits(d, sub, delivery->bytes))
        return false;
    if (!store_is_written(d->store, delivery->ticket)) {
        subscriber_set_state(sub, delivery, DELIVERY_FORMED);
        return true;
    }
    int err = deliver_send(&d->deliver, d->store, d->sessions, sub, signal, group);
    if (delivery->state == DELIVERY_RETIRED) /* by what the reading found */
        return false;
    if (err == GW_OK) {
        subscriber_set_state(sub, delivery, DELIVERY_OUT);
        delivery->sent_ms = loop_now_ms(d->loop);
        return true;
    }
    if (!session_is_over(sub->session) &&
        log_gate_pass(&d->gate, loop_now_ms(d->loop), SAY_EVERY_MS))
        log_warn(d->log, "%s: a delivery could not be sent: %s", sub->name, gw_strerror(err));
    give_back(d, sub, signal, delivery);
    subscriber_lane(sub, signal)->pause_ms = loop_now_ms(d->loop) + PAUSE_MS;
    return false;
}

/* ---- forming ---- */

static struct pace pace_of(const struct dispatch *d)
{
    return (struct pace){loop_now_ms(d->loop), d->draining || d->hurried};
}

static void nothing_formed(struct dispatch *d, const struct subscriber *sub, struct lane *lane,
                           int err)
{
    switch (err) {
    case GW_ERR_NOT_FOUND:
        lane->ask = false;
        lane->open_bytes = 0;
        lane->open_records = 0;
        break;
    case GW_ERR_AGAIN:
        lane->ask = false;
        if (lane->open_bytes == 0) { /* more than we were told of */
            lane->open_bytes = 1;
            lane->since_ms = loop_now_ms(d->loop);
        }
        break;
    case GW_ERR_FULL:
        lane->blocked = true;
        break;
    default:
        lane->pause_ms = loop_now_ms(d->loop) + JOURNAL_PAUSE_MS;
        if (log_gate_pass(&d->gate, loop_now_ms(d->loop), SAY_EVERY_MS))
            log_warn(d->log, "%s: no delivery can be formed: %s", sub->name, gw_strerror(err));
    }
}

/* What is left behind the group is younger. */
static void take_from_open(struct dispatch *d, struct lane *lane, const struct store_group *group)
{
    if (group->attempt > 1 || group->maybe_twice)
        return;
    lane->open_bytes -= group->bytes < lane->open_bytes ? group->bytes : lane->open_bytes;
    lane->open_records -= group->records < lane->open_records ? group->records : lane->open_records;
    lane->since_ms = lane->formed_ms = loop_now_ms(d->loop);
}

/* One group from the store into the lane, and out. Returns its bytes; 0: none, or it waits for
 * credit. */
static uint64_t form_one(struct dispatch *d, struct subscriber *sub, unsigned signal)
{
    struct lane *lane = subscriber_lane(sub, signal);
    struct pace pace = pace_of(d);
    struct store_wishes wishes = pace_wishes(&pace, sub, lane);
    struct store_group group;
    int err = store_group_next(d->store, sub->consumer, signal, &wishes, &group);
    if (err != GW_OK) {
        nothing_formed(d, sub, lane, err);
        return 0;
    }
    take_from_open(d, lane, &group);
    struct delivery *delivery = lane_add(lane);
    if (!delivery) {
        lane->pause_ms = loop_now_ms(d->loop) + PAUSE_MS;
        err = store_group_release(d->store, sub->consumer, signal, group.first);
        lane->ask = true;
        return 0;
    }
    *delivery = (struct delivery){.generation = group.generation,
                                  .first = group.first,
                                  .last = group.last,
                                  .records = group.records,
                                  .bytes = group.bytes,
                                  .attempt = group.attempt,
                                  .ticket = group.ticket,
                                  .state = DELIVERY_READY};
    return send_ready(d, sub, signal, delivery, &group) ? group.bytes : 0;
}

/* ---- the lanes ---- */

/* What a delivery that is not out has been waiting for may have come. True: it left the lane. */
static bool look_after(struct dispatch *d, struct subscriber *sub, unsigned signal,
                       struct delivery *delivery)
{
    struct store_group group;
    Masques__Bus__DeliveryId id;
    size_t before = subscriber_lane(sub, signal)->count;
    switch (delivery->state) {
    case DELIVERY_RETIRED:
        deliver_id(&id, d->store, sub, signal, delivery->generation, delivery->first,
                   delivery->last);
        replies_cancel(d->replies, sub, &id);
        subscriber_remove(sub, signal, delivery);
        return true;
    case DELIVERY_WAITING:
        if (delivery->due_ms > loop_now_ms(d->loop))
            return false;
        give_back(d, sub, signal, delivery);
        return true;
    case DELIVERY_FORMED:
        if (!store_is_written(d->store, delivery->ticket))
            return false;
        /* fall through */
    case DELIVERY_READY:
        if (store_group_find(d->store, sub->consumer, signal, delivery->first, &group) != GW_OK) {
            subscriber_remove(sub, signal, delivery);
            return true;
        }
        return sub->credit_known && !send_ready(d, sub, signal, delivery, &group) &&
               subscriber_lane(sub, signal)->count < before;
    case DELIVERY_OUT:
        break;
    }
    return false;
}

static void look_after_all(struct dispatch *d, struct subscriber *sub)
{
    for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++) {
        struct lane *lane = subscriber_lane(sub, signal);
        for (size_t i = 0; i < lane->count;)
            i += !look_after(d, sub, signal, &lane->list[i]);
    }
}

/* Sends the dead letter that is next, if there is one and the credit allows. */
static void serve_letter(struct dispatch *d, struct subscriber *sub)
{
    struct settle settle = settling(d);
    struct dead_letters_entry *e = d->draining ? NULL : replay_next(&settle, sub);
    if (!e || !fits(d, sub, e->letter.payload_bytes))
        return;
    struct blob *payload;
    Masques__Bus__Deliver said = MASQUES__BUS__DELIVER__INIT;
    Masques__Bus__DeliveryId id;
    int err = dead_letters_read(d->letters, e->letter.number, &payload);
    if (err == GW_OK) {
        replay_id(&id, d->store, sub, &e->letter);
        said.id = &id;
        said.attempt = e->attempts + 1;
        said.progress.data = e->note;
        said.progress.len = e->note_len;
        err = deliver_send_letter(d->sessions, sub, &said, &e->letter, payload);
        blob_drop(payload);
    }
    if (err == GW_OK) {
        replay_sent(sub, e);
        return;
    }
    if (err == GW_ERR_CORRUPT || err == GW_ERR_NOT_FOUND) /* it never gets better */
        dead_letters_ask(d->letters, e, false);
    if (!session_is_over(sub->session))
        log_warn(d->log, "%s: dead letter %" PRIu64 " could not be sent: %s", sub->name,
                 e->letter.number, gw_strerror(err));
    replay_pause(sub, loop_now_ms(d->loop) + PAUSE_MS);
}

/* Serves one exporter, signal by signal. True: its quantum is used up and there may be more. */
static bool serve(struct dispatch *d, struct subscriber *sub)
{
    if (!sub->session)
        return false;
    look_after_all(d, sub);
    if (!sub->credit_known || subscriber_waits(sub))
        return false;
    serve_letter(d, sub);
    struct pace pace = pace_of(d);
    uint64_t bytes = 0;
    bool went = true;
    while (went && bytes < DISPATCH_QUANTUM_BYTES) {
        went = false;
        for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++) {
            struct lane *lane = subscriber_lane(sub, signal);
            if (!subscriber_takes(sub, signal) || !pace_may_form(&pace, sub, lane))
                continue;
            uint64_t sent = form_one(d, sub, signal);
            bytes += sent;
            went |= sent != 0;
            if (subscriber_waits(sub))
                return false;
        }
    }
    return went;
}

/* ---- time ---- */

static void timer_due(void *ctx)
{
    struct dispatch *d = ctx; /* the turn's chores do the work */
    d->timer_ms = 0;
}

static void set_timer(struct dispatch *d)
{
    struct pace pace = pace_of(d);
    uint64_t due_ms = 0;
    for (size_t i = 0; i < subscribers_count(d->subscribers); i++) {
        const struct subscriber *sub = subscribers_at(d->subscribers, i);
        for (unsigned k = 0; sub->session && k < STORE_SIGNALS; k++)
            pace_earlier(&due_ms, pace_due_ms(&pace, sub, &sub->lanes[k]));
        if (sub->session && replay_due_ms(sub) > pace.now_ms)
            pace_earlier(&due_ms, replay_due_ms(sub));
    }
    if (due_ms == 0 || (d->timer_ms && d->timer_ms <= due_ms))
        return; /* a timer that runs out too early costs one idle turn */
    d->timer_ms = due_ms;
    loop_timer_set(d->timer, due_ms > pace.now_ms ? due_ms - pace.now_ms : 0);
}

bool dispatch_turn(struct dispatch *d)
{
    d->again = false;
    replies_confirm(d->replies);
    size_t count = subscribers_count(d->subscribers);
    bool more = false;
    for (size_t i = 0; i < count; i++)
        more |= serve(d, subscribers_at(d->subscribers, (d->next + i) % count));
    if (count)
        d->next = (d->next + 1) % count;
    set_timer(d);
    return more || d->again;
}

/* ---- the end ---- */

void dispatch_drain(struct dispatch *d)
{
    d->draining = true;
    loop_timer_set(d->timer, 0);
}

void dispatch_hurry(struct dispatch *d, bool hurried)
{
    if (hurried && !d->hurried)
        loop_timer_set(d->timer, 0);
    d->hurried = hurried;
}

/* Whose backlog the end waits for. */
static bool is_waited_for(const struct subscriber *sub)
{
    if (sub->mode == STORE_LIVE)
        return false;
    return sub->session || (sub->owner == OWNER_CONFIG && !sub->left);
}

bool dispatch_idle(const struct dispatch *d)
{
    for (size_t i = 0; i < subscribers_count(d->subscribers); i++) {
        const struct subscriber *sub = subscribers_at(d->subscribers, i);
        if (!is_waited_for(sub))
            continue;
        for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++) {
            struct store_counts counts;
            if (store_consumer_counts(d->store, sub->consumer, signal, &counts) == GW_OK &&
                counts.pending)
                return false;
        }
    }
    return replies_all_said(d->replies);
}

struct dispatch *dispatch_new(struct loop *loop, struct store *store, struct sessions *sessions,
                              struct subscribers *subscribers, struct dead_letters *letters,
                              uint64_t inline_bytes, const struct log *log)
{
    struct dispatch *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->loop = loop;
    d->store = store;
    d->sessions = sessions;
    d->subscribers = subscribers;
    d->letters = letters;
    d->inline_bytes = inline_bytes;
    d->log = log;
    d->timer = loop_timer_new(loop, timer_due, d);
    d->replies = replies_new(store, letters, sessions, log);
    if (!d->timer || !d->replies)
        dispatch_free(&d);
    return d;
}

void dispatch_free(struct dispatch **at)
{
    struct dispatch *d = *at;
    *at = NULL;
    if (!d)
        return;
    loop_timer_free(&d->timer);
    replies_free(&d->replies);
    deliver_fini(&d->deliver);
    free(d);
}
