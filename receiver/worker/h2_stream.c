// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/h2_stream.h"

#include <stdlib.h>

#include "receiver/worker/remark.h"

#define HEADERS_RESET_FACTOR 8u /* so many times over the limit there is no polite answer any more */
#define CHARGE_BYTES (sizeof(struct h2_stream) + 1024) /* with what nghttp2 keeps for it, roughly */
#define GRPC_SERVICES "/opentelemetry.proto.collector."

/* ---- life ---- */

struct h2_stream *h2_stream_new(struct h2_conn *h, int32_t id)
{
    struct ledger *ledger = &h->intake->ledger;
    if (!ledger_reserve(ledger, CHARGE_BYTES))
        return NULL;
    struct h2_stream *s = malloc(sizeof *s);
    if (!s) {
        ledger_release(ledger, CHARGE_BYTES);
        return NULL;
    }
    /* All but the large texts of the endpoint, which the call fills in. */
    s->h = h;
    s->call = &h2_grpc_call;
    s->id = id;
    s->state = H2_HEADERS;
    s->ended = s->told = s->sized = s->head_only = false;
    s->header_bytes = 0;
    s->received = 0;
    s->began_ms = loop_now_ms(h->intake->loop);
    s->deadline_ms = 0;
    memset(s->fields, 0, sizeof s->fields);
    s->out = buf_make(INTAKE_SCRATCH_BYTES);
    s->out_sent = 0;
    s->endpoint.signal = (enum otlp_signal)0;
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
    buf_free(&s->out);
    if (s->prev)
        s->prev->next = s->next;
    else
        h->streams = s->next;
    if (s->next)
        s->next->prev = s->prev;
    h->open--;
    ledger_release(&h->intake->ledger, CHARGE_BYTES);
    free(s);
}

/* ---- answers ---- */

static void answer_with(struct h2_stream *s, const struct request_answer *answer)
{
    struct h2_conn *h = s->h;
    remark_answer(h->intake, h->conn, s->endpoint.signal, answer);
    int err = s->call->reply(s, answer);
    if (answer->cause == OTLP_ACCEPTED)
        h2_conn_earn(h);
    s->state = H2_ANSWERED;
    s->began_ms = loop_now_ms(h->intake->loop);
    request_fini(&s->request); /* which may own the message */
    if (err != 0)
        nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_INTERNAL_ERROR);
    conn_flush(h->conn);
}

static void answered(void *ctx, const struct request_answer *answer)
{
    answer_with(ctx, answer);
}

void h2_stream_refuse(struct h2_stream *s, enum otlp_cause cause, struct slice message)
{
    request_count_refusal(s->h->intake, cause);
    answer_with(s, &(struct request_answer){.cause = cause, .message = message});
}

bool h2_stream_read_out(struct h2_stream *s, uint8_t *to, size_t room, size_t *copied)
{
    size_t left = s->out.len - s->out_sent;
    *copied = left < room ? left : room;
    if (*copied)
        memcpy(to, s->out.data + s->out_sent, *copied);
    s->out_sent += *copied;
    return s->out_sent == s->out.len;
}

/* ---- headers ---- */

struct slice h2_stream_value(const struct h2_stream *s, enum h2_field field)
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
    {"content-length", H2_CONTENT_LENGTH},
    {"content-encoding", H2_CONTENT_ENCODING},
    {"expect", H2_EXPECT},
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

/* Whose answer the client understands: gRPC by content type, and what is sent to a service of gRPC's under another one,
 * which gRPC has an answer for. */
static const struct h2_call *call_of(const struct h2_stream *s)
{
    struct slice path = h2_stream_value(s, H2_PATH);
    size_t n = sizeof GRPC_SERVICES - 1;
    bool service = path.len >= n && memcmp(path.data, GRPC_SERVICES, n) == 0;
    if (service || endpoint_is_grpc(h2_stream_value(s, H2_CONTENT_TYPE)))
        return &h2_grpc_call;
    return &h2_http_call;
}

void h2_stream_headers_done(struct h2_stream *s)
{
    s->call = call_of(s);
    s->call->begin(s);
    drop_fields(s);
}

/* ---- the body ---- */

void h2_stream_take_body(struct h2_stream *s, uint64_t max_bytes)
{
    request_init(&s->request, s->h->intake, &s->endpoint, max_bytes, answered, s);
    s->state = H2_BODY;
}

void h2_stream_open_window(struct h2_stream *s, uint64_t bytes)
{
    if (bytes <= H2_STREAM_WINDOW_BYTES || bytes > INT32_MAX)
        return;
    nghttp2_session_set_local_window_size(s->h->session, NGHTTP2_FLAG_NONE, s->id, (int32_t)bytes);
    conn_flush(s->h->conn);
}

void h2_stream_data(struct h2_stream *s, struct slice bytes)
{
    s->received += bytes.len;
    if (s->state == H2_BODY)
        s->call->data(s, bytes);
}

void h2_stream_end(struct h2_stream *s)
{
    ended(s);
    if (s->state == H2_BODY)
        s->call->end(s);
}

void h2_stream_submit(struct h2_stream *s, uint64_t deadline_ms)
{
    struct request_answer answer;
    s->state = H2_WAITING;
    if (!request_submit(&s->request, deadline_ms, &answer))
        answer_with(s, &answer);
}

/* ---- time ---- */

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
    case H2_BODY:
        if (now_ms >= limits_body_deadline_ms(limits, s->began_ms, s->received)) {
            s->h->intake->counters.timeouts++;
            h2_stream_refuse(s, OTLP_BODY_TIMEOUT, slice_make(NULL, 0));
        }
        break;
    case H2_WAITING: /* the uplink has its own deadline */
        break;
    case H2_ANSWERED:
        sweep_answered(s, now_ms);
        break;
    }
}
