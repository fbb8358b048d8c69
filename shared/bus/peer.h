// SPDX-License-Identifier: Apache-2.0
/* A session with the router, as workers and exporters have it: HELLO, WELCOME, heartbeats every second in both
 * directions; 2 s of silence, RESET or a dead socket open a new socket and say HELLO again. What lies above only
 * sees sessions come and go. */
#ifndef MASQUES_BUS_PEER_H
#define MASQUES_BUS_PEER_H

#include <stdbool.h>

#include "shared/bus/link.h"

#define PEER_HEARTBEAT_MS 1000u
#define PEER_SILENCE_MS 2000u

struct peer;

struct peer_events {
    /* Fill in what HELLO says; what the pointers point at is borrowed until the call returns to the loop. */
    void (*fill_hello)(void *ctx, Masques__Bus__Hello *hello);
    /* Fill in health, error and counters. May be NULL. */
    void (*fill_heartbeat)(void *ctx, Masques__Bus__Heartbeat *heartbeat);
    /* A new session begins. Borrows `welcome`. */
    void (*up)(void *ctx, const Masques__Bus__Welcome *welcome);
    /* The session that was up is over (never called twice in a row). */
    void (*down)(void *ctx, const char *why);
    /* Takes a message of the session that the peer does not handle itself. */
    void (*message)(void *ctx, struct link_message *message);
    /* The router's heartbeat. Borrows. May be NULL. */
    void (*heartbeat)(void *ctx, const Masques__Bus__Heartbeat *heartbeat);
    /* The name belongs to another. FENCED (fenced = true): a newer session replaced ours, the process should exit,
     * and the peer asks no more.
     * Otherwise NAME_IN_USE: the peer goes on asking every 200 ms. */
    void (*refused)(void *ctx, bool fenced, const char *why);
};

/* Connects at the next turn. `endpoint` and `events` are borrowed for the peer's life. Returns owned; NULL: no
 * memory. */
struct peer *peer_new(struct loop *loop, struct link_context *context, const char *endpoint,
                      const struct peer_events *events, void *ctx, const struct log *log);

/* Says BYE when a session is up, and closes. */
void peer_free(struct peer **peer);

bool peer_is_up(const struct peer *peer);

/* As link_send, within the session. GW_ERR_CLOSED: no session is up. */
int peer_send(struct peer *peer, Masques__Bus__Frame *frame, const struct link_payload *payloads,
              size_t count) GW_MUST_CHECK;

/* Ends the session now and begins anew (a protocol error was seen). */
void peer_restart(struct peer *peer, const char *why);

#endif
