// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/request.h"

#include <string.h>

#include "shared/base/clock.h"
#include "shared/otlp/sources.h"
#include "shared/otlp/walk.h"

void request_init(struct request *r, struct intake *intake, const struct endpoint *endpoint,
                  uint64_t max_bytes, request_answer_fn on_answer, void *ctx)
{
    *r = (struct request){
        .intake = intake,
        .signal = endpoint->signal,
        .coding = endpoint->coding,
        .max_bytes = max_bytes,
        .on_answer = on_answer,
        .ctx = ctx,
    };
}

static void release(struct request *r)
{
    blob_drop(r->body);
    r->body = NULL;
    ledger_release(&r->intake->ledger, r->held);
    r->held = 0;
}

void request_fini(struct request *r)
{
    if (!r->intake)
        return;
    if (r->ticket) {
        r->intake->counters.cancelled++;
        uplink_abandon(r->intake->uplink, r->ticket);
        r->ticket = NULL;
    }
    release(r);
    r->intake = NULL;
}

/* ---- storage ---- */

enum otlp_cause request_admit(struct request *r, uint64_t bytes)
{
    if (bytes > r->max_bytes)
        return OTLP_TOO_LARGE_WIRE;
    if (bytes == 0)
        return OTLP_ACCEPTED;
    if (!ledger_reserve(&r->intake->ledger, bytes))
        return OTLP_OVERLOADED;
    r->held = bytes;
    r->body = blob_new((size_t)bytes);
    return r->body ? OTLP_ACCEPTED : OTLP_INTERNAL;
}

/* Room for `need` bytes in all: the ledger's steps are also the blob's. */
static enum otlp_cause make_room(struct request *r, uint64_t need)
{
    if (need > r->max_bytes)
        return OTLP_TOO_LARGE_WIRE;
    if (r->body && need <= r->body->cap)
        return OTLP_ACCEPTED;
    if (!ledger_grow(&r->intake->ledger, &r->held, need, r->max_bytes))
        return OTLP_OVERLOADED;
    if (r->body)
        return blob_grow(&r->body, (size_t)r->held) == GW_OK ? OTLP_ACCEPTED : OTLP_INTERNAL;
    r->body = blob_new((size_t)r->held);
    return r->body ? OTLP_ACCEPTED : OTLP_INTERNAL;
}

enum otlp_cause request_append(struct request *r, struct slice bytes)
{
    if (bytes.len == 0)
        return OTLP_ACCEPTED;
    uint64_t have = r->body ? r->body->len : 0;
    enum otlp_cause cause = make_room(r, have + bytes.len);
    if (cause != OTLP_ACCEPTED)
        return cause;
    memcpy(r->body->data + have, bytes.data, bytes.len);
    r->body->len += bytes.len;
    return OTLP_ACCEPTED;
}

/* ---- the answer ---- */

void request_count_refusal(struct intake *intake, enum otlp_cause cause)
{
    intake->counters.refusals[cause < OTLP_CAUSES ? cause : OTLP_INTERNAL]++;
}

/* Counts the request under its answer. */
static void count(struct request *r, enum otlp_cause cause)
{
    struct counters *counters = &r->intake->counters;
    unsigned index = (unsigned)r->signal - 1;
    counters->requests[index]++;
    if (cause == OTLP_ACCEPTED) {
        counters->accepted[index] += r->records;
    } else {
        counters->refused[index] += r->records;
        request_count_refusal(r->intake, cause);
    }
}

/* The request ends here and now. */
static bool answer_now(struct request *r, enum otlp_cause cause, struct slice message,
                       struct request_answer *answer)
{
    count(r, cause);
    release(r);
    *answer = (struct request_answer){.cause = cause, .message = message};
    return false;
}

static const enum otlp_cause causes[] = {
    [UPLINK_STORED] = OTLP_ACCEPTED,
    [UPLINK_ROUTER_AWAY] = OTLP_ROUTER_AWAY,
    [UPLINK_FULL] = OTLP_STORE_FULL,
    [UPLINK_BROKEN] = OTLP_STORE_BROKEN,
    [UPLINK_TOO_LARGE] = OTLP_STORE_TOO_LARGE,
    [UPLINK_UNWANTED] = OTLP_UNWANTED_SIGNAL,
    [UPLINK_STOPPING] = OTLP_STOPPING,
};

