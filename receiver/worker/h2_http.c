// SPDX-License-Identifier: Apache-2.0
/* OTLP/HTTP on a stream: protobuf and JSON, as over HTTP/1.1. */
#include <stdio.h>

#include "receiver/worker/h2_stream.h"
#include "shared/http/http1.h"

#define NUMBER_BYTES 24

/* ---- the request ---- */

/* nghttp2 has made sure that it is a number, stands there once and fits the DATA frames (RFC 9113 section 8.1.1). */
static uint64_t content_length(const struct h2_stream *s)
{
    struct slice text = h2_stream_value(s, H2_CONTENT_LENGTH);
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(text.data[i] - '0');
        if (digit > 9 || value > UINT64_MAX / 10 - digit)
            return UINT64_MAX;
        value = value * 10 + digit;
    }
    return value;
}

/* "/v1/logs?x=y" without the query. */
static struct slice path_of(const struct h2_stream *s)
{
    struct slice path = h2_stream_value(s, H2_PATH);
    const uint8_t *query = path.len ? memchr(path.data, '?', path.len) : NULL;
    return query ? slice_make(path.data, (size_t)(query - path.data)) : path;
}

/* A body of known length is admitted as a whole; others as they come. */
static bool admit(struct h2_stream *s)
{
    if (!s->fields[H2_CONTENT_LENGTH])
        return true;
    uint64_t length = content_length(s);
    enum otlp_cause cause = request_admit(&s->request, length);
    if (cause != OTLP_ACCEPTED) {
        h2_stream_refuse(s, cause, slice_make(NULL, 0));
        return false;
    }
    s->sized = true;
    h2_stream_open_window(s, length);
    return true;
}

/* The client may wait for this word before it sends (RFC 9110 section 10.1.1). */
static void say_continue(struct h2_stream *s)
{
    static const char name[] = ":status", value[] = "100";
    const nghttp2_nv go_on = {(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value,
                              sizeof name - 1, sizeof value - 1, NGHTTP2_NV_FLAG_NONE};
    if (!http1_same_text(h2_stream_value(s, H2_EXPECT), "100-continue"))
        return;
    nghttp2_submit_headers(s->h->session, NGHTTP2_FLAG_NONE, s->id, NULL, &go_on, 1, NULL);
    conn_flush(s->h->conn);
}

static void begin(struct h2_stream *s)
{
    struct intake *intake = s->h->intake;
    intake->counters.http2_requests++;
    s->head_only = slice_is(h2_stream_value(s, H2_METHOD), "HEAD");
    endpoint_http(intake_endpoints(intake), h2_stream_value(s, H2_METHOD), path_of(s),
                  h2_stream_value(s, H2_CONTENT_TYPE), h2_stream_value(s, H2_CONTENT_ENCODING),
                  &s->endpoint);
    if (s->header_bytes > intake->limits.max_headers_bytes) {
        h2_stream_refuse(s, OTLP_HEADERS_TOO_LARGE, slice_make(NULL, 0));
    } else if (s->endpoint.cause != OTLP_ACCEPTED) {
        h2_stream_refuse(s, s->endpoint.cause, endpoint_message(&s->endpoint));
    } else {
        h2_stream_take_body(s, intake->limits.http_max_bytes);
        if (admit(s))
            say_continue(s);
    }
}

static void data(struct h2_stream *s, struct slice bytes)
{
    struct blob *body = s->request.body;
    if (s->sized) {
        if (!body || bytes.len > body->cap - body->len)
            return; /* nghttp2 resets a stream whose DATA do not fit its length */
        memcpy(body->data + body->len, bytes.data, bytes.len);
        body->len += bytes.len;
        return;
    }
    enum otlp_cause cause = request_append(&s->request, bytes);
    if (cause != OTLP_ACCEPTED)
        h2_stream_refuse(s, cause, slice_make(NULL, 0));
    else if (nghttp2_session_consume_stream(s->h->session, s->id, bytes.len) == 0)
        conn_flush(s->h->conn);
}

static void end(struct h2_stream *s)
{
    h2_stream_submit(s, loop_now_ms(s->h->intake->loop) + REQUEST_HTTP_HOLD_MS);
}

/* ---- the answer ---- */

static nghttp2_nv field(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NO_COPY_NAME};
}

static ssize_t read_body(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room,
                         uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
    size_t copied;
    (void)session;
    (void)stream;
    (void)ctx;
    if (h2_stream_read_out(source->ptr, to, room, &copied))
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)copied;
}

static void render(struct h2_stream *s, const struct request_answer *answer)
{
    enum otlp_codec codec = s->endpoint.codec;
    if (answer->cause == OTLP_ACCEPTED)
        otlp_response_partial(&s->out, codec, s->endpoint.signal, answer->rejected,
                              answer->message);
    else
        otlp_status_render(&s->out, codec, answer->cause, answer->message, answer->after_ms);
}

static int reply(struct h2_stream *s, const struct request_answer *answer)
{
    char status[NUMBER_BYTES], length[NUMBER_BYTES], after[NUMBER_BYTES];
    uint32_t after_s = otlp_status_retry_after_s(answer->cause, answer->after_ms);
    nghttp2_nv fields[6];
    size_t n = 0;
    render(s, answer);
    snprintf(status, sizeof status, "%u", (unsigned)otlp_status_of(answer->cause)->http);
    snprintf(length, sizeof length, "%zu", s->out.len);
    snprintf(after, sizeof after, "%u", (unsigned)after_s);
    fields[n++] = field(":status", status);
    fields[n++] = field("content-type", otlp_codec_content_type(s->endpoint.codec));
    fields[n++] = field("content-length", length);
    if (after_s)
        fields[n++] = field("retry-after", after);
    if (answer->cause == OTLP_WRONG_METHOD)
        fields[n++] = field("allow", ENDPOINT_METHODS);
    if (answer->cause == OTLP_UNSUPPORTED_CODING)
        fields[n++] = field("accept-encoding", ENDPOINT_HTTP_CODINGS);
    nghttp2_data_provider body = {.source.ptr = s, .read_callback = read_body};
    bool empty = s->out.len == 0 || s->head_only;
    return nghttp2_submit_response(s->h->session, s->id, fields, n, empty ? NULL : &body);
}

const struct h2_call h2_http_call = {
    .begin = begin,
    .data = data,
    .end = end,
    .reply = reply,
};
