// SPDX-License-Identifier: Apache-2.0
/* The batches of a worker that have no verdict yet, in the order of their publication; those that were ever sent
 * carry a number and come first. Pure bookkeeping for the uplink: no sockets, no clock. */
#ifndef MASQUES_WORKER_TICKETS_H
#define MASQUES_WORKER_TICKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "receiver/worker/uplink.h"

struct uplink_ticket {
    struct uplink_ticket *next;
    struct uplink_ticket *prev;
    uint64_t number; /* 0: never sent */
    uint64_t deadline_ms;
    uplink_done_fn done; /* NULL: nobody waits any more */
    void *ctx;
    struct blob *payload;
    uint64_t charge; /* bytes in the ledger */
    bool sent;  /* in the session that is up */
    bool again; /* was sent in an earlier session */
    Masques__Bus__Batch batch;
    Masques__Bus__Sources sources; /* with what it points at behind the ticket, in the same memory */
};

/* Embedded by the uplink; read the fields, change them by the functions. */
struct tickets {
    struct uplink_ticket *first; /* NULL: empty */
    struct uplink_ticket *last;
    struct uplink_ticket *unsent; /* the first that was not sent in this session, NULL: none */
    struct uplink_ticket **ring;  /* by number & (ring_size - 1) */
    size_t ring_size;             /* a power of two, >= the span of open numbers */
    uint64_t next_number;
    uint64_t count;
};

/* No memory is taken before the first number is given. Numbers start at 1. */
void tickets_init(struct tickets *t);
/* Frees all tickets and drops their payloads. */
void tickets_fini(struct tickets *t);

/* A ticket at the end of the list, with a copy of the batch's description and a hold on its payload. NULL: no
 * memory. */
struct uplink_ticket *tickets_add(struct tickets *t, const struct uplink_batch *batch);

/* Takes the ticket out of the list and frees it. */
void tickets_remove(struct tickets *t, struct uplink_ticket *ticket);

/* Gives a ticket the next number, unless it has one; all before it must have theirs. GW_ERR_NOMEM: unchanged. */
int tickets_number(struct tickets *t, struct uplink_ticket *ticket) GW_MUST_CHECK;
/* The ticket, which is t->unsent, has gone out. */
void tickets_mark_sent(struct tickets *t, struct uplink_ticket *ticket);

/* The open ticket of that number, or NULL. */
struct uplink_ticket *tickets_find(const struct tickets *t, uint64_t number);

/* What PUBLISH says: no number below this one is open. */
uint64_t tickets_lowest_open(const struct tickets *t);

/* The session is over: everything is unsent again, numbers kept. */
void tickets_rewind(struct tickets *t);

#endif
