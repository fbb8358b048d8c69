// SPDX-License-Identifier: Apache-2.0
#include "shared/bus/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RETRY_NAME_MS 200u

/* no socket -> asked (HELLO is out) -> up; every loss of the session leads back to no socket, but FENCED to the end. */
enum state {
    STATE_NONE,
    STATE_ASKED,
    STATE_UP,
    STATE_FENCED, /* no socket; another has the name for good, and asking would take it away from it */
};

struct peer {
    struct loop *loop;
    struct link_context *context;
    const char *endpoint;
    const struct peer_events *events;
    void *ctx;
    const struct log *log;

    enum state state;
    struct link *link;
    uint64_t session;
    uint64_t sequence;   /* of our heartbeats */
    uint64_t attempt;    /* HELLOs said */
    uint64_t heard_ms;   /* when the router was last heard, or asked */
    uint64_t ticked_ms;  /* when our own tick last came */
    struct loop_timer *tick;
    struct loop_timer *again; /* asks for a name that is in use */
    struct log_gate failed;
};

static void ask(struct peer *peer);

static void close_session(struct peer *peer, const char *why)
{
    bool was_up = peer->state == STATE_UP;
    link_drop(&peer->link);
    peer->state = STATE_NONE;
    peer->session = 0;
    if (was_up)
        peer->events->down(peer->ctx, why);
}

void peer_restart(struct peer *peer, const char *why)
{
    if (peer->state == STATE_FENCED)
        return;
    close_session(peer, why);
    loop_timer_set(peer->again, 0);
}

/* ---- what the router says -------------------------------------------------------------------------------------- */

static void welcomed(struct peer *peer, const Masques__Bus__Welcome *welcome)
{
    if (peer->state != STATE_ASKED)
        return;
    peer->state = STATE_UP;
    peer->session = welcome->session;
    peer->events->up(peer->ctx, welcome);
}

static void name_in_use(struct peer *peer, const Masques__Bus__NameInUse *answer)
{
    char why[160];
    snprintf(why, sizeof why, "the name %.80s is in use by process %u", answer->name, answer->pid);
    close_session(peer, why);
    loop_timer_set(peer->again, RETRY_NAME_MS);
    peer->events->refused(peer->ctx, false, why);
}

/* True: the message was for the session layer. */
static bool session_message(struct peer *peer, const Masques__Bus__Frame *frame)
{
    switch (frame->body_case) {
    case MASQUES__BUS__FRAME__BODY_WELCOME:
        welcomed(peer, frame->welcome);
        return true;
    case MASQUES__BUS__FRAME__BODY_NAME_IN_USE:
        name_in_use(peer, frame->name_in_use);
        return true;
    case MASQUES__BUS__FRAME__BODY_FENCED:
        close_session(peer, "a newer session has our name");
        peer->state = STATE_FENCED;
        peer->events->refused(peer->ctx, true, "a newer session has our name");
        return true;
    case MASQUES__BUS__FRAME__BODY_RESET:
        peer_restart(peer, "the router does not know our session");
        return true;
    case MASQUES__BUS__FRAME__BODY_HEARTBEAT:
        if (peer->events->heartbeat && peer->state == STATE_UP)
            peer->events->heartbeat(peer->ctx, frame->heartbeat);
        return true;
    default:
        return false;
    }
}

static void message_came(void *ctx, struct link_message *message)
{
    struct peer *peer = ctx;
    peer->heard_ms = loop_now_ms(peer->loop);
    if (session_message(peer, message->frame) || peer->state != STATE_UP ||
        message->frame->session != peer->session) {
        link_message_free(&message);
        return;
    }
    peer->events->message(peer->ctx, message);
}

/* ---- what we say ----------------------------------------------------------------------------------------------- */

static void say_hello(struct peer *peer)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Hello hello = MASQUES__BUS__HELLO__INIT;
    hello.pid = (uint32_t)getpid();
    hello.attempt = ++peer->attempt;
    peer->events->fill_hello(peer->ctx, &hello);
    frame.body_case = MASQUES__BUS__FRAME__BODY_HELLO;
    frame.hello = &hello;
    if (link_send(peer->link, 0, &frame, NULL, 0) != GW_OK)
        log_warn(peer->log, "bus: HELLO could not be sent");
}

