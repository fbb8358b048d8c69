// SPDX-License-Identifier: Apache-2.0
/* An exporter's side of the bus: which deliveries it holds, which verdicts it has given and not seen confirmed, and
 * what it says about both when a session begins (proto/masques/bus.proto). A verdict is kept until VERDICT_OK: a
 * repeated DELIVER is answered from memory, and a new session hears it again, so that neither a lost message nor the
 * death of the router makes the exporter push the same bytes twice. */
#ifndef MASQUES_EXPORTERS_COMMON_SESSION_H
#define MASQUES_EXPORTERS_COMMON_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "exporters/common/delivery.h"
#include "shared/bus/peer.h"

#define SESSION_CREDIT_BYTES (16u * 1024 * 1024) /* of deliveries in progress, if nothing else is said */
#define SESSION_SIGNALS 3u

/* What HELLO says. Strings are borrowed for the session's life. */
struct session_identity {
    const char *name;
    const char *type;
    uint32_t signals; /* bit n set: wants Signal n */
    Masques__Bus__Mode mode;
    Masques__Bus__Start start;
    uint32_t max_records; /* wishes; 0: the router's default */
    uint64_t max_bytes;
    uint32_t linger_ms;
    uint32_t in_flight;
    bool local;   /* extents can be read */
    bool replace; /* take the name from a living session; once, in the first HELLO that is heard */
    uint64_t credit_bytes;
};

struct session_events {
    /* Takes the delivery, whose verdict comes with delivery_finish(). */
    void (*push)(void *ctx, struct delivery *delivery);
    /* Forget the delivery: it is freed after the call. */
    void (*cancel)(void *ctx, struct delivery *delivery);
    /* A note of the delivery is in the router's journal. */
    void (*progressed)(void *ctx, struct delivery *delivery);
    /* A session begins. Can extents be read from now on? If HELLO said otherwise, it is said again. */
    bool (*welcome)(void *ctx, const Masques__Bus__Welcome *welcome);
    /* The router wants the name to leave: drain, then end. */
    void (*drain)(void *ctx, uint32_t within_ms);
    /* As peer_events.refused. */
    void (*refused)(void *ctx, bool fenced, const char *why);
    /* A session came or went, or a delivery was settled. */
    void (*changed)(void *ctx);
    /* Fill in health and error of the heartbeat; error borrowed until the call returns to the loop. */
    void (*health)(void *ctx, Masques__Bus__Health *health, const char **error);
};

/* Records since the start; index: Signal - 1. */
struct session_counters {
    uint64_t delivered[SESSION_SIGNALS];
    uint64_t rejected[SESSION_SIGNALS];
};

struct session;

/* Everything is borrowed for the session's life. Returns owned; NULL: no memory. */
struct session *session_new(struct loop *loop, struct link_context *context, const char *endpoint,
                            const struct session_identity *identity, struct reader *reader,
                            const struct session_events *events, void *ctx, const struct log *log);
/* Says BYE and closes. Deliveries in progress are freed: their exporter must have been closed before. */
void session_free(struct session **session);

/* From now on DELIVER is not heard: what comes is for the next one under this name. */
void session_stop_taking(struct session *session);

bool session_is_up(const struct session *session);
bool session_was_up(const struct session *session); /* ever */
uint64_t session_run(const struct session *session);      /* WELCOME.run; 0 before the first */
size_t session_in_progress(const struct session *session);
size_t session_unconfirmed(const struct session *session); /* verdicts */
const struct session_counters *session_counters(const struct session *session);

#endif
