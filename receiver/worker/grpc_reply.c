// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/grpc_reply.h"

#include <stdio.h>

#include "receiver/worker/grpc_frame.h"

/* Names and values are static, so nghttp2 need not copy them. */
#define STATIC_FLAGS (NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE)
#define FIELD(name, value)                                                                         \
    {                                                                                              \
        (uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), sizeof(name) - 1,             \
            sizeof(value) - 1, STATIC_FLAGS                                                        \
    }

static const nghttp2_nv success_head[] = {
    FIELD(":status", "200"),
    FIELD("content-type", "application/grpc"),
};
#define SUCCESS_FIELDS (sizeof success_head / sizeof success_head[0])
static const nghttp2_nv success_trailers[] = {
    FIELD("grpc-status", "0"),
};

/* The empty message: its prefix of zeros, in pieces if the client's window is that small. The trailers are queued
 * behind it. source->fd counts what was written; nghttp2 keeps it with the stream. */
static ssize_t read_message(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room,
                            uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
    (void)ctx;
    size_t left = GRPC_PREFIX_BYTES - (size_t)source->fd;
    size_t n = left < room ? left : room;
    memset(to, 0, n);
    source->fd += (int)n;
    if (n < left)
        return (ssize_t)n;
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    if (nghttp2_submit_trailer(session, stream, success_trailers, 1) != 0)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return (ssize_t)n;
}

static int reply_success(struct h2_stream *s)
{
    nghttp2_data_provider message = {.read_callback = read_message};
    return nghttp2_submit_response(s->h->session, s->id, success_head, SUCCESS_FIELDS, &message);
}

static ssize_t read_partial(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room,
                            uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
    size_t copied;
    (void)ctx;
    if (h2_stream_read_out(source->ptr, to, room, &copied)) {
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (nghttp2_submit_trailer(session, stream, success_trailers, 1) != 0)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return (ssize_t)copied;
}

/* A success with something to say. */
static int reply_partial(struct h2_stream *s, const struct request_answer *answer)
{
    nghttp2_data_provider message = {.source.ptr = s, .read_callback = read_partial};
    uint8_t prefix[GRPC_PREFIX_BYTES] = {0};
    buf_append(&s->out, prefix, sizeof prefix);
    otlp_response_partial(&s->out, OTLP_PROTOBUF, s->endpoint.signal, answer->rejected,
                          answer->message);
    if (!buf_ok(&s->out))
        return reply_success(s);
    grpc_frame_prefix(s->out.data, (uint32_t)(s->out.len - sizeof prefix));
    return nghttp2_submit_response(s->h->session, s->id, success_head, SUCCESS_FIELDS, &message);
}

static nghttp2_nv field(const char *name, const void *value, size_t len)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), len,
                        NGHTTP2_NV_FLAG_NO_COPY_NAME};
}

/* The HTTP status that a gRPC answer has: 200 but for what is no gRPC at all (gRPC's http2 server reference). */
static unsigned http_status(enum otlp_cause cause)
{
    switch (cause) {
    case OTLP_UNSUPPORTED_MEDIA_TYPE:
    case OTLP_WRONG_METHOD:
    case OTLP_BAD_GRPC_TIMEOUT:
    case OTLP_HEADERS_TOO_LARGE:
        return otlp_status_of(cause)->http;
    default:
        return 200;
    }
}

static int reply_refusal(struct h2_stream *s, const struct request_answer *answer)
{
    struct buf *scratch = &s->h->intake->scratch;
    const struct otlp_status *row = otlp_status_of(answer->cause);
    struct slice text = answer->message;
    struct buf status = buf_make(INTAKE_SCRATCH_BYTES);
    struct buf message = buf_make(INTAKE_SCRATCH_BYTES);
    char http[8], grpc[8];
    if (text.len == 0)
        text = slice_of(row->message);
    if (text.len > OTLP_STATUS_MESSAGE_BYTES)
        text.len = OTLP_STATUS_MESSAGE_BYTES;
    otlp_status_render(&status, OTLP_PROTOBUF, answer->cause, answer->message, answer->after_ms);
    grpc_message_encode(&message, text);
    buf_clear(scratch); /* what answer->message borrowed is used up */
    grpc_details_encode(scratch, buf_slice(&status));
    int http_len = snprintf(http, sizeof http, "%u", http_status(answer->cause));
    int grpc_len = snprintf(grpc, sizeof grpc, "%u", row->grpc);

    nghttp2_nv fields[6];
    size_t n = 0;
    fields[n++] = field(":status", http, (size_t)http_len);
    fields[n++] = field("content-type", "application/grpc", 16);
    fields[n++] = field("grpc-status", grpc, (size_t)grpc_len);
    fields[n++] = field("grpc-message", message.data, message.len);
    if (buf_ok(scratch) && buf_ok(&status))
        fields[n++] = field("grpc-status-details-bin", scratch->data, scratch->len);
    if (answer->cause == OTLP_UNSUPPORTED_CODING)
        fields[n++] = field("grpc-accept-encoding", ENDPOINT_GRPC_CODINGS,
                            sizeof ENDPOINT_GRPC_CODINGS - 1);
    int err = nghttp2_submit_response(s->h->session, s->id, fields, n, NULL);
    buf_free(&status);
    buf_free(&message);
    return err;
}

int grpc_reply(struct h2_stream *s, const struct request_answer *answer)
{
    if (answer->cause != OTLP_ACCEPTED)
        return reply_refusal(s, answer);
    if (answer->rejected || answer->message.len)
        return reply_partial(s, answer);
    return reply_success(s);
}
