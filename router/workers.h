// SPDX-License-Identifier: Apache-2.0
/* The workers that publish: their incarnations, their share of the memory, and the verdicts that
 * each of them is to hear at the end of the turn. Shared by ingress and its tests; knows nothing of
 * batches. */
#ifndef MASQUES_ROUTER_WORKERS_H
#define MASQUES_ROUTER_WORKERS_H

#include "router/sessions.h"
#include "router/store/store.h"

#define WORKERS_MAX SESSIONS_MAX /* names remembered while they are away */
#define WORKERS_SHARES_MIN 4u    /* the memory is shared by at least so many */

/* A worker's name, living or away: while it is away its process may still come back and publish
 * again. Read the fields, change them by the functions. */
struct worker {
    char name[SESSION_NAME_MAX_BYTES + 1];
    uint8_t incarnation[STORE_INCARNATION_BYTES];
    uint8_t former[STORE_INCARNATION_BYTES]; /* of the process that had the name before */
    bool replaced;                           /* `former` is to be forgotten */
    struct session *session;                 /* NULL: away */
    uint64_t left;                           /* rises with every leave: the lowest left first */
    /* The verdicts of this turn. */
    uint64_t *stored;
    size_t stored_count, stored_cap;
    Masques__Bus__Refusal *refused;
    size_t refused_count, refused_cap;
};

struct workers;

/* All borrowed for its life; `memory_bytes` is what all workers together may have in flight.
 * Returns owned; NULL: no memory. */
struct workers *workers_new(struct loop *loop, struct sessions *sessions, uint64_t memory_bytes,
                            const struct log *log);
void workers_free(struct workers **workers);

/* A worker says HELLO; it becomes the session's owner. 0; GW_ERR_INVALID: no incarnation;
 * GW_ERR_NOMEM. */
int workers_admit(struct workers *workers, struct session *session,
                  const Masques__Bus__Hello *hello) GW_MUST_CHECK;
/* Its session is over: verdicts that it did not hear are dropped. */
void workers_leave(struct workers *workers, struct worker *worker);

/* Bytes that each worker may have without a verdict. */
uint64_t workers_credit(const struct workers *workers);
/* One more is here: with more of them there is less for each, and they hear so. */
void workers_share(struct workers *workers);

/* Adds to the verdicts of a living worker. Without memory its session ends: it asks again in the
 * next. `after_ms`: 0: never. */
void workers_stored(struct workers *workers, struct worker *worker, uint64_t number);
void workers_refused(struct workers *workers, struct worker *worker, uint64_t number,
                     Masques__Bus__Reason reason, uint32_t after_ms);

/* After the commit, with nothing queued: sends each worker its verdicts in one message, has the
 * store forget the incarnations that are heard no more, and drops names over WORKERS_MAX, those
 * that are away the longest first. What cannot be sent is kept for the next time. */
void workers_end_of_turn(struct workers *workers, struct store *store);

#endif
