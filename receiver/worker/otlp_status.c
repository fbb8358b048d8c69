// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/otlp_status.h"

#include <google/rpc/status.pb-c.h>

#include "shared/base/json_text.h"
#include "shared/base/utf8.h"

#define RETRY_MIN_MS 1000u
#define RETRY_MAX_MS 3000u
#define RETRY_INFO_URL "type.googleapis.com/google.rpc.RetryInfo"

static const struct otlp_status rows[OTLP_CAUSES] = {
    [OTLP_ACCEPTED] = {"accepted", "", GRPC_OK, 200, 0},

    [OTLP_MALFORMED_PROTOBUF] = {"malformed_protobuf", "the request is no valid protobuf",
                                 GRPC_INVALID_ARGUMENT, 400, 0},
    [OTLP_MALFORMED_JSON] = {"malformed_json", "the request is no valid JSON",
                             GRPC_INVALID_ARGUMENT, 400, 0},
    [OTLP_TOO_LARGE_WIRE] = {"too_large", "the request is over the size limit",
                             GRPC_RESOURCE_EXHAUSTED, 413, 0},
    [OTLP_TOO_LARGE_INFLATED] = {"too_large_inflated",
                                 "the inflated request is over the size limit",
                                 GRPC_RESOURCE_EXHAUSTED, 413, 0},
    [OTLP_TOO_DEEP] = {"too_deep", "the request is nested too deeply", GRPC_INVALID_ARGUMENT, 400,
                       0},
    [OTLP_TOO_MANY_RECORDS] = {"too_many_records", "the request holds too many records",
                               GRPC_RESOURCE_EXHAUSTED, 413, 0},
    /* gRPC wants INTERNAL for a supported coding that does not decode (doc/compression.md). */
    [OTLP_CORRUPT_GZIP] = {"corrupt_gzip", "the gzip data is damaged", GRPC_INTERNAL, 400, 0},
    [OTLP_RATIO_GUARD] = {"ratio_guard", "the request inflates to far more than telemetry does",
                          GRPC_RESOURCE_EXHAUSTED, 413, 0},
    [OTLP_UNSUPPORTED_CODING] = {"unsupported_coding", "supported codings: identity, gzip",
                                 GRPC_UNIMPLEMENTED, 415, 0},

    [OTLP_UNKNOWN_PATH] = {"unknown_path", "there is nothing under this path", GRPC_UNIMPLEMENTED,
                           404, 0},
    [OTLP_UNWANTED_SIGNAL] = {"unwanted_signal", "no pipeline takes this signal",
                              GRPC_UNIMPLEMENTED, 404, 0},
    [OTLP_WRONG_METHOD] = {"wrong_method", "the only method here is POST", GRPC_INTERNAL, 405, 0},
    [OTLP_UNSUPPORTED_MEDIA_TYPE] = {"unsupported_media_type", "unsupported content type",
                                     GRPC_INVALID_ARGUMENT, 415, 0},

    [OTLP_BAD_REQUEST] = {"bad_request", "the request is malformed", GRPC_INVALID_ARGUMENT, 400, 0},
    /* gRPC servers answer this one so. */
    [OTLP_BAD_GRPC_TIMEOUT] = {"bad_grpc_timeout", "malformed grpc-timeout", GRPC_INTERNAL, 400, 0},
    [OTLP_LENGTH_REQUIRED] = {"length_required", "the request needs Content-Length or chunks",
                              GRPC_INVALID_ARGUMENT, 411, 0},
    [OTLP_BODY_TIMEOUT] = {"body_timeout", "the request came too slowly", GRPC_DEADLINE_EXCEEDED,
                           408, 0},
    [OTLP_HEADERS_TOO_LARGE] = {"headers_too_large", "the headers are over the size limit",
                                GRPC_RESOURCE_EXHAUSTED, 431, 0},
    [OTLP_BAD_GRPC_FRAME] = {"bad_grpc_frame", "the gRPC message is malformed", GRPC_INTERNAL, 400,
                             0},
    [OTLP_NOT_UNARY] = {"not_unary", "a unary call has exactly one message", GRPC_UNIMPLEMENTED,
                        400, 0},

    [OTLP_ROUTER_AWAY] = {"router_away", "the gateway's store is restarting; try again",
                          GRPC_UNAVAILABLE, 503, 1000},
    [OTLP_STORE_FULL] = {"store_full", "the gateway's store is full; try again", GRPC_UNAVAILABLE,
                         503, 2000},
    [OTLP_STORE_BROKEN] = {"store_broken", "the gateway's store has errors; try again",
                           GRPC_UNAVAILABLE, 503, 3000},
    [OTLP_STORE_TOO_LARGE] = {"store_too_large", "the request is larger than the store takes",
                              GRPC_RESOURCE_EXHAUSTED, 413, 0},
    [OTLP_OVERLOADED] = {"overloaded", "the gateway is overloaded; try again", GRPC_UNAVAILABLE,
                         503, 1000},
    [OTLP_STOPPING] = {"stopping", "the gateway is stopping; try again", GRPC_UNAVAILABLE, 503,
                       1000},
    [OTLP_DEADLINE] = {"deadline", "the request's deadline has passed", GRPC_DEADLINE_EXCEEDED, 503,
                       1000},
    [OTLP_INTERNAL] = {"internal", "the gateway made a mistake", GRPC_INTERNAL, 500, 0},
};

