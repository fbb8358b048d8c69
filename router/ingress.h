// SPDX-License-Identifier: Apache-2.0
/* What workers publish: batches go into the store, and their verdicts back, one message a worker
 * and turn. Messages are kept until the store has settled their batches; how many there can be
 * follows from the workers' credit. Knows workers and the store, not who the batches are for. */
#ifndef MASQUES_ROUTER_INGRESS_H
#define MASQUES_ROUTER_INGRESS_H

#include <stdbool.h>

#include "router/seen.h"
#include "router/sessions.h"
#include "router/store/store.h"

#define INGRESS_RETRY_MS                                                                           \
    1000u /* what a refused worker is told to wait; OTLP clients get seconds of it */

/* Totals since the start, records unless said otherwise. Index: signal - 1. */
struct ingress_counters {
    uint64_t stored[STORE_SIGNALS];
    uint64_t refused[STORE_SIGNALS];
    uint64_t batches;     /* stored */
    uint64_t republished; /* batches that were stored already, answered again */
};

/* What a commit added to the store. Index: signal - 1. */
struct ingress_fresh {
    uint64_t records[STORE_SIGNALS];
    uint64_t bytes[STORE_SIGNALS];
};

struct ingress;

/* All borrowed for its life; `memory_bytes` is what all workers together may have in flight, `seen`
 * is told of every batch that is stored, `directory` is the store's, to be named. Returns owned;
 * NULL: no memory. */
struct ingress *ingress_new(struct loop *loop, struct store *store, struct sessions *sessions,
                            uint64_t memory_bytes, struct seen *seen, const char *directory,
                            const struct log *log);
void ingress_free(struct ingress **ingress);

/* A worker says HELLO. The ids of the process that had the name before are forgotten, if it is
 * another one: it is heard no more. 0; GW_ERR_INVALID: no incarnation; GW_ERR_NOMEM. */
int ingress_admit(struct ingress *ingress, struct session *session,
                  const Masques__Bus__Hello *hello) GW_MUST_CHECK;
/* Fills in the worker's credit. */
void ingress_welcome(struct ingress *ingress, Masques__Bus__Welcome *welcome);
/* The worker is welcome: with more workers there is less for each. */
void ingress_opened(struct ingress *ingress);
void ingress_closed(struct ingress *ingress, struct session *session);

/* Queues the batches for the commit and takes the message from the sessions. `wanted`: bit n set when somebody takes signal n; others are refused. */
void ingress_publish(struct ingress *ingress, struct session *session,
                     const struct link_message *message, uint32_t wanted);

/* The turn's one commit, and the verdicts that follow from it. *fresh says what is in the store
 * now. */
void ingress_commit(struct ingress *ingress, struct ingress_fresh *fresh);
/* When the turn has nothing more to tell the store: what waits for the device goes to the store's
 * thread, if it is free. Entries of the journal wait a little for batches to go first, so that a
 * client's answer takes one sync and not two. */
void ingress_start(struct ingress *ingress);
/* Every batch is settled. */
bool ingress_idle(const struct ingress *ingress);

/* Once a second: finds out whether a store that was full still is. */
void ingress_tick(struct ingress *ingress);

/* New telemetry can be stored, as far as the last answers of the store tell. */
bool ingress_accepting(const struct ingress *ingress);
/* Why not: HEALTH_OK, HEALTH_FULL, or HEALTH_DEGRADED for a device with errors. */
Masques__Bus__Health ingress_health(const struct ingress *ingress);

/* The same in words, with the directory; or, when data is taken, why deliveries wait: the journal cannot be
 * written. Empty: nothing is wrong. Borrowed until the next commit. */
const char *ingress_error(const struct ingress *ingress);

const struct ingress_counters *ingress_counters(const struct ingress *ingress);

#endif
