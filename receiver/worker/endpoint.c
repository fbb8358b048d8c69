// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/endpoint.h"

#include <stdarg.h>
#include <stdio.h>

#include "shared/http/http1.h"

#define SHOWN_BYTES 96 /* of a piece of the peer's in a message */
#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const struct service {
    const char *name;
    const char *http_path; /* unless configured */
    enum otlp_signal signal;
} services[] = {
    {"opentelemetry.proto.collector.logs.v1.LogsService", "/v1/logs", OTLP_LOGS},
    {"opentelemetry.proto.collector.metrics.v1.MetricsService", "/v1/metrics", OTLP_METRICS},
    {"opentelemetry.proto.collector.trace.v1.TraceService", "/v1/traces", OTLP_TRACES},
};

static const struct media_type {
    const char *name;
    enum otlp_codec codec;
} media_types[] = {
    {"application/x-protobuf", OTLP_PROTOBUF},
    {"application/json", OTLP_JSON},
};

/* x-gzip is the same as gzip (RFC 9110 section 8.4.1.3). */
static const struct coding {
    const char *name;
    enum endpoint_coding coding;
} codings[] = {
    {"", ENDPOINT_IDENTITY},
    {"identity", ENDPOINT_IDENTITY},
    {"gzip", ENDPOINT_GZIP},
    {"x-gzip", ENDPOINT_GZIP},
};

/* Words in a wrong path that tell what was meant. */
static const struct hint {
    const char *word;
    enum otlp_signal signal;
} hints[] = {
    {"log", OTLP_LOGS},     {"event", OTLP_LOGS},  {"metric", OTLP_METRICS},
    {"trace", OTLP_TRACES}, {"span", OTLP_TRACES},
};

/* ---- refusals -------------------------------------------------------------------------------------------------- */