static void decided(void *ctx, const struct uplink_verdict *verdict)
{
    struct request *r = ctx;
    r->ticket = NULL;
    enum otlp_cause cause = causes[verdict->outcome];
    count(r, cause);
    r->on_answer(r->ctx,
                 &(struct request_answer){.cause = cause, .after_ms = verdict->after_ms});
}

/* ---- inflating, walking, publishing ---- */

static bool grant(void *ctx, size_t bytes)
{
    struct request *r = ctx;
    if (!ledger_reserve(&r->intake->ledger, bytes))
        return false;
    r->held += bytes;
    return true;
}

static enum otlp_cause inflate_cause(int err)
{
    switch (err) {
    case GW_OK:
        return OTLP_ACCEPTED;
    case GW_ERR_TOO_LARGE:
        return OTLP_TOO_LARGE_INFLATED;
    case GW_ERR_INVALID:
        return OTLP_RATIO_GUARD;
    case GW_ERR_CORRUPT:
        return OTLP_CORRUPT_GZIP;
    case GW_ERR_FULL:
        return OTLP_OVERLOADED;
    default:
        return OTLP_INTERNAL;
    }
}

/* Replaces the body by what it inflates to; the charge follows. */
static enum otlp_cause inflate_body(struct request *r, const char **why)
{
    struct slice in = r->body ? slice_make(r->body->data, r->body->len) : slice_make(NULL, 0);
    struct inflate_limits limits = {
        .max_bytes = (size_t)r->max_bytes, .grant = grant, .ctx = r};
    uint64_t compressed = r->held;
    struct blob *out = NULL;
    int err = inflate_gzip(r->intake->inflate, in, &limits, &out, why);
    if (err != GW_OK)
        return inflate_cause(err);
    blob_drop(r->body);
    r->body = out;
    ledger_release(&r->intake->ledger, compressed);
    r->held -= compressed;
    return OTLP_ACCEPTED;
}

/* Proves the body and counts its records; on failure the reason is in the scratch buffer. */
static enum otlp_cause walk_body(struct request *r)
{
    struct intake *intake = r->intake;
    struct otlp_limits limits = {.max_depth = intake->limits.max_depth,
                                 .max_records = intake->limits.max_records};
    struct otlp_walk_result result;
    int err = otlp_walk(r->signal, slice_make(r->body->data, r->body->len), &limits, &result);
    if (err == GW_OK) {
        r->records = result.records;
        return OTLP_ACCEPTED;
    }
    otlp_walk_explain(&result, &intake->scratch);
    if (result.fault == OTLP_FAULT_DEPTH)
        return OTLP_TOO_DEEP;
    return result.fault == OTLP_FAULT_RECORDS ? OTLP_TOO_MANY_RECORDS : OTLP_MALFORMED_PROTOBUF;
}

static bool publish(struct request *r, uint64_t deadline_ms)
{
    struct sources sources;
    struct slice body = slice_make(r->body->data, r->body->len);
    sources_collect(r->signal, body, &sources);
    struct uplink_batch batch = {
        .signal = (uint32_t)r->signal,
        .records = (uint32_t)r->records,
        .received_ns = clock_wall_ns(),
        .payload = r->body,
        .charge = r->held,
        .sources = &sources,
    };
    r->ticket = uplink_publish(r->intake->uplink, &batch, deadline_ms, decided, r);
    if (!r->ticket)
        return false;
    blob_drop(r->body); /* body and charge are the uplink's now */
    r->body = NULL;
    r->held = 0;
    return true;
}

bool request_submit(struct request *r, uint64_t deadline_ms, struct request_answer *answer)
{
    struct buf *scratch = &r->intake->scratch;
    enum otlp_cause cause = OTLP_ACCEPTED;
    buf_clear(scratch);
    if (r->coding == ENDPOINT_GZIP) {
        const char *why = "";
        cause = inflate_body(r, &why);
        if (cause != OTLP_ACCEPTED)
            return answer_now(r, cause, slice_of(why ? why : ""), answer);
    }
    if (r->body)
        cause = walk_body(r);
    if (cause != OTLP_ACCEPTED)
        return answer_now(r, cause, buf_slice(scratch), answer);
    if (r->records == 0) {
        r->intake->counters.empty_requests++;
        return answer_now(r, OTLP_ACCEPTED, slice_make(NULL, 0), answer);
    }
    if (!publish(r, deadline_ms))
        return answer_now(r, OTLP_INTERNAL, slice_make(NULL, 0), answer);
    return true;
}
