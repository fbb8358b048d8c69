// SPDX-License-Identifier: Apache-2.0
/* gRPC on a stream: unary Export. */
#include "receiver/worker/grpc_reply.h"
#include "receiver/worker/h2_stream.h"

#define HOLD_MS 8000u         /* how long a batch may wait for the router without a grpc-timeout */
#define ANSWER_MARGIN_MS 500u /* before the caller's deadline the answer must be on its way */

/* Notes the caller's deadline. False: the call was answered. */
static bool take_timeout(struct h2_stream *s)
{
    uint64_t ms = 0;
    if (!s->fields[H2_GRPC_TIMEOUT])
        return true;
    if (grpc_timeout_parse(h2_stream_value(s, H2_GRPC_TIMEOUT), &ms) != GW_OK) {
        h2_stream_refuse(s, OTLP_BAD_GRPC_TIMEOUT, slice_make(NULL, 0));
        return false;
    }
    if (ms == 0) {
        h2_stream_refuse(s, OTLP_DEADLINE, slice_make(NULL, 0));
        return false;
    }
    s->deadline_ms = s->began_ms + ms;
    return true;
}

static void begin(struct h2_stream *s)
{
    struct intake *intake = s->h->intake;
    uint64_t max = intake->limits.grpc_max_bytes;
    if (s->header_bytes > intake->limits.max_headers_bytes) {
        h2_stream_refuse(s, OTLP_HEADERS_TOO_LARGE, slice_make(NULL, 0));
        return;
    }
    endpoint_grpc(intake_endpoints(intake), h2_stream_value(s, H2_METHOD),
                  h2_stream_value(s, H2_PATH), h2_stream_value(s, H2_CONTENT_TYPE),
                  h2_stream_value(s, H2_GRPC_ENCODING), &s->endpoint);
    if (s->endpoint.cause != OTLP_ACCEPTED) {
        h2_stream_refuse(s, s->endpoint.cause, endpoint_message(&s->endpoint));
        return;
    }
    if (!take_timeout(s))
        return;
    intake->counters.grpc_requests++;
    grpc_frame_init(&s->frame, (uint32_t)max, s->endpoint.coding != ENDPOINT_IDENTITY);
    h2_stream_take_body(s, max);
}

static void refuse_frame(struct h2_stream *s)
{
    struct buf *scratch = &s->h->intake->scratch;
    buf_clear(scratch);
    grpc_frame_explain(&s->frame, scratch);
    h2_stream_refuse(s, s->frame.cause, buf_slice(scratch));
}

/* The prefix says how long the message is: it is admitted as a whole, or not at all. */
static bool admit(struct h2_stream *s)
{
    enum otlp_cause cause = request_admit(&s->request, s->frame.length);
    if (cause != OTLP_ACCEPTED) {
        h2_stream_refuse(s, cause, slice_make(NULL, 0));
        return false;
    }
    s->request.body->len = s->frame.length;
    grpc_frame_give_room(&s->frame, s->request.body->data);
    h2_stream_open_window(s, (uint64_t)s->frame.length + GRPC_PREFIX_BYTES);
    return true;
}

static void data(struct h2_stream *s, struct slice bytes)
{
    while (s->state == H2_BODY && bytes.len) {
        int64_t n = grpc_frame_feed(&s->frame, bytes);
        if (n < 0) {
            refuse_frame(s);
            return;
        }
        bytes = slice_make(bytes.data + n, bytes.len - (size_t)n);
        if (grpc_frame_wants_room(&s->frame) && !admit(s))
            return;
    }
}

/* When an answer must be there at the latest, on loop_now_ms's clock. */
static uint64_t answer_by_ms(const struct h2_stream *s, uint64_t now_ms)
{
    if (s->deadline_ms == 0)
        return now_ms + HOLD_MS;
    uint64_t left = s->deadline_ms > now_ms ? s->deadline_ms - now_ms : 0;
    uint64_t margin = left > 2 * ANSWER_MARGIN_MS ? ANSWER_MARGIN_MS : left / 2;
    return now_ms + left - margin;
}

static void end(struct h2_stream *s)
{
    if (grpc_frame_end(&s->frame) != GW_OK) {
        refuse_frame(s);
        return;
    }
    if (!s->frame.compressed)
        s->request.coding = ENDPOINT_IDENTITY;
    h2_stream_submit(s, answer_by_ms(s, loop_now_ms(s->h->intake->loop)));
}

const struct h2_call h2_grpc_call = {
    .begin = begin,
    .data = data,
    .end = end,
    .reply = grpc_reply,
};