static enum otlp_cause refuse(struct endpoint *e, enum otlp_cause cause, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum otlp_cause refuse(struct endpoint *e, enum otlp_cause cause, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(e->message, sizeof e->message, format, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n;
    e->message_len = (uint16_t)(len < sizeof e->message ? len : sizeof e->message - 1);
    e->cause = cause;
    return cause;
}

/* A piece of the peer's as the two arguments of %.*s, cut. */
static int shown_len(struct slice s)
{
    return s.len < SHOWN_BYTES ? (int)s.len : SHOWN_BYTES;
}
#define SHOWN(s) shown_len(s), (s).len ? (const char *)(s).data : ""

/* The message is left as it is: clearing it would cost more than all the rest. */
static void start(struct endpoint *e, enum otlp_codec codec)
{
    e->cause = OTLP_ACCEPTED;
    e->signal = (enum otlp_signal)0;
    e->grpc = false;
    e->codec = codec;
    e->coding = ENDPOINT_IDENTITY;
    e->message_len = 0;
}

static const char *http_path(const struct endpoint_config *config, const struct service *service)
{
    const char *path = config->http_paths[service->signal];
    return path ? path : service->http_path;
}

/* ---- matching -------------------------------------------------------------------------------------------------- */

static bool starts_with(struct slice s, const char *text)
{
    size_t n = strlen(text);
    return s.len >= n && http1_same_text(slice_make(s.data, n), text);
}

static bool holds_word(struct slice s, const char *word)
{
    while (s.len >= strlen(word)) {
        if (starts_with(s, word))
            return true;
        s = slice_make(s.data + 1, s.len - 1);
    }
    return false;
}

/* The media type without its parameters (RFC 9110 section 8.3.1). */
static struct slice bare_type(struct slice content_type)
{
    const uint8_t *end =
        content_type.len ? memchr(content_type.data, ';', content_type.len) : NULL;
    struct slice s = content_type;
    if (end)
        s.len = (size_t)(end - s.data);
    while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    while (s.len && (*s.data == ' ' || *s.data == '\t'))
        s = slice_make(s.data + 1, s.len - 1);
    return s;
}

bool endpoint_is_grpc(struct slice content_type)
{
    struct slice type = bare_type(content_type);
    return http1_same_text(type, "application/grpc") || starts_with(type, "application/grpc+");
}

static const struct media_type *find_media_type(struct slice content_type)
{
    struct slice type = bare_type(content_type);
    for (size_t i = 0; i < COUNT(media_types); i++) {
        if (http1_same_text(type, media_types[i].name))
            return &media_types[i];
    }
    return NULL;
}

static const struct coding *find_coding(struct slice name)
{
    for (size_t i = 0; i < COUNT(codings); i++) {
        if (http1_same_text(name, codings[i].name))
            return &codings[i];
    }
    return NULL;
}

static enum otlp_cause check_wanted(const struct endpoint_config *config, struct endpoint *e)
{
    if (config->wanted & 1u << e->signal)
        return OTLP_ACCEPTED;
    return refuse(e, OTLP_UNWANTED_SIGNAL,
                  "no pipeline of this gateway takes %s: add one to service.pipelines, or turn "
                  "their export off",
                  otlp_signal_name(e->signal));
}

/* ---- OTLP/HTTP ------------------------------------------------------------------------------------------------- */

static enum otlp_cause refuse_path(const struct endpoint_config *config, struct slice path,
                                   struct endpoint *e)
{
    const char *logs = http_path(config, &services[0]);
    const char *metrics = http_path(config, &services[1]);
    const char *traces = http_path(config, &services[2]);
    if (slice_is(path, "/"))
        return refuse(e, OTLP_UNKNOWN_PATH,
                      "nothing is taken at /: the endpoint of one signal "
                      "(OTEL_EXPORTER_OTLP_LOGS_ENDPOINT, ...) is used as it stands and needs its "
                      "path: %s, %s or %s; OTEL_EXPORTER_OTLP_ENDPOINT needs none",
                      logs, metrics, traces);
    if (starts_with(path, "/opentelemetry.proto.collector."))
        return refuse(e, OTLP_UNKNOWN_PATH,
                      "this is a method of gRPC, which needs HTTP/2 and the content type "
                      "application/grpc; OTLP/HTTP goes to %s, %s and %s",
                      logs, metrics, traces);
    for (size_t i = 0; i < COUNT(hints); i++) {
        if (holds_word(path, hints[i].word))
            return refuse(e, OTLP_UNKNOWN_PATH, "unknown path \"%.*s\": %s go to %s", SHOWN(path),
                          otlp_signal_name(hints[i].signal),
                          http_path(config, &services[hints[i].signal - OTLP_LOGS]));
    }
    return refuse(e, OTLP_UNKNOWN_PATH,
                  "unknown path \"%.*s\": logs go to %s, metrics to %s, traces to %s", SHOWN(path),
                  logs, metrics, traces);
}

static const struct service *find_path(const struct endpoint_config *config, struct slice path)
{
    for (size_t i = 0; i < COUNT(services); i++) {
        if (slice_is(path, http_path(config, &services[i])))
            return &services[i];
    }
    return NULL;
}

static enum otlp_cause check_media_type(const struct media_type *media, struct slice content_type,
                                        struct endpoint *e)
{
    if (media)
        return OTLP_ACCEPTED;
    if (endpoint_is_grpc(content_type))
        return refuse(e, OTLP_UNSUPPORTED_MEDIA_TYPE, "gRPC needs HTTP/2");
    return refuse(e, OTLP_UNSUPPORTED_MEDIA_TYPE,
                  "unsupported content type \"%.*s\": send application/x-protobuf or application/json",
                  SHOWN(content_type));
}

static enum otlp_cause check_coding(struct slice name, const char *header, struct endpoint *e)
{
    const struct coding *coding = find_coding(name);
    if (!coding)
        return refuse(e, OTLP_UNSUPPORTED_CODING,
                      "unsupported %s \"%.*s\": supported are identity and gzip", header,
                      SHOWN(name));
    e->coding = coding->coding;
    return OTLP_ACCEPTED;
}

static enum otlp_cause check_method(struct slice method, struct endpoint *e)
{
    if (slice_is(method, "POST"))
        return OTLP_ACCEPTED;
    return refuse(e, OTLP_WRONG_METHOD, "method %.*s is not allowed here, only POST",
                  SHOWN(method));
}

enum otlp_cause endpoint_http(const struct endpoint_config *config, struct slice method,
                              struct slice path, struct slice content_type,
                              struct slice content_encoding, struct endpoint *e)
{
    const struct media_type *media = find_media_type(content_type);
    start(e, media ? media->codec : OTLP_JSON);
    const struct service *service = find_path(config, path);
    if (!service)
        return refuse_path(config, path, e);
    e->signal = service->signal;
    enum otlp_cause cause = check_method(method, e);
    if (!cause)
        cause = check_media_type(media, content_type, e);
    if (!cause)
        cause = check_coding(content_encoding, "Content-Encoding", e);
    return cause ? cause : check_wanted(config, e);
}

/* ---- gRPC ------------------------------------------------------------------------------------------------------ */

/* "/package.Service/Method". The last slash divides, as in other servers. */
static bool split_method(struct slice path, struct slice *service, struct slice *method)
{
    size_t at = path.len;
    while (at > 0 && path.data[at - 1] != '/')
        at--;
    if (at < 2 || path.data[0] != '/')
        return false;
    *service = slice_make(path.data + 1, at - 2);
    *method = slice_make(path.data + at, path.len - at);
    return true;
}

static enum otlp_cause route_grpc(struct slice path, struct endpoint *e)
{
    struct slice service;
    struct slice method;
    if (!split_method(path, &service, &method))
        return refuse(e, OTLP_UNKNOWN_PATH, "malformed method name: \"%.*s\"", SHOWN(path));
    for (size_t i = 0; i < COUNT(services); i++) {
        if (!slice_is(service, services[i].name))
            continue;
        e->signal = services[i].signal;
        if (slice_is(method, "Export"))
            return OTLP_ACCEPTED;
        return refuse(e, OTLP_UNKNOWN_PATH, "unknown method %.*s for service %.*s", SHOWN(method),
                      SHOWN(service));
    }
    return refuse(e, OTLP_UNKNOWN_PATH, "unknown service %.*s", SHOWN(service));
}

static bool is_grpc_protobuf(struct slice content_type)
{
    struct slice type = bare_type(content_type);
    return http1_same_text(type, "application/grpc") ||
           http1_same_text(type, "application/grpc+proto");
}

enum otlp_cause endpoint_grpc(const struct endpoint_config *config, struct slice method,
                              struct slice path, struct slice content_type,
                              struct slice grpc_encoding, struct endpoint *e)
{
    start(e, OTLP_PROTOBUF);
    e->grpc = true;
    if (!is_grpc_protobuf(content_type))
        return refuse(e, OTLP_UNSUPPORTED_MEDIA_TYPE, "invalid gRPC request content-type \"%.*s\"",
                      SHOWN(content_type));
    enum otlp_cause cause = check_method(method, e);
    if (!cause)
        cause = route_grpc(path, e);
    if (!cause)
        cause = check_coding(grpc_encoding, "grpc-encoding", e);
    return cause ? cause : check_wanted(config, e);
}
