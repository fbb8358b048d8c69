// SPDX-License-Identifier: Apache-2.0
/* The way from a worker to the router: batches go out under ids that stay theirs, verdicts come back. While the
 * router is away batches are held, and published again under the same id when it is back; all batches of one turn
 * of the loop travel in one message. What may be in flight is bounded by the credit of WELCOME; the rest waits here,
 * inside the worker's ledger. */
#ifndef MASQUES_WORKER_UPLINK_H
#define MASQUES_WORKER_UPLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "receiver/worker/jobs.h"
#include "receiver/worker/ledger.h"
#include "shared/base/blob.h"
#include "shared/base/log.h"
#include "shared/base/loop.h"
#include "shared/bus/link.h"
#include "shared/otlp/sources.h"

#define UPLINK_MESSAGE_BATCHES 64u              /* in one PUBLISH */
#define UPLINK_MESSAGE_BYTES (4u * 1024 * 1024) /* payload of one PUBLISH; a larger batch travels alone */
#define UPLINK_INCARNATION_BYTES 16u

struct uplink;

/* Why a batch was not stored; reasons beyond the router's own (masques.bus.Reason) are the uplink's. */
enum uplink_outcome {
    UPLINK_STORED,
    UPLINK_ROUTER_AWAY, /* the deadline passed while the router was gone or had given no verdict */
    UPLINK_FULL,        /* the store takes no more */
    UPLINK_BROKEN,      /* the store's device answers with errors */
    UPLINK_TOO_LARGE,   /* can never be stored */
    UPLINK_UNWANTED,    /* no exporter wants the signal */
    UPLINK_STOPPING,
};

struct uplink_verdict {
    enum uplink_outcome outcome;
    uint32_t after_ms; /* when to try again; 0: never, or not known */
};

/* Called exactly once for every uplink_publish() that was not abandoned, never from inside it. It may publish and
 * abandon. */
typedef void (*uplink_done_fn)(void *ctx, const struct uplink_verdict *verdict);

struct uplink_batch {
    uint32_t signal; /* bus Signal */
    uint32_t stream;
    uint32_t records;
    uint64_t received_ns;                 /* wall clock */
    struct blob *payload;                 /* held by the uplink until the verdict */
    uint64_t charge;                      /* bytes in the ledger that go with it: see uplink_publish() */
    const struct sources *sources;        /* copied; its slices lie in the payload; may be NULL */
};

struct uplink_ticket; /* one batch on its way; dead after done() or uplink_abandon() */

/* What the uplink tells its worker. Any of them may be NULL. */
struct uplink_events {
    /* A newer process has our name: this one should end. */
    void (*fenced)(void *ctx, const char *why);
    /* A session came or went. */
    void (*session)(void *ctx, bool up);
    /* Fill in what the heartbeat to the router says; pointers are borrowed until the call returns to the loop. */
    void (*fill_heartbeat)(void *ctx, Masques__Bus__Heartbeat *heartbeat);
};

/* Totals since the start; gauges where it says so. */
struct uplink_counters {
    uint64_t messages;           /* PUBLISH messages */
    uint64_t batches;            /* in them, republished ones each time */
    uint64_t republished;        /* batches that were sent again under the same number */
    uint64_t stored_after_error; /* stored although nobody waited any more */
    uint64_t uncertain;          /* given up after having been sent, without a verdict */
    uint64_t expired;            /* answered UPLINK_ROUTER_AWAY */
    uint64_t unknown_verdicts;   /* for a number that is not open */
    uint64_t open;               /* gauge: batches without a verdict, waited for or not */
    uint64_t in_flight_bytes;    /* gauge: sent in this session, without a verdict */
};

struct uplink_setup {
    struct loop *loop;
    struct link_context *context;
    const char *endpoint; /* of the router */
    const char *name;     /* of this worker on the bus: "worker/1" */
    struct ledger *ledger;
    struct jobs *jobs; /* for freeing large payloads; may be NULL */
    const struct uplink_events *events; /* may be NULL */
    void *ctx;                          /* of the events */
    const struct log *log;
};

/* Connects at the next turn. What `setup` points at is borrowed for the uplink's life. Returns owned; NULL: no
 * memory. */
struct uplink *uplink_new(const struct uplink_setup *setup);
/* Batches that are still open are dropped; nobody is told. */
void uplink_free(struct uplink **uplink);

/* Returns the ticket, or NULL: no memory (done is not called, the charge stays the caller's). The uplink takes the
 * charge and gives it back to the ledger when the batch has its end, which for an abandoned one may be later than
 * anybody waits. `deadline_ms` is on loop_now_ms's clock; done comes
 * at most 100 ms after it. Batches are sent in the order of publication, at the end of the turn. Not for chores and
 * deferred calls, after which the turn may be over. */
struct uplink_ticket *uplink_publish(struct uplink *uplink, const struct uplink_batch *batch,
                                     uint64_t deadline_ms, uplink_done_fn done, void *ctx);

/* The client is gone. A batch that was sent may still be stored (counted as such); one that was not is withdrawn. */
void uplink_abandon(struct uplink *uplink, struct uplink_ticket *ticket);

bool uplink_is_up(const struct uplink *uplink);
/* The master says that the router was started anew: no need to wait until it is heard to be silent. */
void uplink_router_restarted(struct uplink *uplink);
/* How long there has been no session, ms; 0 while there is one. */
uint64_t uplink_away_ms(const struct uplink *uplink);
/* Bit n set: some exporter wants signal n, by the router's last word; `before` until it has spoken. */
uint32_t uplink_wanted(const struct uplink *uplink, uint32_t before);
const struct uplink_counters *uplink_counters(const struct uplink *uplink);

#endif
