// SPDX-License-Identifier: Apache-2.0
/* The router, put together: sessions of the bus on one side, the store on the other, ingress and
 * dispatch between them, and the rhythm of a turn: all messages in, one commit, verdicts out,
 * deliveries out. */
#ifndef MASQUES_ROUTER_ROUTER_H
#define MASQUES_ROUTER_ROUTER_H

#include <stdbool.h>

#include <masques/control.pb-c.h>

#include "shared/bus/link.h"

struct router;

struct router_options {
    const char *endpoint; /* of the bus, to bind */
    uint64_t run;         /* of the gateway, for WELCOME */
    const Masques__Control__RouterSettings *settings;
    uint32_t beat_ms;           /* between heartbeats; 0: as the bus has it */
    uint32_t silence_ms;        /* that ends a session; 0: as the bus has it */
    void (*drained)(void *ctx); /* router_drain() has come to its end; called from the loop */
    /* A registration is no more: its process is not to come back. May be NULL. */
    void (*detached)(void *ctx, const char *name);
    void *ctx;
};

enum router_failure {
    ROUTER_FAILURE_PASSING, /* another start may succeed */
    ROUTER_FAILURE_LASTING, /* an operator must act */
};

/* Opens the store and binds: ready when it returns. Everything in `options` is borrowed for the
 * router's life. Returns owned, or NULL with one sentence in `why` (of `why_size` bytes). */
struct router *router_new(struct loop *loop, struct link_context *context,
                          const struct router_options *options, const struct log *log, char *why,
                          size_t why_size, enum router_failure *failure);
/* Closes the bus without a word and then the store. */
void router_free(struct router **router);

/* A name and its pid, from the master. */
void router_expect(struct router *router, const Masques__Control__Expect *expect);

/* The configuration names these exporters from now on; borrowed. Errors are said in the log. */
void router_reconfigure(struct router *router, const Masques__Control__Reconfigure *reconfigure);

/* Delivers what is pending to the exporters that are there; options.drained() follows when nothing
 * is left, or after `within_ms`. New batches are taken meanwhile. */
void router_drain(struct router *router, uint32_t within_ms);

/* Says in the log what stays undelivered. */
void router_say_left(const struct router *router);

/* Fills in a beat; what it points at is borrowed until the next call. */
void router_fill_beat(struct router *router, Masques__Control__Beat *beat);

#endif
