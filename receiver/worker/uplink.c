// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/uplink.h"

#include <stdlib.h>
#include <unistd.h>

#include "receiver/worker/tickets.h"
#include "shared/base/entropy.h"
#include "shared/bus/peer.h"

#define TICK_MS 100u       /* how coarse deadlines are */
#define SEND_RETRY_MS 10u  /* after the socket took nothing, which credit should prevent */
#define SAY_EVERY_MS 10000u
#define SESSION_YOUNG_MS 3000u /* such a session is with the new router already */

struct uplink {
    struct loop *loop;
    const struct log *log;
    const char *name;
    struct ledger *ledger;
    struct jobs *jobs;
    const struct uplink_events *events;
    void *ctx;
    struct peer *peer;
    struct tickets tickets;
    struct uplink_ticket *cursor; /* the next one that tick() looks at */
    uint8_t incarnation[UPLINK_INCARNATION_BYTES];
    uint64_t credit;    /* bytes that may be in flight; a message alone in flight may be larger */
    uint64_t max_batch; /* bytes; 0: the router named no limit */
    uint32_t wanted;
    bool wanted_known;
    bool ticking;
    uint64_t away_since_ms;
    uint64_t up_since_ms;
    struct loop_timer *tick; /* deadlines; runs while a batch is open */
    struct loop_timer *kick; /* makes a turn come when there is something to send after this turn's chores */
    struct uplink_counters counters;
    struct log_gate send_gate;
    /* The message being put together: too large for the stack of a callback. */
    Masques__Bus__Batch *batches[UPLINK_MESSAGE_BATCHES];
    struct link_payload payloads[UPLINK_MESSAGE_BATCHES];
};

/* ---- settling ---- */

static void forget(struct uplink *u, struct uplink_ticket *ticket)
{
    if (ticket->sent)
        u->counters.in_flight_bytes -= ticket->payload->len;
    if (u->cursor == ticket)
        u->cursor = ticket->next;
    struct blob *payload = ticket->payload;
    uint64_t charge = ticket->charge;
    ticket->payload = NULL;
    tickets_remove(&u->tickets, ticket);
    jobs_give_back(u->jobs, payload, u->ledger, charge);
    u->counters.open = u->tickets.count;
}

/* The batch has its end: whoever still waits is told. */
static void settle(struct uplink *u, struct uplink_ticket *ticket, enum uplink_outcome outcome,
                   uint32_t after_ms)
{
    uplink_done_fn done = ticket->done;
    void *ctx = ticket->ctx;
    if (!done && outcome == UPLINK_STORED)
        u->counters.stored_after_error++;
    forget(u, ticket);
    if (done)
        done(ctx, &(struct uplink_verdict){outcome, after_ms});
}

/* Nobody waits any more. What the router has may still be stored: its number stays open for the verdict. */
static void give_up(struct uplink *u, struct uplink_ticket *ticket)
{
    ticket->done = NULL;
    if (ticket->sent)
        return;
    if (ticket->number)
        u->counters.uncertain++;
    forget(u, ticket);
}

static void tick(void *ctx)
{
    struct uplink *u = ctx;
    uint64_t now_ms = loop_now_ms(u->loop);
    for (struct uplink_ticket *k = u->tickets.first; k; k = u->cursor) {
        u->cursor = k->next; /* forget() moves it on, since done() may abandon any ticket */
        if (!k->done || k->deadline_ms > now_ms)
            continue;
        uplink_done_fn done = k->done;
        void *done_ctx = k->ctx;
        u->counters.expired++;
        give_up(u, k);
        done(done_ctx, &(struct uplink_verdict){UPLINK_ROUTER_AWAY, 0});
    }
    u->ticking = u->tickets.count > 0;
    if (u->ticking)
        loop_timer_set(u->tick, TICK_MS);
}

/* ---- sending ---- */

static bool may_send(const struct uplink *u, const struct uplink_ticket *ticket, uint64_t bytes)
{
    uint64_t after = u->counters.in_flight_bytes + bytes + ticket->payload->len;
    return after <= u->credit || (u->counters.in_flight_bytes == 0 && bytes == 0);
}

/* Collects batches for one message, in order; returns how many. */
static size_t collect(struct uplink *u)
{
    size_t count = 0;
    uint64_t bytes = 0;
    for (struct uplink_ticket *k = u->tickets.unsent; k && count < UPLINK_MESSAGE_BATCHES;
         k = k->next) {
        uint64_t len = k->payload->len;
        if ((count > 0 && bytes + len > UPLINK_MESSAGE_BYTES) || !may_send(u, k, bytes))
            break;
        if (tickets_number(&u->tickets, k) != GW_OK)
            break;
        u->batches[count] = &k->batch;
        u->payloads[count] = (struct link_payload){
            .bytes = slice_make(k->payload->data, k->payload->len), .owner = k->payload};
        bytes += len;
        count++;
    }
    return count;
}