static void ask(struct peer *peer)
{
    const char *why = NULL;
    uint64_t now = loop_now_ms(peer->loop);
    peer->heard_ms = now;
    peer->link = link_connect(peer->loop, peer->context, peer->endpoint, message_came, peer,
                              peer->log, &why);
    if (!peer->link) {
        if (log_gate_pass(&peer->failed, now, 10000))
            log_warn(peer->log, "bus: cannot connect to %s: %s", peer->endpoint, why);
        return; /* the tick asks again */
    }
    peer->state = STATE_ASKED;
    say_hello(peer);
}

static void ask_again(void *ctx)
{
    struct peer *peer = ctx;
    if (peer->state == STATE_NONE)
        ask(peer);
}

static void say_heartbeat(struct peer *peer)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Heartbeat beat = MASQUES__BUS__HEARTBEAT__INIT;
    beat.sequence = ++peer->sequence;
    if (peer->events->fill_heartbeat)
        peer->events->fill_heartbeat(peer->ctx, &beat);
    frame.body_case = MASQUES__BUS__FRAME__BODY_HEARTBEAT;
    frame.heartbeat = &beat;
    if (peer_send(peer, &frame, NULL, 0) != GW_OK)
        log_debug(peer->log, "bus: a heartbeat could not be sent");
}

static void tick(void *ctx)
{
    struct peer *peer = ctx;
    uint64_t now = loop_now_ms(peer->loop);
    /* A tick that came late says that we slept, not that the router is silent. */
    if (now - peer->ticked_ms > PEER_HEARTBEAT_MS + PEER_HEARTBEAT_MS / 2)
        peer->heard_ms = now;
    peer->ticked_ms = now;
    loop_timer_set(peer->tick, PEER_HEARTBEAT_MS);
    if (peer->link)
        link_check(peer->link);
    if (peer->link && now - peer->heard_ms >= PEER_SILENCE_MS) {
        close_session(peer, "the router is silent");
        ask(peer);
    } else if (peer->state == STATE_NONE) {
        ask(peer);
    } else if (peer->state == STATE_UP) {
        say_heartbeat(peer);
    }
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

struct peer *peer_new(struct loop *loop, struct link_context *context, const char *endpoint,
                      const struct peer_events *events, void *ctx, const struct log *log)
{
    struct peer *peer = calloc(1, sizeof *peer);
    if (!peer)
        return NULL;
    peer->loop = loop;
    peer->context = context;
    peer->endpoint = endpoint;
    peer->events = events;
    peer->ctx = ctx;
    peer->log = log;
    peer->ticked_ms = loop_now_ms(loop);
    peer->tick = loop_timer_new(loop, tick, peer);
    peer->again = loop_timer_new(loop, ask_again, peer);
    if (!peer->tick || !peer->again) {
        loop_timer_free(&peer->tick);
        loop_timer_free(&peer->again);
        free(peer);
        return NULL;
    }
    loop_timer_set(peer->again, 0);
    loop_timer_set(peer->tick, PEER_HEARTBEAT_MS);
    return peer;
}

void peer_free(struct peer **at)
{
    struct peer *peer = *at;
    *at = NULL;
    if (!peer)
        return;
    if (peer->state == STATE_UP) {
        Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
        Masques__Bus__Bye bye = MASQUES__BUS__BYE__INIT;
        frame.body_case = MASQUES__BUS__FRAME__BODY_BYE;
        frame.bye = &bye;
        if (peer_send(peer, &frame, NULL, 0) != GW_OK)
            log_debug(peer->log, "bus: BYE could not be sent");
    }
    link_close(&peer->link);
    loop_timer_free(&peer->tick);
    loop_timer_free(&peer->again);
    free(peer);
}

bool peer_is_up(const struct peer *peer)
{
    return peer->state == STATE_UP;
}

int peer_send(struct peer *peer, Masques__Bus__Frame *frame, const struct link_payload *payloads,
              size_t count)
{
    if (peer->state != STATE_UP)
        return GW_ERR_CLOSED;
    frame->session = peer->session;
    return link_send(peer->link, 0, frame, payloads, count);
}