const struct otlp_status *otlp_status_of(enum otlp_cause cause)
{
    return &rows[(unsigned)cause < OTLP_CAUSES ? cause : OTLP_INTERNAL];
}

uint32_t otlp_status_retry_ms(enum otlp_cause cause, uint32_t after_ms)
{
    uint32_t row_ms = otlp_status_of(cause)->retry_after_ms;
    if (row_ms == 0)
        return 0;
    uint32_t ms = after_ms ? after_ms : row_ms;
    return ms < RETRY_MIN_MS ? RETRY_MIN_MS : ms > RETRY_MAX_MS ? RETRY_MAX_MS : ms;
}

uint32_t otlp_status_retry_after_s(enum otlp_cause cause, uint32_t after_ms)
{
    return (otlp_status_retry_ms(cause, after_ms) + 999) / 1000;
}

const char *otlp_codec_content_type(enum otlp_codec codec)
{
    return codec == OTLP_JSON ? "application/json" : "application/x-protobuf";
}

/* A message that is safe in a protobuf string: UTF-8 without NUL, at most OTLP_STATUS_MESSAGE_BYTES. */
struct message {
    size_t len;
    char text[OTLP_STATUS_MESSAGE_BYTES + 1];
};

static void clean(struct message *m, struct slice raw)
{
    m->len = 0;
    for (size_t i = 0; i < raw.len;) {
        size_t n = utf8_sequence(slice_make(raw.data + i, raw.len - i));
        size_t put = n ? n : 1;
        if (put > OTLP_STATUS_MESSAGE_BYTES - m->len)
            break;
        if (n && raw.data[i])
            memcpy(m->text + m->len, raw.data + i, n);
        else
            m->text[m->len] = '?';
        m->len += put;
        i += put;
    }
    m->text[m->len] = '\0';
}

static void render_protobuf(struct buf *out, uint16_t code, struct message *m, uint32_t retry_ms)
{
    Google__Rpc__Duration delay = GOOGLE__RPC__DURATION__INIT;
    delay.seconds = retry_ms / 1000;
    delay.nanos = (int32_t)(retry_ms % 1000 * 1000000);
    Google__Rpc__RetryInfo retry = GOOGLE__RPC__RETRY_INFO__INIT;
    retry.retry_delay = &delay;
    uint8_t packed[32]; /* two varints of at most 10 bytes in two short messages */

    char url[] = RETRY_INFO_URL;
    Google__Rpc__Any detail = GOOGLE__RPC__ANY__INIT;
    detail.type_url = url;
    detail.value.data = packed;
    detail.value.len = google__rpc__retry_info__pack(&retry, packed);

    Google__Rpc__Any *details[] = {&detail};
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    status.code = code;
    status.message = m->text;
    status.n_details = retry_ms ? 1 : 0;
    status.details = details;
    size_t size = google__rpc__status__get_packed_size(&status);
    uint8_t *at = buf_reserve(out, size);
    if (at)
        out->len += google__rpc__status__pack(&status, at);
}

