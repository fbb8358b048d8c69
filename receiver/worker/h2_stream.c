// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/h2_stream.h"

#include <stdlib.h>

#include "receiver/worker/grpc_reply.h"

#define HOLD_MS 8000u        /* how long a batch may wait for the router without a grpc-timeout */
#define ANSWER_MARGIN_MS 500u /* before the caller's deadline the answer must be on its way */
#define HEADERS_RESET_FACTOR 8u /* so many times over the limit there is no polite answer any more */

/* ---- life ---- */

struct h2_stream *h2_stream_new(struct h2_conn *h, int32_t id)
{
    struct h2_stream *s = malloc(sizeof *s);
    if (!s)
        return NULL;
    /* All but the large texts of the endpoint, which endpoint_grpc() fills in. */
    s->h = h;
    s->id = id;
    s->state = H2_HEADERS;
    s->ended = s->told = false;
    s->header_bytes = 0;
    s->began_ms = loop_now_ms(h->intake->loop);
    s->deadline_ms = 0;
    memset(s->fields, 0, sizeof s->fields);
    s->request.intake = NULL;
    s->prev = NULL;
    s->next = h->streams;
    if (h->streams)
        h->streams->prev = s;
    h->streams = s;
    h->open++;
    h->receiving++;
    return s;
}

static void drop_fields(struct h2_stream *s)
{
    for (int i = 0; i < H2_FIELDS; i++) {
        if (s->fields[i])
            nghttp2_rcbuf_decref(s->fields[i]);
        s->fields[i] = NULL;
    }
}

/* The client's side is over, one way or the other. */
static void ended(struct h2_stream *s)
{
    if (!s->ended)
        s->h->receiving--;
    s->ended = true;
}

void h2_stream_free(struct h2_stream *s)
{
    struct h2_conn *h = s->h;
    ended(s);
    drop_fields(s);
    request_fini(&s->request);
    if (s->prev)
        s->prev->next = s->next;
    else
        h->streams = s->next;
    if (s->next)
        s->next->prev = s->prev;
    h->open--;
    free(s);
}

/* ---- answers ---- */

static void reply(struct h2_stream *s, const struct request_answer *answer)
{
    struct h2_conn *h = s->h;
    bool accepted = answer->cause == OTLP_ACCEPTED;
    int err = accepted ? grpc_reply_success(h->session, s->id)
                       : grpc_reply_refusal(h->session, s->id, answer, &h->intake->scratch);
    if (accepted)
        h2_conn_earn(h);
    s->state = H2_ANSWERED;
    s->began_ms = loop_now_ms(h->intake->loop);
    request_fini(&s->request);
    if (err != 0)
        nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_INTERNAL_ERROR);
    conn_flush(h->conn);
}

static void answered(void *ctx, const struct request_answer *answer)
{
    reply(ctx, answer);
}

/* Refuses before the request is complete. */
static void refuse(struct h2_stream *s, enum otlp_cause cause, struct slice message)
{
    request_count_refusal(s->h->intake, cause);
    reply(s, &(struct request_answer){.cause = cause, .message = message});
}

/* ---- headers ---- */

static struct slice field_value(const struct h2_stream *s, enum h2_field field)
{
    if (!s->fields[field])
        return slice_make(NULL, 0);
    nghttp2_vec v = nghttp2_rcbuf_get_buf(s->fields[field]);
    return slice_make(v.base, v.len);
}

static const struct {
    const char *name;
    enum h2_field field;
} wanted_fields[] = {
    {":path", H2_PATH},
    {":method", H2_METHOD},
    {"content-type", H2_CONTENT_TYPE},
    {"grpc-encoding", H2_GRPC_ENCODING},
    {"grpc-timeout", H2_GRPC_TIMEOUT},
};

bool h2_stream_field(struct h2_stream *s, nghttp2_rcbuf *name, nghttp2_rcbuf *value)
{
    uint32_t max = s->h->intake->limits.max_headers_bytes;
    nghttp2_vec n = nghttp2_rcbuf_get_buf(name);
    uint64_t bytes = (uint64_t)n.len + nghttp2_rcbuf_get_buf(value).len + 32;
    if (s->header_bytes + bytes > (uint64_t)max * HEADERS_RESET_FACTOR)
        return false;
    s->header_bytes += (uint32_t)bytes;
    if (s->header_bytes > max)
        return true; /* answered when they have all come */
    struct slice text = slice_make(n.base, n.len);
    for (size_t i = 0; i < sizeof wanted_fields / sizeof wanted_fields[0]; i++) {
        if (!slice_is(text, wanted_fields[i].name))
            continue;
        nghttp2_rcbuf **field = &s->fields[wanted_fields[i].field];
        if (!*field) { /* of a repeated field the first counts */
            nghttp2_rcbuf_incref(value);
            *field = value;
        }
        break;
    }
    return true;
}

