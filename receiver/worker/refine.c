// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/refine.h"

#include "shared/otlp/json_in.h"
#include "shared/otlp/mend.h"

/* Numbers of one digit in JSON, "1,", become eight bytes each: no text grows by more than that, but for the first few
 * lengths, which may be padded. */
#define JSON_GROWTH 4u
#define JSON_GROWTH_FIRST 4096u
#define JSON_KEEP_BYTES (512u << 10) /* a larger buffer is given back */

int refinery_init(struct refinery *tools)
{
    tools->inflate = inflate_new();
    tools->json = buf_make(0);
    return tools->inflate ? GW_OK : GW_ERR_NOMEM;
}

void refinery_fini(struct refinery *tools)
{
    inflate_free(&tools->inflate);
    buf_free(&tools->json);
}

static struct slice body_of(const struct refine *r)
{
    return r->body ? slice_make(r->body->data, r->body->len) : slice_make(NULL, 0);
}

/* What is wrong, in words that are ours. */
static enum otlp_cause fail(struct refine *r, enum otlp_cause cause, const char *why)
{
    if (why)
        buf_text(r->text, why);
    return cause;
}

static bool grant(void *ctx, size_t bytes)
{
    struct refine *r = ctx;
    if (!ledger_reserve(r->ledger, bytes))
        return false;
    r->held += bytes;
    return true;
}

/* The body is replaced; what was charged before is given back. */
static void replace_body(struct refine *r, struct blob *body, uint64_t charged_before)
{
    blob_drop(r->body);
    r->body = body;
    ledger_release(r->ledger, charged_before);
    r->held -= charged_before;
}

/* ---- inflating ---- */

