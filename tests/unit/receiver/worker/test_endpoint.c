// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/endpoint.h"

#include "tests/support/suite.h"

#define PB "application/x-protobuf"
#define PKG "/opentelemetry.proto.collector."
#define ALL (1u << OTLP_LOGS | 1u << OTLP_METRICS | 1u << OTLP_TRACES)

static const struct endpoint_config standard = {.wanted = ALL};

/* `says`: what the message must hold, NULL when the request is taken. */
static const struct {
    const char *method, *path, *type, *coding;
    enum otlp_cause cause;
    int signal, codec, gzip;
    const char *says;
} http[] = {
    {"POST", "/v1/logs", PB, "", OTLP_ACCEPTED, OTLP_LOGS, OTLP_PROTOBUF, 0, NULL},
    {"POST", "/v1/metrics", PB, "gzip", OTLP_ACCEPTED, OTLP_METRICS, OTLP_PROTOBUF, 1, NULL},
    {"POST", "/v1/traces", PB, "identity", OTLP_ACCEPTED, OTLP_TRACES, OTLP_PROTOBUF, 0, NULL},
    {"POST", "/v1/logs", "Application/X-Protobuf", "GZIP", OTLP_ACCEPTED, OTLP_LOGS, OTLP_PROTOBUF,
     1, NULL},
    {"POST", "/v1/logs", PB " ; charset=utf-8", "x-gzip", OTLP_ACCEPTED, OTLP_LOGS, OTLP_PROTOBUF,
     1, NULL},

    {"POST", "/", PB, "", OTLP_UNKNOWN_PATH, 0, OTLP_PROTOBUF, 0,
     "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"},
    {"GET", "/", "", "", OTLP_UNKNOWN_PATH, 0, OTLP_JSON, 0, "/v1/logs"},
    {"POST", "/v1/trace", PB, "", OTLP_UNKNOWN_PATH, 0, OTLP_PROTOBUF, 0,
     "traces go to /v1/traces"},
    {"POST", "/api/Metrics", PB, "", OTLP_UNKNOWN_PATH, 0, OTLP_PROTOBUF, 0,
     "metrics go to /v1/metrics"},
    {"POST", "/v1/logs/", PB, "", OTLP_UNKNOWN_PATH, 0, OTLP_PROTOBUF, 0, "logs go to /v1/logs"},
    {"POST", "/V1/LOGS", PB, "", OTLP_UNKNOWN_PATH, 0, OTLP_PROTOBUF, 0, "logs go to /v1/logs"},
    {"POST", "/v1development/profiles", PB, "", OTLP_UNKNOWN_PATH, 0, OTLP_PROTOBUF, 0,
     "unknown path \"/v1development/profiles\": logs go to /v1/logs, metrics to /v1/metrics, "
     "traces to /v1/traces"},
    {"POST", PKG "logs.v1.LogsService/Export", "application/grpc", "", OTLP_UNKNOWN_PATH, 0,
     OTLP_JSON, 0, "HTTP/2"},
    {"POST", "", PB, "", OTLP_UNKNOWN_PATH, 0, OTLP_PROTOBUF, 0, "unknown path \"\""},

    {"GET", "/v1/logs", PB, "", OTLP_WRONG_METHOD, OTLP_LOGS, OTLP_PROTOBUF, 0, "GET"},
    {"post", "/v1/logs", PB, "", OTLP_WRONG_METHOD, OTLP_LOGS, OTLP_PROTOBUF, 0, "post"},
    {"GET", "/v1/logs", "", "zstd", OTLP_WRONG_METHOD, OTLP_LOGS, OTLP_JSON, 0, "POST"},

    {"POST", "/v1/logs", "", "", OTLP_UNSUPPORTED_MEDIA_TYPE, OTLP_LOGS, OTLP_JSON, 0, PB},
    {"POST", "/v1/logs", "text/plain", "", OTLP_UNSUPPORTED_MEDIA_TYPE, OTLP_LOGS, OTLP_JSON, 0,
     "\"text/plain\""},
    {"POST", "/v1/logs", PB "s", "", OTLP_UNSUPPORTED_MEDIA_TYPE, OTLP_LOGS, OTLP_JSON, 0, PB},
    {"POST", "/v1/logs", "application/grpc", "", OTLP_UNSUPPORTED_MEDIA_TYPE, OTLP_LOGS, OTLP_JSON,
     0, "HTTP/2"},
    {"POST", "/v1/logs", "application/json", "", OTLP_ACCEPTED, OTLP_LOGS, OTLP_JSON, 0, NULL},
    {"POST", "/v1/traces", "APPLICATION/json; charset=utf-8", "gzip", OTLP_ACCEPTED, OTLP_TRACES,
     OTLP_JSON, 1, NULL},

    {"POST", "/v1/logs", PB, "zstd", OTLP_UNSUPPORTED_CODING, OTLP_LOGS, OTLP_PROTOBUF, 0,
     "Content-Encoding \"zstd\": supported are identity and gzip"},
    {"POST", "/v1/logs", PB, "gzip, gzip", OTLP_UNSUPPORTED_CODING, OTLP_LOGS, OTLP_PROTOBUF, 0,
     "gzip, gzip"},
};