/* Notes the caller's deadline. False: the call was answered. */
static bool take_timeout(struct h2_stream *s)
{
    struct slice text = field_value(s, H2_GRPC_TIMEOUT);
    uint64_t ms = 0;
    if (!s->fields[H2_GRPC_TIMEOUT])
        return true;
    if (grpc_timeout_parse(text, &ms) != GW_OK) {
        refuse(s, OTLP_BAD_GRPC_TIMEOUT, slice_make(NULL, 0));
        return false;
    }
    if (ms == 0) {
        refuse(s, OTLP_DEADLINE, slice_make(NULL, 0));
        return false;
    }
    s->deadline_ms = s->began_ms + ms;
    return true;
}

static void begin_call(struct h2_stream *s)
{
    struct intake *intake = s->h->intake;
    uint64_t max = intake->limits.grpc_max_bytes;
    endpoint_grpc(intake_endpoints(intake), field_value(s, H2_METHOD), field_value(s, H2_PATH),
                  field_value(s, H2_CONTENT_TYPE), field_value(s, H2_GRPC_ENCODING),
                  &s->endpoint);
    if (s->endpoint.cause != OTLP_ACCEPTED) {
        refuse(s, s->endpoint.cause, endpoint_message(&s->endpoint));
        return;
    }
    if (!take_timeout(s))
        return;
    intake->counters.grpc_requests++;
    s->coding = s->endpoint.coding;
    request_init(&s->request, intake, &s->endpoint, max, answered, s);
    grpc_frame_init(&s->frame, (uint32_t)max, s->coding != ENDPOINT_IDENTITY);
    s->state = H2_MESSAGE;
}

void h2_stream_headers_done(struct h2_stream *s)
{
    if (s->header_bytes > s->h->intake->limits.max_headers_bytes)
        refuse(s, OTLP_HEADERS_TOO_LARGE, slice_make(NULL, 0));
    else
        begin_call(s);
    drop_fields(s);
}

/* ---- the message ---- */

static void refuse_frame(struct h2_stream *s)
{
    struct buf *scratch = &s->h->intake->scratch;
    buf_clear(scratch);
    grpc_frame_explain(&s->frame, scratch);
    refuse(s, s->frame.cause, buf_slice(scratch));
}

/* The prefix says how long the message is: it is admitted as a whole, or not at all. */
static bool admit(struct h2_stream *s)
{
    enum otlp_cause cause = request_admit(&s->request, s->frame.length);
    if (cause != OTLP_ACCEPTED) {
        refuse(s, cause, slice_make(NULL, 0));
        return false;
    }
    s->request.body->len = s->frame.length;
    grpc_frame_give_room(&s->frame, s->request.body->data);
    int64_t window = (int64_t)s->frame.length + GRPC_PREFIX_BYTES;
    if (window > H2_STREAM_WINDOW_BYTES && window <= INT32_MAX) {
        nghttp2_session_set_local_window_size(s->h->session, NGHTTP2_FLAG_NONE, s->id,
                                              (int32_t)window);
        conn_flush(s->h->conn);
    }
    return true;
}

void h2_stream_data(struct h2_stream *s, struct slice bytes)
{
    while (s->state == H2_MESSAGE && bytes.len) {
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

void h2_stream_end(struct h2_stream *s)
{
    ended(s);
    if (s->state != H2_MESSAGE)
        return;
    if (grpc_frame_end(&s->frame) != GW_OK) {
        refuse_frame(s);
        return;
    }
    if (!s->frame.compressed)
        s->request.coding = ENDPOINT_IDENTITY;
    struct request_answer answer;
    s->state = H2_WAITING;
    uint64_t now_ms = loop_now_ms(s->h->intake->loop);
    if (!request_submit(&s->request, answer_by_ms(s, now_ms), &answer))
        reply(s, &answer);
}

/* Answered before its request has ended: the client is told to stop sending (RFC 9113 section 8.1). Not at once,
 * since clients are known that lose an answer which a reset follows in the same read. */
static void stop_client(struct h2_stream *s)
{
    nghttp2_submit_rst_stream(s->h->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR);
    conn_flush(s->h->conn);
}

/* An answer is on its way: it may neither wait forever for the client's window (CVE-2019-9517) nor for its END_STREAM. */
static void sweep_answered(struct h2_stream *s, uint64_t now_ms)
{
    struct h2_conn *h = s->h;
    if (s->told && !s->ended) {
        stop_client(s);
    } else if (!s->told && now_ms - s->began_ms >= h->intake->limits.write_timeout_ms) {
        h->intake->counters.timeouts++;
        nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_CANCEL);
        conn_flush(h->conn);
    }
}

void h2_stream_sweep(struct h2_stream *s, uint64_t now_ms)
{
    const struct limits *limits = &s->h->intake->limits;
    switch (s->state) {
    case H2_HEADERS:
        if (now_ms - s->began_ms >= limits->headers_timeout_ms)
            h2_conn_calm(s->h, "a header block was not finished in time");
        break;
    case H2_MESSAGE:
        if (now_ms >= limits_body_deadline_ms(limits, s->began_ms, s->frame.got)) {
            s->h->intake->counters.timeouts++;
            refuse(s, OTLP_BODY_TIMEOUT, slice_make(NULL, 0));
        }
        break;
    case H2_WAITING: /* the uplink has its own deadline */
        break;
    case H2_ANSWERED:
        sweep_answered(s, now_ms);
        break;
    }
}
