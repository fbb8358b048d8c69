// SPDX-License-Identifier: Apache-2.0
/* The router of a running gateway, asked over the bus (proto/masques/bus.proto, Request and Answer): a session of kind
 * PEER_CONTROL for as long as the questions take. */
#ifndef MASQUES_CTL_ROUTER_H
#define MASQUES_CTL_ROUTER_H

#include "shared/base/buf.h"
#include "shared/bus/link.h"

#define ROUTER_ANSWERS_MAX 4096u /* to one question */

struct router;

/* All answers to one question, in order; the last says how it ended. */
struct router_answers {
    struct link_message **messages;
    size_t count;
};

struct router_question {
    Masques__Bus__Request *request; /* borrowed; its number is filled in */
    bool patient;     /* the router answers only when something is done, */
    uint32_t within_ms; /* which it was told to give up after so long; 0: no limit */
    bool repeatable;  /* to be asked again of a router that was started anew meanwhile */
};

/* Nothing is connected yet. `endpoint` is borrowed for the router's life; every wait for a sign of it ends after
 * `timeout_ms`. Returns owned, or NULL with a sentence in `why` (appended). */
struct router *router_new(const char *endpoint, uint32_t timeout_ms, struct buf *why);
/* Says BYE. */
void router_free(struct router **router);

/* Asks, and waits for the last answer. 0: `answers` (to be freed in every case) is complete, which may be an error in
 * words of the router's: router_error(); otherwise GW_ERR_NOT_FOUND, _IO, _CLOSED, _AGAIN (no answer in time), _NOMEM,
 * _FULL with one sentence in `why` (appended). */
int router_ask(struct router *router, const struct router_question *question, struct router_answers *answers,
               struct buf *why) GW_MUST_CHECK;

void router_answers_free(struct router_answers *answers);
const Masques__Bus__Answer *router_answer(const struct router_answers *answers, size_t i);
/* Of the last one: what went wrong, "" when nothing did; and its count. */
const char *router_error(const struct router_answers *answers);
uint64_t router_count(const struct router_answers *answers);

#endif