static const struct {
    const char *method, *path, *type, *coding;
    enum otlp_cause cause;
    int signal, gzip;
    const char *says;
} grpc[] = {
    {"POST", PKG "logs.v1.LogsService/Export", "application/grpc", "", OTLP_ACCEPTED, OTLP_LOGS, 0,
     NULL},
    {"POST", PKG "metrics.v1.MetricsService/Export", "application/grpc+proto", "gzip",
     OTLP_ACCEPTED, OTLP_METRICS, 1, NULL},
    {"POST", PKG "trace.v1.TraceService/Export", "application/grpc;x=y", "identity", OTLP_ACCEPTED,
     OTLP_TRACES, 0, NULL},
    {"POST", PKG "logs.v1.LogsService/Export", "application/grpc+json", "",
     OTLP_UNSUPPORTED_MEDIA_TYPE, 0, 0, "application/grpc+json"},
    {"POST", PKG "logs.v1.LogsService/Export", PB, "", OTLP_UNSUPPORTED_MEDIA_TYPE, 0, 0, PB},
    {"GET", PKG "logs.v1.LogsService/Export", "application/grpc", "", OTLP_WRONG_METHOD, 0, 0,
     "GET"},
    {"POST", PKG "logs.v1.LogsService/export", "application/grpc", "", OTLP_UNKNOWN_PATH, OTLP_LOGS,
     0, "unknown method export for service opentelemetry.proto.collector.logs.v1.LogsService"},
    {"POST", PKG "logs.v1.LogsService/", "application/grpc", "", OTLP_UNKNOWN_PATH, OTLP_LOGS, 0,
     "unknown method  for service"},
    {"POST", PKG "traces.v1.TracesService/Export", "application/grpc", "", OTLP_UNKNOWN_PATH, 0, 0,
     "unknown service opentelemetry.proto.collector.traces.v1.TracesService"},
    {"POST", "/a/b/Export", "application/grpc", "", OTLP_UNKNOWN_PATH, 0, 0, "unknown service a/b"},
    {"POST", "/Export", "application/grpc", "", OTLP_UNKNOWN_PATH, 0, 0,
     "malformed method name: \"/Export\""},
    {"POST", "a/Export", "application/grpc", "", OTLP_UNKNOWN_PATH, 0, 0, "malformed method name"},
    {"POST", "", "application/grpc", "", OTLP_UNKNOWN_PATH, 0, 0, "malformed method name"},
    {"POST", "/", "application/grpc", "", OTLP_UNKNOWN_PATH, 0, 0, "malformed method name"},
    {"POST", "//Export", "application/grpc", "", OTLP_UNKNOWN_PATH, 0, 0, "unknown service"},
    {"POST", PKG "logs.v1.LogsService/Export", "application/grpc", "deflate",
     OTLP_UNSUPPORTED_CODING, OTLP_LOGS, 0, "grpc-encoding \"deflate\""},
};

static bool says(const struct endpoint *e, const char *text)
{
    return memmem(e->message, e->message_len, text, strlen(text)) != NULL;
}

START_TEST(otlp_http_requests_find_their_signal_or_a_reason)
{
    for (size_t i = 0; i < sizeof http / sizeof http[0]; i++) {
        struct endpoint e;
        enum otlp_cause cause =
            endpoint_http(&standard, slice_of(http[i].method), slice_of(http[i].path),
                          slice_of(http[i].type), slice_of(http[i].coding), &e);
        ck_assert_msg(cause == http[i].cause && cause == e.cause, "row %zu: %d", i, cause);
        ck_assert_msg((int)e.signal == http[i].signal, "row %zu", i);
        ck_assert_msg((int)e.codec == http[i].codec, "row %zu", i);
        ck_assert_msg((e.coding == ENDPOINT_GZIP) == http[i].gzip, "row %zu", i);
        if (http[i].says)
            ck_assert_msg(says(&e, http[i].says), "row %zu: %.*s", i, e.message_len, e.message);
        else
            ck_assert_uint_eq(e.message_len, 0);
    }
}
END_TEST

