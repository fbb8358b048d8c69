// SPDX-License-Identifier: Apache-2.0
/* From the body of a request to a batch: inflating, JSON to protobuf, the walk, mending, and who speaks in it. Pure but
 * for the ledger, which it asks before it takes memory: no loop, no sockets, no clock, so that large bodies can be
 * refined on another thread than the loop's (jobs.h). */
#ifndef MASQUES_WORKER_REFINE_H
#define MASQUES_WORKER_REFINE_H

#include "receiver/worker/endpoint.h"
#include "receiver/worker/inflate.h"
#include "receiver/worker/ledger.h"
#include "receiver/worker/limits.h"
#include "shared/base/blob.h"
#include "shared/base/buf.h"
#include "shared/otlp/sources.h"

/* What is refined on the loop has at most this many bytes, as received and inflated. Telemetry of that size takes a
 * fifth of a millisecond, and the worst that somebody may send (messages without content: some 40 ns for two bytes of
 * protobuf or three of JSON) less than the 5 ms that a turn of the loop may take. */
#define REFINE_LOOP_BYTES (128u << 10)
#define REFINE_LOOP_JSON_BYTES (192u << 10)

/* Tools of one thread, reused from body to body. */
struct refinery {
    struct inflate *inflate;
    struct buf json; /* what JSON becomes, before its size is known */
};

/* GW_OK; GW_ERR_NOMEM: nothing to free. */
int refinery_init(struct refinery *tools) GW_MUST_CHECK;
void refinery_fini(struct refinery *tools);

struct refine {
    /* What is asked: */
    enum otlp_signal signal;
    enum otlp_codec codec;
    enum endpoint_coding coding;
    const struct limits *limits;
    uint64_t max_bytes; /* inflated */
    struct ledger *ledger;
    struct buf *text;
    /* Before: the body as received, NULL if it is empty, and what the ledger is charged for it. After: the batch and
     * its charge. Always the caller's. */
    struct blob *body;
    uint64_t held;
    /* What came of it: */
    enum otlp_cause cause; /* OTLP_ACCEPTED: `text` holds a warning if there is one; otherwise it says what is wrong */
    uint64_t records;      /* to be published; 0: nothing is */
    uint64_t rejected;     /* records left out */
    uint64_t mended;       /* values */
    struct sources sources; /* where there are records */
};

/* True when the body is for another thread, as far as can be told beforehand. */
bool refine_is_large(const struct refine *r);

/* Does it all. `text` is cleared first. `on_loop`: only if it stays within the bounds above; otherwise false is
 * returned, with the body as it was. */
bool refine_run(struct refine *r, struct refinery *tools, bool on_loop) GW_MUST_CHECK;

#endif