static void render_json(struct buf *out, uint16_t code, const struct message *m, uint32_t retry_ms)
{
    buf_text(out, "{\"code\":");
    buf_u64(out, code);
    buf_text(out, ",\"message\":");
    json_text_string(out, slice_make(m->text, m->len));
    if (retry_ms) {
        buf_text(out, ",\"details\":[{\"@type\":\"" RETRY_INFO_URL "\",\"retryDelay\":\"");
        buf_u64(out, retry_ms / 1000);
        if (retry_ms % 1000)
            buf_printf(out, ".%03u", (unsigned)(retry_ms % 1000));
        buf_text(out, "s\"}]");
    }
    buf_byte(out, '}');
}

void otlp_status_render(struct buf *out, enum otlp_codec codec, enum otlp_cause cause,
                        struct slice message, uint32_t after_ms)
{
    const struct otlp_status *row = otlp_status_of(cause);
    struct message m;
    clean(&m, message.len ? message : slice_of(row->message));
    uint32_t retry_ms = otlp_status_retry_ms(cause, after_ms);
    if (codec == OTLP_JSON)
        render_json(out, row->grpc, &m, retry_ms);
    else
        render_protobuf(out, row->grpc, &m, retry_ms);
}

void otlp_response_success(struct buf *out, enum otlp_codec codec)
{
    if (codec == OTLP_JSON)
        buf_text(out, "{}");
}

/* ---- partial success: the same two fields in all three responses ----------------------------------------------- */

static size_t varint(uint8_t out[10], uint64_t value)
{
    size_t n = 0;
    while (value >= 0x80) {
        out[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    out[n++] = (uint8_t)value;
    return n;
}

/* 1 partial_success { 1 rejected_… int64, 2 error_message string } */
static void partial_protobuf(struct buf *out, uint64_t rejected, const struct message *m)
{
    uint8_t count[10];
    uint8_t text_len[10];
    uint8_t inner_len[10];
    size_t count_n = varint(count, rejected);
    size_t text_n = varint(text_len, m->len);
    size_t inner = (rejected ? 1 + count_n : 0) + (m->len ? 1 + text_n + m->len : 0);
    buf_byte(out, 1 << 3 | 2);
    buf_append(out, inner_len, varint(inner_len, inner));
    if (rejected) {
        buf_byte(out, 1 << 3 | 0);
        buf_append(out, count, count_n);
    }
    if (m->len) {
        buf_byte(out, 2 << 3 | 2);
        buf_append(out, text_len, text_n);
        buf_append(out, m->text, m->len);
    }
}

static void partial_json(struct buf *out, enum otlp_signal signal, uint64_t rejected,
                         const struct message *m)
{
    static const char *const names[] = {
        [OTLP_LOGS] = "rejectedLogRecords",
        [OTLP_METRICS] = "rejectedDataPoints",
        [OTLP_TRACES] = "rejectedSpans",
    };
    buf_text(out, "{\"partialSuccess\":{");
    if (rejected) {
        buf_printf(out, "\"%s\":\"", names[signal]);
        buf_u64(out, rejected);
        buf_text(out, m->len ? "\"," : "\"");
    }
    if (m->len) {
        buf_text(out, "\"errorMessage\":");
        json_text_string(out, slice_make(m->text, m->len));
    }
    buf_text(out, "}}");
}

void otlp_response_partial(struct buf *out, enum otlp_codec codec, enum otlp_signal signal,
                           uint64_t rejected, struct slice message)
{
    struct message m;
    clean(&m, message);
    if (rejected == 0 && m.len == 0)
        otlp_response_success(out, codec);
    else if (codec == OTLP_JSON)
        partial_json(out, signal, rejected, &m);
    else
        partial_protobuf(out, rejected, &m);
}
