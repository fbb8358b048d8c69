// SPDX-License-Identifier: Apache-2.0
/* The way of one export request through the worker, whichever transport it came by: admission into the ledger,
 * storage of the body, refining it (refine.h; large ones on another thread), the router, the answer. The transport
 * embeds it and owns it.
 *
 *   request_init -> request_admit or request_append... -> request_submit -> answer
 *
 * request_fini() is right at every point, also when the client has gone. */
#ifndef MASQUES_WORKER_REQUEST_H
#define MASQUES_WORKER_REQUEST_H

#include "receiver/worker/intake.h"

/* How long an OTLP/HTTP request may wait for the router (design: 3 s, clients give up after 10). */
#define REQUEST_HTTP_HOLD_MS 3000u

struct request_answer {
    enum otlp_cause cause; /* OTLP_ACCEPTED: success */
    uint32_t after_ms;     /* the router's word on when to try again; 0: none */
    uint64_t rejected;     /* of a success: records left out, for partial_success */
    struct slice message;  /* of a refusal; empty: the cause's own. Of a success: the warning of partial_success, if
                              there is one. Borrowed until the call returns */
};

typedef void (*request_answer_fn)(void *ctx, const struct request_answer *answer);

struct request_work;
struct request_note;

struct request {
    struct intake *intake;
    bool grpc; /* otherwise HTTP */
    enum otlp_signal signal;
    enum otlp_codec codec;
    enum endpoint_coding coding;
    uint64_t max_bytes; /* of the body, on the wire and inflated */
    uint64_t deadline_ms;
    uint64_t held; /* bytes charged to the ledger, not yet handed to the uplink */
    uint64_t records;
    struct blob *body;         /* as received; NULL once it was submitted */
    struct request_work *work; /* while another thread refines the body */
    struct request_note *note; /* what partial_success will say; NULL: nothing */
    struct uplink_ticket *ticket;
    request_answer_fn on_answer;
    void *ctx;
};

/* `on_answer` is called at most once, and only after request_submit() returned true. */
void request_init(struct request *r, struct intake *intake, const struct endpoint *endpoint,
                  uint64_t max_bytes, request_answer_fn on_answer, void *ctx);

/* Admits a body of exactly `bytes` (<= max_bytes) and makes its storage r->body, whose len the transport then raises
 * as it fills it. OTLP_ACCEPTED; OTLP_TOO_LARGE_WIRE; OTLP_OVERLOADED; OTLP_INTERNAL: no memory. */
enum otlp_cause request_admit(struct request *r, uint64_t bytes);

/* Copies more of a body whose size is not known, admitting it step by step. Causes as above. */
enum otlp_cause request_append(struct request *r, struct slice bytes);

/* The body is complete. True: the answer will come through on_answer, at the deadline (loop_now_ms's clock) or a
 * little later at the latest. False: it is *answer already; its message is borrowed until request_fini() or the next
 * request. */
bool request_submit(struct request *r, uint64_t deadline_ms, struct request_answer *answer);

/* The transport refuses the request itself: counts it. */
void request_count_refusal(struct intake *intake, enum otlp_cause cause);

/* Lets go of everything; on_answer will not be called any more. A request that waits for its answer counts as
 * cancelled. Idempotent. */
void request_fini(struct request *r);

#endif