static enum otlp_cause inflate_cause(int err)
{
    switch (err) {
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

/* The body becomes what it inflates to. GW_ERR_AGAIN: that is more than `bound`, which is less than is allowed. */
static int inflate_body(struct refine *r, struct inflate *inflate, uint64_t bound)
{
    struct inflate_limits limits = {.max_bytes = (size_t)(bound < r->max_bytes ? bound : r->max_bytes),
                                    .ratio = r->limits->inflate_ratio,
                                    .grant = grant,
                                    .ctx = r};
    uint64_t before = r->held;
    struct blob *out = NULL;
    const char *why = NULL;
    int err = inflate_gzip(inflate, body_of(r), &limits, &out, &why);
    if (err == GW_OK) {
        replace_body(r, out, before);
        return GW_OK;
    }
    ledger_release(r->ledger, r->held - before);
    r->held = before;
    if (err == GW_ERR_TOO_LARGE && bound < r->max_bytes)
        return GW_ERR_AGAIN;
    r->cause = fail(r, inflate_cause(err), why);
    return err;
}

/* ---- JSON ---- */

static enum otlp_cause json_cause(int err, const struct otlp_json_result *result)
{
    switch (err) {
    case GW_ERR_MALFORMED:
        return OTLP_MALFORMED_JSON;
    case GW_ERR_TOO_LARGE:
        return result->fault == OTLP_JSON_FAULT_DEPTH     ? OTLP_TOO_DEEP
               : result->fault == OTLP_JSON_FAULT_RECORDS ? OTLP_TOO_MANY_RECORDS
                                                          : OTLP_TOO_LARGE_INFLATED;
    default:
        return OTLP_INTERNAL;
    }
}

/* A blob of the bytes in `from`, charged. */
static enum otlp_cause take_json(struct refine *r, const struct buf *from, uint64_t before)
{
    struct blob *body = NULL;
    if (!grant(r, from->len))
        return fail(r, OTLP_OVERLOADED, NULL);
    if (from->len && !(body = blob_new(from->len)))
        return OTLP_INTERNAL;
    if (body) {
        memcpy(body->data, from->data, from->len);
        body->len = from->len;
    }
    replace_body(r, body, before);
    return OTLP_ACCEPTED;
}

static enum otlp_cause convert(struct refine *r, struct buf *out)
{
    struct otlp_json_limits limits = {.max_depth = r->limits->max_depth,
                                      .max_records = r->limits->max_records,
                                      .max_out_bytes = out->max};
    struct otlp_json_result result;
    uint64_t before = r->held;
    int err = otlp_json_in(r->signal, body_of(r), &limits, out, &result);
    if (err != GW_OK) {
        otlp_json_explain(&result, r->text);
        return json_cause(err, &result);
    }
    otlp_json_explain_mended(&result, r->text);
    r->mended = result.mended;
    return take_json(r, out, before);
}

/* The body, which is JSON, becomes protobuf. While it does, the ledger is charged for the most that may come of it. */
static enum otlp_cause convert_body(struct refine *r, struct buf *out)
{
    struct slice text = body_of(r);
    if (text.len == 0)
        return fail(r, OTLP_MALFORMED_JSON, "the body is empty: OTLP in JSON is {} at least");
    uint64_t room = text.len * (uint64_t)JSON_GROWTH + JSON_GROWTH_FIRST;
    if (room > r->max_bytes)
        room = r->max_bytes;
    if (!ledger_reserve(r->ledger, room))
        return OTLP_OVERLOADED;
    out->max = (size_t)room;
    buf_clear(out);
    enum otlp_cause cause = convert(r, out);
    if (out->cap > JSON_KEEP_BYTES)
        buf_free(out);
    ledger_release(r->ledger, room);
    return cause;
}

/* ---- walking and mending ---- */

static enum otlp_cause fault_cause(const struct otlp_walk_result *result)
{
    if (result->fault == OTLP_FAULT_DEPTH)
        return OTLP_TOO_DEEP;
    return result->fault == OTLP_FAULT_RECORDS ? OTLP_TOO_MANY_RECORDS : OTLP_MALFORMED_PROTOBUF;
}

static enum otlp_cause mend_body(struct refine *r, const struct otlp_limits *limits)
{
    struct otlp_mend_result mended;
    int err = otlp_mend(r->signal, r->body->data, &r->body->len, limits, &mended);
    otlp_mend_explain(&mended, r->text);
    if (err != GW_OK)
        return fault_cause(&mended.refusal);
    r->records = mended.records;
    r->rejected = mended.rejected;
    r->mended += mended.strings + mended.parts;
    return OTLP_ACCEPTED;
}

/* Proves the body and counts its records. Faults are rare: the walk knows nothing of mending. */
static enum otlp_cause prove_body(struct refine *r)
{
    const struct otlp_limits limits = {.max_depth = r->limits->max_depth,
                                       .max_records = r->limits->max_records};
    struct otlp_walk_result result;
    if (otlp_walk(r->signal, body_of(r), &limits, &result) == GW_OK) {
        r->records = result.records;
        return OTLP_ACCEPTED;
    }
    if (r->codec == OTLP_JSON)
        return fail(r, OTLP_INTERNAL, NULL); /* we have written that ourselves */
    if (result.fault != OTLP_FAULT_DEPTH)
        return mend_body(r, &limits);
    otlp_walk_explain(&result, r->text); /* a limit is no damage: the sender should hear of it */
    return OTLP_TOO_DEEP;
}

/* ---- all of it ---- */

/* gzip says at its end what it inflates to, modulo 2^32 (RFC 1952 section 2.3.1): a hint, which may lie. */
static uint64_t inflated_guess(struct slice in)
{
    if (in.len < 4 || in.data[0] != 0x1f || in.data[1] != 0x8b)
        return 0;
    const uint8_t *tail = in.data + in.len - 4;
    return (uint64_t)tail[0] | (uint64_t)tail[1] << 8 | (uint64_t)tail[2] << 16 |
           (uint64_t)tail[3] << 24;
}

static uint64_t loop_bound(const struct refine *r)
{
    return r->codec == OTLP_JSON ? REFINE_LOOP_JSON_BYTES : REFINE_LOOP_BYTES;
}

bool refine_is_large(const struct refine *r)
{
    struct slice body = body_of(r);
    if (body.len > loop_bound(r))
        return true;
    return r->coding == ENDPOINT_GZIP && inflated_guess(body) > loop_bound(r);
}

bool refine_run(struct refine *r, struct refinery *tools, bool on_loop)
{
    r->cause = OTLP_ACCEPTED;
    r->records = r->rejected = r->mended = 0;
    buf_clear(r->text);
    if (r->coding == ENDPOINT_GZIP) {
        int err = inflate_body(r, tools->inflate, on_loop ? loop_bound(r) : UINT64_MAX);
        if (err != GW_OK)
            return err != GW_ERR_AGAIN;
    }
    if (r->codec == OTLP_JSON)
        r->cause = convert_body(r, &tools->json);
    if (r->cause == OTLP_ACCEPTED && r->body)
        r->cause = prove_body(r);
    if (r->cause == OTLP_ACCEPTED && r->records)
        sources_collect(r->signal, body_of(r), &r->sources);
    return true;
}