START_TEST(grpc_requests_find_their_signal_or_a_reason)
{
    for (size_t i = 0; i < sizeof grpc / sizeof grpc[0]; i++) {
        struct endpoint e;
        enum otlp_cause cause =
            endpoint_grpc(&standard, slice_of(grpc[i].method), slice_of(grpc[i].path),
                          slice_of(grpc[i].type), slice_of(grpc[i].coding), &e);
        ck_assert_msg(cause == grpc[i].cause && cause == e.cause, "row %zu: %d", i, cause);
        ck_assert_msg((int)e.signal == grpc[i].signal, "row %zu", i);
        ck_assert_int_eq(e.codec, OTLP_PROTOBUF);
        ck_assert_msg((e.coding == ENDPOINT_GZIP) == grpc[i].gzip, "row %zu", i);
        if (grpc[i].says)
            ck_assert_msg(says(&e, grpc[i].says), "row %zu: %.*s", i, e.message_len, e.message);
        else
            ck_assert_uint_eq(e.message_len, 0);
    }
}
END_TEST

START_TEST(a_signal_that_no_pipeline_takes_is_refused_by_name)
{
    const struct endpoint_config config = {.wanted = 1u << OTLP_TRACES};
    struct endpoint e;
    ck_assert_int_eq(endpoint_http(&config, slice_of("POST"), slice_of("/v1/logs"), slice_of(PB),
                                   slice_of(""), &e),
                     OTLP_UNWANTED_SIGNAL);
    ck_assert(says(&e, "no pipeline of this gateway takes logs"));
    ck_assert_int_eq(endpoint_grpc(&config, slice_of("POST"),
                                   slice_of(PKG "metrics.v1.MetricsService/Export"),
                                   slice_of("application/grpc"), slice_of(""), &e),
                     OTLP_UNWANTED_SIGNAL);
    ck_assert(says(&e, "metrics"));
    ck_assert_int_eq(endpoint_http(&config, slice_of("POST"), slice_of("/v1/traces"), slice_of(PB),
                                   slice_of(""), &e),
                     OTLP_ACCEPTED);
}
END_TEST

START_TEST(configured_paths_replace_the_standard_ones_and_are_the_ones_named)
{
    const struct endpoint_config config = {.wanted = ALL,
                                           .http_paths = {[OTLP_LOGS] = "/ingest/l"}};
    struct endpoint e;
    ck_assert_int_eq(endpoint_http(&config, slice_of("POST"), slice_of("/ingest/l"), slice_of(PB),
                                   slice_of(""), &e),
                     OTLP_ACCEPTED);
    ck_assert_int_eq(e.signal, OTLP_LOGS);
    ck_assert_int_eq(endpoint_http(&config, slice_of("POST"), slice_of("/v1/logs"), slice_of(PB),
                                   slice_of(""), &e),
                     OTLP_UNKNOWN_PATH);
    ck_assert(says(&e, "logs go to /ingest/l"));
    ck_assert_int_eq(endpoint_http(&config, slice_of("POST"), slice_of("/v1/traces"), slice_of(PB),
                                   slice_of(""), &e),
                     OTLP_ACCEPTED);
}
END_TEST

START_TEST(long_messages_are_cut)
{
    static const uint8_t dots[4000] = {'/'};
    struct endpoint e;
    ck_assert_int_eq(endpoint_http(&standard, slice_of("POST"), slice_make(dots, sizeof dots),
                                   slice_of(PB), slice_of(""), &e),
                     OTLP_UNKNOWN_PATH);
    ck_assert_uint_lt(e.message_len, sizeof e.message);

    char path[2 * ENDPOINT_MESSAGE_BYTES];
    memset(path, '/', sizeof path);
    path[sizeof path - 1] = '\0';
    const struct endpoint_config config = {.wanted = ALL, .http_paths = {[OTLP_LOGS] = path}};
    ck_assert_int_eq(endpoint_http(&config, slice_of("POST"), slice_of("/x"), slice_of(PB),
                                   slice_of(""), &e),
                     OTLP_UNKNOWN_PATH);
    ck_assert_uint_lt(e.message_len, sizeof e.message);
}
END_TEST

START_TEST(grpc_is_told_by_its_content_type)
{
    static const struct {
        const char *type;
        bool is;
    } cases[] = {
        {"application/grpc", true},       {"application/grpc+proto", true},
        {"Application/GRPC; a=b", true},  {"application/grpc+json", true},
        {"application/grpc-web", false},  {"application/grpcx", false},
        {"application/x-protobuf", false}, {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(endpoint_is_grpc(slice_of(cases[i].type)) == cases[i].is, "%s",
                      cases[i].type);
}
END_TEST

SUITE_MAIN("endpoint", otlp_http_requests_find_their_signal_or_a_reason,
           grpc_requests_find_their_signal_or_a_reason,
           a_signal_that_no_pipeline_takes_is_refused_by_name,
           configured_paths_replace_the_standard_ones_and_are_the_ones_named,
           long_messages_are_cut, grpc_is_told_by_its_content_type)