static void mark_sent(struct uplink *u, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct uplink_ticket *ticket = u->tickets.unsent;
        u->counters.in_flight_bytes += ticket->payload->len;
        u->counters.republished += ticket->again;
        tickets_mark_sent(&u->tickets, ticket);
    }
    u->counters.batches += count;
    u->counters.messages++;
}

/* Sends one message with what may go. False: nothing went. */
static bool send_message(struct uplink *u)
{
    size_t count = collect(u);
    if (count == 0)
        return false;
    Masques__Bus__Publish publish = MASQUES__BUS__PUBLISH__INIT;
    publish.lowest_open = tickets_lowest_open(&u->tickets);
    publish.n_batches = count;
    publish.batches = u->batches;
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    frame.body_case = MASQUES__BUS__FRAME__BODY_PUBLISH;
    frame.publish = &publish;
    int err = peer_send(u->peer, &frame, u->payloads, count);
    if (err == GW_OK) {
        mark_sent(u, count);
        return true;
    }
    if (err != GW_ERR_CLOSED) {
        uint64_t times = log_gate_pass(&u->send_gate, loop_now_ms(u->loop), SAY_EVERY_MS);
        if (times)
            log_warn(u->log, "cannot send to the router: %s (%llu times)", gw_strerror(err),
                     (unsigned long long)times);
        loop_timer_set(u->kick, SEND_RETRY_MS);
    }
    return false;
}

/* Refuses what the router will never take, where it would be sent next. */
static bool refuse_too_large(struct uplink *u)
{
    struct uplink_ticket *ticket = u->tickets.unsent;
    if (u->max_batch == 0 || ticket->payload->len <= u->max_batch)
        return false;
    settle(u, ticket, UPLINK_TOO_LARGE, 0);
    return true;
}

/* At the end of a turn: everything that was published in it goes out together. */
static bool flush(void *ctx)
{
    struct uplink *u = ctx;
    if (!u->tickets.unsent || !peer_is_up(u->peer))
        return false;
    while (u->tickets.unsent && (refuse_too_large(u) || send_message(u)))
        ;
    return false;
}

/* Something may be sendable although this turn's chores are perhaps done. */
static void kick_if_waiting(struct uplink *u)
{
    if (u->tickets.unsent && peer_is_up(u->peer))
        loop_timer_set(u->kick, 0);
}

static void kicked(void *ctx)
{
    (void)ctx; /* the turn's chores do the work */
}

/* ---- the session ---- */

static void fill_hello(void *ctx, Masques__Bus__Hello *hello)
{
    struct uplink *u = ctx;
    hello->name = (char *)(uintptr_t)u->name; /* packed, never written to */
    hello->kind = MASQUES__BUS__PEER_KIND__PEER_WORKER;
    hello->pid = (uint32_t)getpid();
    hello->incarnation.data = u->incarnation;
    hello->incarnation.len = sizeof u->incarnation;
}

static void fill_heartbeat(void *ctx, Masques__Bus__Heartbeat *heartbeat)
{
    struct uplink *u = ctx;
    if (u->events && u->events->fill_heartbeat)
        u->events->fill_heartbeat(u->ctx, heartbeat);
}

static void session_up(void *ctx, const Masques__Bus__Welcome *welcome)
{
    struct uplink *u = ctx;
    u->credit = welcome->credit;
    u->max_batch = welcome->max_batch;
    u->wanted = welcome->wanted;
    u->wanted_known = true;
    u->up_since_ms = loop_now_ms(u->loop);
    kick_if_waiting(u);
    if (u->events && u->events->session)
        u->events->session(u->ctx, true);
}

/* Batches that nobody waits for are not published again: their clients were told to try once more. */
static void drop_orphans(struct uplink *u)
{
    for (struct uplink_ticket *k = u->tickets.first, *next; k && k->number; k = next) {
        next = k->next;
        if (!k->done)
            give_up(u, k);
    }
}

static void session_down(void *ctx, const char *why)
{
    struct uplink *u = ctx;
    log_debug(u->log, "session with the router over: %s", why);
    u->away_since_ms = loop_now_ms(u->loop);
    tickets_rewind(&u->tickets);
    u->counters.in_flight_bytes = 0;
    drop_orphans(u);
    if (u->events && u->events->session)
        u->events->session(u->ctx, false);
}

static const enum uplink_outcome outcomes[] = {
    [MASQUES__BUS__REASON__REASON_UNSPECIFIED] = UPLINK_ROUTER_AWAY,
    [MASQUES__BUS__REASON__STORE_FULL] = UPLINK_FULL,
    [MASQUES__BUS__REASON__STORE_BROKEN] = UPLINK_BROKEN,
    [MASQUES__BUS__REASON__TOO_LARGE] = UPLINK_TOO_LARGE,
    [MASQUES__BUS__REASON__STOPPING] = UPLINK_STOPPING,
    [MASQUES__BUS__REASON__UNWANTED] = UPLINK_UNWANTED,
};

static void settle_number(struct uplink *u, uint64_t number, enum uplink_outcome outcome,
                          uint32_t after_ms)
{
    struct uplink_ticket *ticket = tickets_find(&u->tickets, number);
    if (ticket)
        settle(u, ticket, outcome, after_ms);
    else
        u->counters.unknown_verdicts++;
}

static void take_verdicts(struct uplink *u, const Masques__Bus__PublishVerdict *verdict)
{
    for (size_t i = 0; i < verdict->n_stored; i++)
        settle_number(u, verdict->stored[i], UPLINK_STORED, 0);
    for (size_t i = 0; i < verdict->n_refused; i++) {
        const Masques__Bus__Refusal *refusal = verdict->refused[i];
        uint32_t reason = (uint32_t)refusal->reason;
        bool known = reason < sizeof outcomes / sizeof outcomes[0];
        settle_number(u, refusal->number, known ? outcomes[reason] : UPLINK_ROUTER_AWAY,
                      refusal->after_ms);
    }
}

static void take_message(void *ctx, struct link_message *message)
{
    struct uplink *u = ctx;
    switch (message->frame->body_case) {
    case MASQUES__BUS__FRAME__BODY_PUBLISH_VERDICT:
        take_verdicts(u, message->frame->publish_verdict);
        break;
    case MASQUES__BUS__FRAME__BODY_CREDIT:
        u->credit = message->frame->credit->bytes;
        break;
    default: /* of a later version: not for us */
        break;
    }
    link_message_free(&message);
    kick_if_waiting(u);
}

static void take_heartbeat(void *ctx, const Masques__Bus__Heartbeat *heartbeat)
{
    struct uplink *u = ctx;
    u->wanted = heartbeat->wanted;
}

static void refused(void *ctx, bool fenced, const char *why)
{
    struct uplink *u = ctx;
    if (!fenced)
        log_warn(u->log, "the router has another \"%s\": %s", u->name, why);
    else if (u->events && u->events->fenced)
        u->events->fenced(u->ctx, why);
}

static const struct peer_events peer_events = {
    .fill_hello = fill_hello,
    .fill_heartbeat = fill_heartbeat,
    .up = session_up,
    .down = session_down,
    .message = take_message,
    .heartbeat = take_heartbeat,
    .refused = refused,
};

/* ---- public ---- */

struct uplink *uplink_new(const struct uplink_setup *setup)
{
    struct loop *loop = setup->loop;
    struct uplink *u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    u->loop = loop;
    u->log = setup->log;
    u->name = setup->name;
    u->ledger = setup->ledger;
    u->jobs = setup->jobs;
    u->events = setup->events;
    u->ctx = setup->ctx;
    u->away_since_ms = loop_now_ms(loop);
    tickets_init(&u->tickets);
    entropy_fill(u->incarnation, sizeof u->incarnation);
    u->tick = loop_timer_new(loop, tick, u);
    u->kick = loop_timer_new(loop, kicked, u);
    /* The chore comes before that of the peer's socket, which looks what the sending has left unread. */
    if (!u->tick || !u->kick || loop_add_chore(loop, flush, u) != GW_OK)
        goto fail_timers;
    u->peer = peer_new(loop, setup->context, setup->endpoint, &peer_events, u, setup->log);
    if (!u->peer)
        goto fail_chore;
    return u;

fail_chore:
    loop_remove_chore(loop, flush, u);
fail_timers:
    loop_timer_free(&u->kick);
    loop_timer_free(&u->tick);
    free(u);
    return NULL;
}

void uplink_free(struct uplink **at)
{
    struct uplink *u = *at;
    if (!u)
        return;
    loop_remove_chore(u->loop, flush, u);
    peer_free(&u->peer);
    loop_timer_free(&u->kick);
    loop_timer_free(&u->tick);
    tickets_fini(&u->tickets);
    free(u);
    *at = NULL;
}

struct uplink_ticket *uplink_publish(struct uplink *u, const struct uplink_batch *batch,
                                     uint64_t deadline_ms, uplink_done_fn done, void *ctx)
{
    struct uplink_ticket *ticket = tickets_add(&u->tickets, batch);
    if (!ticket)
        return NULL;
    ticket->deadline_ms = deadline_ms;
    ticket->done = done;
    ticket->ctx = ctx;
    u->counters.open = u->tickets.count;
    if (!u->ticking) {
        u->ticking = true;
        loop_timer_set(u->tick, TICK_MS);
    }
    return ticket;
}

void uplink_abandon(struct uplink *u, struct uplink_ticket *ticket)
{
    give_up(u, ticket);
}

bool uplink_is_up(const struct uplink *u)
{
    return peer_is_up(u->peer);
}

void uplink_router_restarted(struct uplink *u)
{
    if (uplink_is_up(u) && loop_now_ms(u->loop) - u->up_since_ms > SESSION_YOUNG_MS)
        peer_restart(u->peer, "the router was started anew");
}

uint64_t uplink_away_ms(const struct uplink *u)
{
    return uplink_is_up(u) ? 0 : loop_now_ms(u->loop) - u->away_since_ms;
}

uint32_t uplink_wanted(const struct uplink *u, uint32_t before)
{
    return u->wanted_known ? u->wanted : before;
}

const struct uplink_counters *uplink_counters(const struct uplink *u)
{
    return &u->counters;
}
