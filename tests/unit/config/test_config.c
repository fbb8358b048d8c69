// SPDX-License-Identifier: Apache-2.0
#include "shared/config/config.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOGS (1u << CONFIG_LOGS)
#define METRICS (1u << CONFIG_METRICS)
#define TRACES (1u << CONFIG_TRACES)

/* Pieces that a configuration is made of, for cases that are about another piece. */
#define OTLP "receivers: {otlp: {protocols: {grpc: }}}\n"
#define DEBUG "exporters: {debug: }\n"
#define SERVICE "service: {pipelines: {logs: {receivers: [otlp], exporters: [debug]}}}\n"

static const char *no_environment(void *context, const char *name)
{
    (void)context, (void)name;
    return NULL;
}

static struct config *load(const char *text)
{
    struct config *config;
    struct config_error error;
    int rc = config_from_text("f", slice_of(text), no_environment, NULL, &config, &error);
    ck_assert_msg(rc == 0, "%s\n%s", text, error.text);
    ck_assert_str_eq(error.text, "");
    return config;
}

/* ---- what is right ---- */

START_TEST(without_a_file_all_signals_go_from_otlp_to_the_console)
{
    struct config *c = config_default();
    ck_assert_str_eq(c->otlp.id, "otlp");
    ck_assert(c->otlp.grpc.enabled && c->otlp.http.enabled);
    ck_assert_str_eq(c->otlp.grpc.endpoint.host, "127.0.0.1");
    ck_assert_uint_eq(c->otlp.grpc.endpoint.port, 4317);
    ck_assert_uint_eq(c->otlp.grpc.max_message_bytes, 64 * SIZE_MIB);
    ck_assert_uint_eq(c->otlp.grpc.max_streams, 100);
    ck_assert_str_eq(c->otlp.http.endpoint.host, "127.0.0.1");
    ck_assert_uint_eq(c->otlp.http.endpoint.port, 4318);
    ck_assert_uint_eq(c->otlp.http.max_body_bytes, 64 * SIZE_MIB);
    ck_assert_str_eq(c->otlp.http.logs_path, "/v1/logs");
    ck_assert_str_eq(c->otlp.http.metrics_path, "/v1/metrics");
    ck_assert_str_eq(c->otlp.http.traces_path, "/v1/traces");
    ck_assert(c->health.enabled);
    ck_assert_str_eq(c->health.endpoint.host, "127.0.0.1");
    ck_assert_uint_eq(c->health.endpoint.port, 13133);
    ck_assert_str_eq(c->health.path, "/");
    ck_assert_uint_eq(c->exporter_count, 1);
    ck_assert_str_eq(c->exporters[0].id, "debug");
    ck_assert_str_eq(c->exporters[0].kind->program, "console");
    ck_assert_uint_eq(c->exporters[0].signals, LOGS | METRICS | TRACES);
    ck_assert_uint_eq(config_signals(c), LOGS | METRICS | TRACES);
    ck_assert_uint_eq(c->warning_count, 0);
    config_free(&c);
    ck_assert_ptr_null(c);
    config_free(&c);
}
END_TEST

START_TEST(the_settings_of_our_own_have_the_defaults_of_the_design)
{
    struct config *c = config_default();
    const struct config_masques *m = &c->masques;
    const uint64_t second = (uint64_t)DURATION_S_NS;
    ck_assert_uint_eq(m->workers, 0);
    ck_assert_uint_eq(m->log_level, LOG_LEVEL_INFO);
    ck_assert_str_eq(m->runtime_directory, "");
    ck_assert_uint_eq(m->hang_after_ns, 5 * second);
    ck_assert_uint_eq(m->grace_ns, 10 * second);
    ck_assert_uint_eq(m->limits.ledger_bytes, 256 * SIZE_MIB);
    ck_assert_uint_eq(m->limits.max_connections, 4096);
    ck_assert_uint_eq(m->limits.connections_per_address, 256);
    ck_assert_uint_eq(m->limits.max_header_bytes, 8 * SIZE_KIB);
    ck_assert_uint_eq(m->limits.header_timeout_ns, 10 * second);
    ck_assert_uint_eq(m->limits.body_timeout_ns, 30 * second);
    ck_assert_uint_eq(m->limits.body_bytes_per_s, 64 * SIZE_KIB);
    ck_assert_uint_eq(m->limits.idle_timeout_ns, 300 * second);
    ck_assert_uint_eq(m->limits.write_timeout_ns, 30 * second);
    ck_assert_uint_eq(m->limits.max_depth, 100);
    ck_assert_uint_eq(m->limits.max_records, 1000000);
    ck_assert_uint_eq(m->limits.inflate_ratio, 200);
    ck_assert_uint_eq(m->limits.discard_bytes, SIZE_MIB);
    ck_assert_uint_eq(m->limits.discard_timeout_ns, 2 * second);
    ck_assert_str_eq(m->store.directory, "");
    ck_assert_uint_eq(m->store.fsync, CONFIG_FSYNC_ALWAYS);
    ck_assert_uint_eq(m->store.fsync_interval_ns, second);
    ck_assert_uint_eq(m->store.max_bytes, 256 * SIZE_MIB);
    ck_assert_uint_eq(m->store.segment_bytes, 8 * SIZE_MIB);
    ck_assert_uint_eq(m->store.dead_letter_bytes, 64 * SIZE_MIB);
    ck_assert_uint_eq(m->router_memory_bytes, 64 * SIZE_MIB);
    config_free(&c);
}
END_TEST

START_TEST(the_collectors_usual_file_for_this_job_is_understood)
{
    struct config *c = load("receivers:\n"
                            "  otlp:\n"
                            "    protocols:\n"
                            "      grpc:\n"
                            "        endpoint: 0.0.0.0:4317\n"
                            "      http:\n"
                            "        endpoint: 0.0.0.0:4318\n"
                            "exporters:\n"
                            "  debug:\n"
                            "extensions:\n"
                            "  health_check:\n"
                            "    endpoint: 0.0.0.0:13133\n"
                            "service:\n"
                            "  extensions: [health_check]\n"
                            "  telemetry:\n"
                            "    logs:\n"
                            "      level: warn\n"
                            "  pipelines:\n"
                            "    traces:\n"
                            "      receivers: [otlp]\n"
                            "      exporters: [debug]\n"
                            "    metrics:\n"
                            "      receivers: [otlp]\n"
                            "      exporters: [debug]\n"
                            "    logs:\n"
                            "      receivers: [otlp]\n"
                            "      exporters: [debug]\n");
    ck_assert_str_eq(c->otlp.grpc.endpoint.host, "0.0.0.0");
    ck_assert_str_eq(c->otlp.http.endpoint.host, "0.0.0.0");
    ck_assert_str_eq(c->health.endpoint.host, "0.0.0.0");
    ck_assert(c->health.enabled);
    ck_assert_uint_eq(config_signals(c), LOGS | METRICS | TRACES);
    ck_assert_uint_eq(c->masques.log_level, LOG_LEVEL_WARN);
    ck_assert_uint_eq(c->warning_count, 0);
    config_free(&c);
}
END_TEST

START_TEST(a_protocol_is_enabled_by_its_key)
{
    static const struct {
        const char *protocols;
        bool grpc;
        bool http;
    } cases[] = {
        {"{grpc: }", true, false},
        {"{http: }", false, true},
        {"{grpc: , http: {}}", true, true},
        {"{grpc: {max_concurrent_streams: 5}}", true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[500];
        snprintf(text, sizeof text, "receivers: {otlp: {protocols: %s}}\n" DEBUG SERVICE,
                 cases[i].protocols);
        struct config *c = load(text);
        ck_assert_msg(c->otlp.grpc.enabled == cases[i].grpc, "%s", cases[i].protocols);
        ck_assert_msg(c->otlp.http.enabled == cases[i].http, "%s", cases[i].protocols);
        config_free(&c);
    }
}
END_TEST

START_TEST(an_exporter_is_one_for_all_pipelines_that_name_it)
{
    struct config *c = load("receivers: {otlp/in: {protocols: {grpc: }}}\n"
                            "exporters:\n"
                            "  debug: {color: never}\n"
                            "  console/json: {format: json}\n"
                            "  nop/unused:\n"
                            "  nop:\n"
                            "service:\n"
                            "  pipelines:\n"
                            "    logs: {receivers: [otlp/in], exporters: [debug, console / json]}\n"
                            "    logs/2: {receivers: [otlp/in], processors: [], exporters: [nop]}\n"
                            "    traces: {receivers: [otlp/in], processors: , exporters: [debug]}\n");
    ck_assert_str_eq(c->otlp.id, "otlp/in");
    ck_assert_uint_eq(c->exporter_count, 3);
    ck_assert_str_eq(c->exporters[0].id, "debug");
    ck_assert_uint_eq(c->exporters[0].signals, LOGS | TRACES);
    ck_assert_uint_eq(c->exporters[0].options.console.color, CONSOLE_COLOR_NEVER);
    ck_assert_uint_eq(c->exporters[0].options.console.format, CONSOLE_PRETTY);
    ck_assert_str_eq(c->exporters[1].id, "console/json");
    ck_assert_uint_eq(c->exporters[1].signals, LOGS);
    ck_assert_uint_eq(c->exporters[1].options.console.format, CONSOLE_JSON);
    ck_assert_str_eq(c->exporters[2].id, "nop");
    ck_assert_str_eq(c->exporters[2].kind->program, "nop");
    ck_assert_uint_eq(c->exporters[2].signals, LOGS);
    ck_assert_uint_eq(config_signals(c), LOGS | TRACES);
    ck_assert_uint_eq(c->warning_count, 1);
    ck_assert_str_eq(c->warnings[0], "f:5:3: exporters::nop/unused: no pipeline uses this "
                                     "exporter; it is not started");
    config_free(&c);
}
END_TEST

START_TEST(the_health_check_runs_when_the_service_lists_it)
{
    struct config *c = load(OTLP DEBUG "extensions: {health_check: {path: up}}\n" SERVICE);
    ck_assert(!c->health.enabled);
    config_free(&c);
    c = load(OTLP DEBUG "extensions: {health_check: , health_check/b: {path: up}}\n"
                        "service:\n"
                        "  extensions: [health_check/b]\n"
                        "  pipelines: {logs: {receivers: [otlp], exporters: [debug]}}\n");
    ck_assert(c->health.enabled);
    ck_assert_str_eq(c->health.id, "health_check/b");
    ck_assert_str_eq(c->health.path, "/up");
    config_free(&c);
}
END_TEST

START_TEST(a_file_with_settings_of_our_own_alone_keeps_the_default_components)
{
    struct config *c = load("masques: {workers: 2, limits: {max_header_bytes: 16KiB}}\n");
    ck_assert_uint_eq(c->masques.workers, 2);
    ck_assert_uint_eq(c->masques.limits.max_header_bytes, 16 * SIZE_KIB);
    ck_assert_str_eq(c->exporters[0].id, "debug");
    ck_assert(c->health.enabled);
    config_free(&c);
}
END_TEST

START_TEST(our_own_log_level_wins_over_the_collectors)
{
    struct config *c = load(OTLP DEBUG
                            "service:\n"
                            "  telemetry: {logs: {level: ERROR}}\n"
                            "  pipelines: {logs: {receivers: [otlp], exporters: [debug]}}\n");
    ck_assert_uint_eq(c->masques.log_level, LOG_LEVEL_ERROR);
    config_free(&c);
    c = load(OTLP DEBUG "service:\n"
                        "  telemetry: {logs: {level: error}}\n"
                        "  pipelines: {logs: {receivers: [otlp], exporters: [debug]}}\n"
                        "masques: {log_level: debug}\n");
    ck_assert_uint_eq(c->masques.log_level, LOG_LEVEL_DEBUG);
    config_free(&c);
}
END_TEST

START_TEST(log_levels_have_the_numbers_of_the_log)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[100];
        snprintf(text, sizeof text, "masques: {log_level: %s}\n", names[i]);
        struct config *c = load(text);
        ck_assert_int_eq((int)c->masques.log_level, log_level_parse(names[i]));
        config_free(&c);
    }
}
END_TEST

START_TEST(a_ledger_that_is_not_written_follows_the_largest_request)
{
    struct config *c = load("receivers: {otlp: {protocols: {grpc: {max_recv_msg_size_mib: 300}}}}\n"
                            DEBUG SERVICE);
    ck_assert_uint_eq(c->masques.limits.ledger_bytes, 600 * SIZE_MIB);
    config_free(&c);
    c = load("receivers: {otlp: {protocols: {http: {max_request_body_size: 209715200}}}}\n" DEBUG
             SERVICE);
    ck_assert_uint_eq(c->masques.limits.ledger_bytes, 400 * SIZE_MIB);
    config_free(&c);
}
END_TEST

START_TEST(a_protocol_that_is_off_has_no_say_in_the_ledger)
{
    static const char *const protocols[] = {"grpc: {max_recv_msg_size_mib: 1}",
                                            "http: {max_request_body_size: 1MiB}"};
    for (size_t i = 0; i < 2; i++) {
        char text[500];
        snprintf(text, sizeof text,
                 "receivers: {otlp: {protocols: {%s}}}\n" DEBUG SERVICE
                 "masques: {limits: {ledger: 2MiB}}\n",
                 protocols[i]);
        struct config *c = load(text);
        ck_assert_uint_eq(c->masques.limits.ledger_bytes, 2 * SIZE_MIB);
        config_free(&c);
    }
}
END_TEST

START_TEST(a_store_on_a_disk_may_be_larger_where_its_size_is_not_written)
{
    struct config *c = load("masques: {store: {directory: /var/lib/x, fsync: Interval, "
                            "fsync_interval: 250ms, dead_letters: {max_bytes: 0}}}\n");
    ck_assert_str_eq(c->masques.store.directory, "/var/lib/x");
    ck_assert_uint_eq(c->masques.store.fsync, CONFIG_FSYNC_INTERVAL);
    ck_assert_uint_eq(c->masques.store.fsync_interval_ns, 250u * DURATION_MS_NS);
    ck_assert_uint_eq(c->masques.store.max_bytes, 4 * SIZE_GIB);
    ck_assert_uint_eq(c->masques.store.dead_letter_bytes, 0);
    config_free(&c);
    c = load("masques: {store: {directory: /var/lib/x, max_bytes: 100MiB}}\n");
    ck_assert_uint_eq(c->masques.store.max_bytes, 100 * SIZE_MIB);
    config_free(&c);
    c = load("masques: {store: {directory: /var/lib/x, max_bytes: , segment_bytes: 1GiB}}\n");
    ck_assert_uint_eq(c->masques.store.max_bytes, 4 * SIZE_GIB);
    config_free(&c);
}
END_TEST

static const char *environment(void *context, const char *name)
{
    (void)context;
    if (strcmp(name, "PORT") == 0)
        return "4444";
    if (strcmp(name, "STREAMS") == 0)
        return "7";
    if (strcmp(name, "EXPORTERS") == 0)
        return "[debug]";
    if (strcmp(name, "PATH_VALUE") == 0)
        return "'/quoted'";
    return NULL;
}

START_TEST(values_come_from_the_environment)
{
    struct config *c;
    struct config_error error;
    const char *text = "receivers:\n"
                       "  otlp:\n"
                       "    protocols:\n"
                       "      grpc:\n"
                       "        endpoint: 0.0.0.0:${env:PORT}\n"
                       "        max_concurrent_streams: ${STREAMS}\n"
                       "        max_recv_msg_size_mib: ${env:UNSET}\n"
                       "      http: {endpoint: \"${env:UNSET:-127.0.0.1:1}\","
                       " logs_url_path: \"${env:PATH_VALUE}\"}\n" DEBUG
                       "service: {pipelines: {logs: {receivers: [otlp],"
                       " exporters: \"${env:EXPORTERS}\"}}}\n";
    int rc = config_from_text("f", slice_of(text), environment, NULL, &c, &error);
    ck_assert_msg(rc == 0, "%s", error.text);
    ck_assert_uint_eq(c->otlp.grpc.endpoint.port, 4444);
    ck_assert_uint_eq(c->otlp.grpc.max_streams, 7);
    ck_assert_uint_eq(c->otlp.grpc.max_message_bytes, 64 * SIZE_MIB);
    ck_assert_uint_eq(c->otlp.http.endpoint.port, 1);
    ck_assert_str_eq(c->otlp.http.logs_path, "/'/quoted'");
    ck_assert_uint_eq(c->warning_count, 1);
    ck_assert_str_eq(
        c->warnings[0],
        "f:7:32: environment variable UNSET is not set, and nothing is put in its place");
    config_free(&c);
}
END_TEST

/* ---- queues, retries, processors, storage, metrics ---- */

#define PIPELINE(processors, exporters)                                                           \
    "{receivers: [otlp], processors: [" processors "], exporters: [" exporters "]}"

static void check_batch(const struct config *c, size_t exporter, uint64_t timeout_ms,
                        uint64_t min_size, uint64_t max_size)
{
    const struct config_batch *batch = &c->exporters[exporter].delivery.batch;
    ck_assert(batch->enabled);
    ck_assert_uint_eq(batch->timeout_ns, timeout_ms * (uint64_t)DURATION_MS_NS);
    ck_assert_uint_eq(batch->min_size, min_size);
    ck_assert_uint_eq(batch->max_size, max_size);
}

START_TEST(by_default_deliveries_are_as_the_exporter_wishes_and_never_given_up)
{
    struct config *c = load(OTLP DEBUG SERVICE);
    const struct config_delivery *d = &c->exporters[0].delivery;
    ck_assert(!d->batch.enabled);
    ck_assert(d->retry_enabled);
    ck_assert_uint_eq(d->max_elapsed_ns, 0);
    ck_assert_uint_eq(d->initial_interval_ns, 5u * (uint64_t)DURATION_S_NS);
    ck_assert_uint_eq(d->consumers, 0);
    ck_assert_uint_eq(d->queue_size, 0);
    ck_assert(!c->file_storage.enabled);
    ck_assert(!c->metrics.enabled);
    config_free(&c);
}
END_TEST

START_TEST(the_batch_key_of_a_queue_enables_what_the_collector_has_behind_it)
{
    struct config *c =
        load(OTLP "exporters:\n"
                  "  nop/null: {sending_queue: {batch: }}\n"
                  "  nop/empty: {sending_queue: {sizer: bytes, batch: {}}}\n"
                  "  nop/items: {sending_queue: {sizer: bytes, batch: {sizer: items, min_size: 0}}}\n"
                  "  nop/requests: {sending_queue: {sizer: requests, batch: {flush_timeout: 1s}}}\n"
                  "service: {pipelines: {logs: " PIPELINE("", "nop/null, nop/empty, nop/items, "
                                                              "nop/requests") "}}\n");
    check_batch(c, 0, 200, 8192, 0);
    check_batch(c, 1, 200, 8192, 0);
    check_batch(c, 2, 200, 0, 0);
    check_batch(c, 3, 1000, 8192, 0);
    ck_assert_uint_eq(c->exporters[0].delivery.batch.sizer, CONFIG_SIZER_ITEMS);
    ck_assert_uint_eq(c->exporters[1].delivery.batch.sizer, CONFIG_SIZER_BYTES);
    ck_assert_uint_eq(c->exporters[2].delivery.batch.sizer, CONFIG_SIZER_ITEMS);
    ck_assert_uint_eq(c->exporters[3].delivery.batch.sizer, CONFIG_SIZER_ITEMS);
    ck_assert_uint_eq(c->warning_count, 0);
    config_free(&c);
}
END_TEST

START_TEST(a_batch_processor_forms_the_deliveries_of_its_pipelines)
{
    struct config *c =
        load(OTLP "processors:\n"
                  "  batch:\n"
                  "  batch/same: {metadata_keys: [], metadata_cardinality_limit: 1000}\n"
                  "  batch/other: {timeout: 2s, send_batch_size: 10, send_batch_max_size: 20}\n"
                  "  memory_limiter: {check_interval: 1s, limit_mib: 2000, spike_limit_mib: 0}\n"
                  "exporters: {nop/a: , nop/b: {sending_queue: {batch: {min_size: 7}}}, nop/c: }\n"
                  "service:\n"
                  "  pipelines:\n"
                  "    logs: " PIPELINE("memory_limiter, batch", "nop/a, nop/b") "\n"
                  "    metrics: " PIPELINE("batch/same", "nop/a") "\n"
                  "    traces: " PIPELINE("batch/other", "nop/a, nop/b") "\n"
                  "    traces/2: " PIPELINE("batch, batch/other", "nop/c") "\n");
    check_batch(c, 0, 200, 8192, 0);
    check_batch(c, 1, 200, 7, 0);
    check_batch(c, 2, 2000, 10, 20);
    ck_assert_uint_eq(c->warning_count, 1);
    ck_assert_str_eq(c->warnings[0], "f:12:72: service::pipelines::traces: the batch processor of "
                                     "an earlier pipeline forms the deliveries of exporter "
                                     "\"nop/a\" here as well");
    ck_assert_uint_eq(c->masques.limits.ledger_bytes, 256 * SIZE_MIB);
    config_free(&c);
}
END_TEST

START_TEST(a_memory_limiter_only_ever_lowers_a_ledger_that_is_not_written)
{
    static const struct {
        const char *limiter;
        const char *masques;
        uint64_t ledger;
        size_t warnings;
    } limits[] = {
        {"limit_mib: 150", "", 150 * SIZE_MIB, 0},
        {"limit_mib: 128", "", 128 * SIZE_MIB, 0},
        {"limit_mib: 5000", "", 256 * SIZE_MIB, 0},
        {"limit_mib: 100", "masques: {limits: {ledger: 300MiB}}\n", 300 * SIZE_MIB, 0},
        {"limit_percentage: 75, spike_limit_percentage: 20", "", 256 * SIZE_MIB, 2},
    };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        char text[1000];
        snprintf(text, sizeof text,
                 OTLP DEBUG "processors: {memory_limiter: {check_interval: 1s, %s}}\n"
                            "service: {pipelines: {logs: " PIPELINE("memory_limiter",
                                                                    "debug") "}}\n%s",
                 limits[i].limiter, limits[i].masques);
        struct config *c = load(text);
        ck_assert_uint_eq(c->masques.limits.ledger_bytes, limits[i].ledger);
        ck_assert_uint_eq(c->warning_count, limits[i].warnings);
        config_free(&c);
    }
    struct config *c = load(OTLP DEBUG SERVICE "processors: {memory_limiter: {check_interval: 1s, "
                                               "limit_mib: 1}}\n");
    ck_assert_uint_eq(c->masques.limits.ledger_bytes, 256 * SIZE_MIB); /* nothing uses it */
    config_free(&c);
}
END_TEST

START_TEST(the_storage_of_a_queue_is_the_place_of_the_store)
{
    static const struct {
        const char *storage;
        const char *store;
        const char *directory;
        uint32_t fsync;
    } places[] = {
        {"directory: /a", "", "/a", CONFIG_FSYNC_ALWAYS},
        {"", "", "/var/lib/otelcol/file_storage", CONFIG_FSYNC_ALWAYS},
        {"directory: /a, fsync: true", "", "/a", CONFIG_FSYNC_ALWAYS},
        {"directory: /a, fsync: false", "", "/a", CONFIG_FSYNC_INTERVAL},
        {"directory: /a, fsync: false", "directory: /a, fsync: never", "/a", CONFIG_FSYNC_NEVER},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char text[1000];
        snprintf(text, sizeof text,
                 OTLP "exporters: {nop: {sending_queue: {storage: file_storage/q}}, debug: }\n"
                      "extensions: {file_storage/q: {%s}}\n"
                      "service: {extensions: [file_storage/q], pipelines: {logs: " PIPELINE(
                          "", "debug, nop") "}}\nmasques: {store: {%s}}\n",
                 places[i].storage, places[i].store);
        struct config *c = load(text);
        ck_assert_str_eq(c->masques.store.directory, places[i].directory);
        ck_assert_uint_eq(c->masques.store.fsync, places[i].fsync);
        ck_assert_uint_eq(c->masques.store.max_bytes, 4 * SIZE_GIB);
        ck_assert(!c->masques.store.create_parents);
        ck_assert(c->file_storage.enabled);
        ck_assert_uint_eq(c->warning_count, 0);
        config_free(&c);
    }
}
END_TEST

/* The warnings of a configuration, one a line. */
static void check_warnings(const char *text, const char *expected)
{
    struct config *c = load(text);
    struct buf said = buf_make(20000);
    for (size_t i = 0; i < c->warning_count; i++)
        buf_printf(&said, "%s\n", c->warnings[i]);
    buf_byte(&said, '\0');
    ck_assert_str_eq((const char *)said.data, expected);
    buf_free(&said);
    config_free(&c);
}

#define STORE_FREES ": has no effect: the store gives files free as what is in them is delivered\n"
#define NO_COLLECTOR ": has no effect: there is no garbage collector here\n"
#define LATE ": has no effect: this exporter holds nothing back; what it is too late for, it misses\n"

START_TEST(what_has_no_effect_is_warned_of_with_its_reason)
{
    static const struct {
        const char *text;
        const char *warnings;
    } cases[] = {
        {OTLP "exporters:\n"
              "  nop: {sending_queue: {enabled: false, queue_size: 5000, num_consumers: 100,\n"
              "    wait_for_result: true}}\n"
              "service: {pipelines: {logs: " PIPELINE("", "nop") "}}\n",
         "f:3:34: exporters::nop::sending_queue::enabled: has no effect: the store is always between "
         "receiver and exporter\n"
         "f:4:22: exporters::nop::sending_queue::wait_for_result: has no effect: requests are "
         "answered when they are stored\n"
         "f:3:53: exporters::nop::sending_queue::queue_size: has no effect with this sizer: the "
         "bytes of masques::store bound what waits, or queue_size with \"sizer: bytes\"\n"
         "f:3:74: exporters::nop::sending_queue::num_consumers: at most 32 deliveries are made at a "
         "time\n"},
        {OTLP DEBUG SERVICE "extensions:\n"
                            "  file_storage:\n"
                            "    timeout: 5s\n"
                            "    recreate: true\n"
                            "    compaction:\n"
                            "      on_start: true\n"
                            "      on_rebound: true\n"
                            "      directory: /tmp\n"
                            "      rebound_needed_threshold_mib: 1\n"
                            "      rebound_trigger_threshold_mib: 1\n"
                            "      max_transaction_size: 1\n"
                            "      check_interval: 1s\n"
                            "      cleanup_on_start: true\n",
         "f:6:14: extensions::file_storage::timeout: has no effect: a directory that another gateway "
         "uses is refused at once\n"
         "f:7:15: extensions::file_storage::recreate: has no effect: a damaged record costs itself, "
         "not the store\n"
         "f:9:17: extensions::file_storage::compaction::on_start" STORE_FREES
         "f:10:19: extensions::file_storage::compaction::on_rebound" STORE_FREES
         "f:11:18: extensions::file_storage::compaction::directory" STORE_FREES
         "f:12:37: extensions::file_storage::compaction::rebound_needed_threshold_mib" STORE_FREES
         "f:13:38: extensions::file_storage::compaction::rebound_trigger_threshold_mib" STORE_FREES
         "f:14:29: extensions::file_storage::compaction::max_transaction_size" STORE_FREES
         "f:15:23: extensions::file_storage::compaction::check_interval" STORE_FREES
         "f:16:25: extensions::file_storage::compaction::cleanup_on_start" STORE_FREES},
        {OTLP DEBUG "extensions: {file_storage: }\n"
                    "service: {extensions: [file_storage], "
                    "pipelines: {logs: " PIPELINE("", "debug") "}}\n",
         "f:3:14: extensions::file_storage: no exporter's sending_queue::storage names it; it has "
         "no effect\n"},
        {OTLP DEBUG SERVICE "processors:\n"
                            "  batch: {metadata_cardinality_limit: 5}\n"
                            "  memory_limiter:\n"
                            "    check_interval: 1s\n"
                            "    limit_mib: 500\n"
                            "    spike_limit_mib: 100\n"
                            "    limit_percentage: 50\n"
                            "    spike_limit_percentage: 10\n"
                            "    min_gc_interval_when_soft_limited: 20s\n"
                            "    min_gc_interval_when_hard_limited: 5s\n",
         "f:5:39: processors::batch::metadata_cardinality_limit: has no effect: there are no "
         "metadata_keys to be counted\n"
         "f:9:22: processors::memory_limiter::spike_limit_mib: has no effect: requests are refused "
         "at limit_mib itself\n"
         "f:11:29: processors::memory_limiter::spike_limit_percentage: has no effect: requests are "
         "refused at the limit itself\n"
         "f:12:40: processors::memory_limiter::min_gc_interval_when_soft_limited" NO_COLLECTOR
         "f:13:40: processors::memory_limiter::min_gc_interval_when_hard_limited" NO_COLLECTOR},
        {OTLP "exporters:\n"
              "  debug: {sending_queue: {sizer: bytes, queue_size: 5, block_on_overflow: true},\n"
              "    retry_on_failure: {enabled: false}}\n" SERVICE,
         "f:3:53: exporters::debug::sending_queue::queue_size" LATE
         "f:3:75: exporters::debug::sending_queue::block_on_overflow" LATE
         "f:4:23: exporters::debug::retry_on_failure" LATE},
        {OTLP DEBUG "service:\n"
                    "  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: "
                    "{without_units: false}}}}]}}\n"
                    "  pipelines: {logs: " PIPELINE("", "debug") "}\n",
         "f:4:82: service::telemetry::metrics::readers::pull::exporter::prometheus::without_units: "
         "has no effect: the metrics have the names that the collector gives them by default\n"},
        /* what asks for nothing is no reason to speak */
        {OTLP DEBUG SERVICE
         "extensions: {file_storage: {timeout: 1s, recreate: false, compaction: {on_start: false}}}\n"
         "processors: {memory_limiter: {check_interval: 5s, limit_mib: 512, spike_limit_mib: 0}}\n",
         ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_warnings(cases[i].text, cases[i].warnings);
}
END_TEST

START_TEST(metrics_are_served_where_the_section_says_so)
{
    static const struct {
        const char *metrics;
        bool enabled;
        const char *host;
        uint16_t port;
    } sections[] = {
        {"", false, "127.0.0.1", 8888},
        {"{}", true, "127.0.0.1", 8888},
        {"{level: none, address: \":1\"}", false, "", 1},
        {"{level: detailed}", true, "127.0.0.1", 8888},
        {"{address: 0.0.0.0:8889}", true, "0.0.0.0", 8889},
        {"{readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 9}}}}]}", true, "0.0.0.0",
         9},
        {"{level: basic, readers: [{pull: {exporter: {prometheus: {without_units: true}}}}]}", true,
         "127.0.0.1", 8888},
        {"{readers: [{pull: {exporter: {prometheus: {host: \"::\"}}}}]}", true, "::", 8888},
    };
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        char text[1000];
        snprintf(text, sizeof text,
                 OTLP DEBUG "service: {telemetry: {metrics: %s}, pipelines: {logs: " PIPELINE(
                     "", "debug") "}}\n",
                 sections[i].metrics);
        struct config *c = load(text);
        ck_assert_int_eq(c->metrics.enabled, sections[i].enabled);
        ck_assert_str_eq(c->metrics.endpoint.host, sections[i].host);
        ck_assert_uint_eq(c->metrics.endpoint.port, sections[i].port);
        config_free(&c);
    }
}
END_TEST

/* ---- what is wrong ---- */

static const struct {
    const char *text;
    const char *message;
} bad[] = {
    /* the file as a whole */
    {"", "f:1:1: the file is empty"},
    {"# nothing\n", "f:1:1: the file is empty"},
    {"- a\n", "f:1:1: got a list, expected a map of keys and values"},
    {"a: [\n", "f:2:1: this is no YAML: flow sequence without a closing bracket"},
    {"receiver: \n",
     "f:1:1: receiver: unknown key; did you mean receivers? supported here: receivers, processors, "
     "exporters, connectors, extensions, service, masques"},
    {OTLP OTLP, "f:2:1: key \"receivers\" is given twice, first in line 1"},

    /* components */
    {OTLP, "f:1:1: exporters: no exporter is configured; at least one is needed"},
    {DEBUG SERVICE, "f:1:1: receivers: no receiver is configured; at least one is needed"},
    {"exporters:\nreceivers: {}\n",
     "f:2:1: receivers: no receiver is configured; at least one is needed"},
    {"receivers: [otlp]\n", "f:1:12: receivers: got a list, expected a map of keys and values"},
    {"receivers:\n  ot-lp:\n",
     "f:2:3: receivers::ot-lp: no valid id; it is TYPE or TYPE/NAME"},
    {"receivers:\n  prometheus: {config: x}\n",
     "f:2:3: receivers::prometheus: masques-collector does not have the receiver \"prometheus\"; "
     "supported here: otlp"},
    {"receivers:\n  otlp: {protocols: {grpc: }}\n  otlp/b: {protocols: {grpc: }}\n",
     "f:3:3: receivers::otlp/b: a second receiver; this version has exactly one, here \"otlp\""},
    {"receivers:\n  otlp:\n",
     "f:2:3: receivers::otlp: must specify at least one protocol when using the OTLP receiver "
     "(\"protocols:\" with \"grpc:\", \"http:\" or both)"},
    {"receivers:\n  otlp:\n    protocols: {}\n",
     "f:2:3: receivers::otlp: must specify at least one protocol when using the OTLP receiver "
     "(\"protocols:\" with \"grpc:\", \"http:\" or both)"},
    {OTLP "exporters:\n  debug:\n  clickhouse/prod: {endpoint: x}\n",
     "f:4:3: exporters::clickhouse/prod: endpoint: expected http://HOST:PORT or https://HOST:PORT, "
     "further hosts after a comma"},
    {OTLP "exporters:\n  file: {append: true}\n", "f:3:3: exporters::file: path must be non-empty"},
    {OTLP "exporters:\n  otlphttp: {endpoint: x}\n",
     "f:3:3: exporters::otlphttp: masques-collector does not have the exporter \"otlphttp\"; "
     "supported here: debug, console, file, clickhouse, nop"},
    {OTLP "exporters:\n  debug/x:\n  debug / x:\n",
     "f:4:3: exporters::debug / x: the id \"debug/x\" is given twice"},
    {OTLP DEBUG "extensions:\n  zpages:\n",
     "f:4:3: extensions::zpages: masques-collector does not have the extension \"zpages\"; "
     "supported here: health_check, file_storage"},
    {OTLP DEBUG "processors:\n  filter:\n",
     "f:4:3: processors::filter: masques-collector does not have the processor \"filter\"; "
     "supported here: batch, memory_limiter"},
    {OTLP DEBUG "connectors:\n  forward:\n",
     "f:4:3: connectors::forward: masques-collector does not have the connector \"forward\"; "
     "supported here: nothing"},

    /* keys and values of components, used or not */
    {"receivers:\n  otlp:\n    protocols:\n      grpc:\n        endpont: x\n",
     "f:5:9: receivers::otlp::protocols::grpc::endpont: unknown key; did you mean endpoint? "
     "supported here: endpoint, max_recv_msg_size_mib, max_concurrent_streams"},
    {"receivers:\n  otlp:\n    protocol:\n",
     "f:3:5: receivers::otlp::protocol: unknown key; did you mean protocols? supported here: "
     "protocols"},
    {"receivers:\n  otlp:\n    protocols:\n      grcp:\n",
     "f:4:7: receivers::otlp::protocols::grcp: unknown key; did you mean grpc? supported here: "
     "grpc, http"},
    {"receivers:\n  otlp:\n    protocols:\n      grpc:\n        tls: {cert_file: x}\n",
     "f:5:9: receivers::otlp::protocols::grpc::tls: masques-collector does not have this setting "
     "of the collector; supported here: endpoint, max_recv_msg_size_mib, max_concurrent_streams"},
    {"receivers:\n  otlp:\n    protocols: {grpc: 4317}\n",
     "f:3:23: receivers::otlp::protocols::grpc: got a text, expected a map of keys and values"},
    {"receivers:\n  otlp:\n    protocols:\n      grpc:\n        endpoint: http://0.0.0.0:4317\n",
     "f:5:19: receivers::otlp::protocols::grpc::endpoint: got \"http://0.0.0.0:4317\", expected "
     "HOST:PORT such as 127.0.0.1:4317, without http://"},
    {"receivers:\n  otlp:\n    protocols:\n      grpc: {max_recv_msg_size_mib: \"64\"}\n",
     "f:4:37: receivers::otlp::protocols::grpc::max_recv_msg_size_mib: got the text \"64\", "
     "expected a whole number of MiB from 1 to 1024"},
    {"receivers:\n  otlp:\n    protocols:\n      http: {endpoint: [a]}\n",
     "f:4:24: receivers::otlp::protocols::http::endpoint: got a list, expected HOST:PORT such as "
     "127.0.0.1:4317, without http://"},
    {"receivers: {otlp: {protocols: {http: {logs_url_path: /v1/traces}}}}\n" DEBUG SERVICE,
     "f:1:54: receivers::otlp::protocols::http: logs_url_path, metrics_url_path and "
     "traces_url_path must differ"},
    {"receivers: {otlp: {protocols: {grpc: , http: {endpoint: localhost:4317}}}}\n" DEBUG SERVICE,
     "f:1:57: receivers::otlp::protocols::http::endpoint: 127.0.0.1:4317 is also where "
     "receivers::otlp::protocols::grpc::endpoint listens"},
    {"receivers: {otlp: {protocols: {grpc: {endpoint: \":4318\"}, http: }}}\n" DEBUG SERVICE,
     "f:1:49: receivers::otlp::protocols::grpc::endpoint: :4318 is also where "
     "receivers::otlp::protocols::http::endpoint listens"},
    {OTLP DEBUG "extensions: {health_check: {endpoint: 127.0.0.1:4317}}\n"
     "service: {extensions: [health_check], pipelines: {logs: {receivers: [otlp], exporters: [debug]}}}\n",
     "f:3:39: extensions::health_check::endpoint: 127.0.0.1:4317 is also where "
     "receivers::otlp::protocols::grpc::endpoint listens"},
    {OTLP DEBUG "service: {telemetry: {metrics: {address: \":4317\"}}, "
     "pipelines: {logs: {receivers: [otlp], exporters: [debug]}}}\n",
     "f:3:32: service::telemetry::metrics: :4317 is also where receivers::otlp::protocols::grpc::endpoint "
     "listens"},
    {OTLP "exporters:\n  debug:\n    verbosity: detailed\n",
     "f:4:5: exporters::debug::verbosity: masques-collector does not have this setting of the "
     "collector; supported here: format, color, match, sending_queue, retry_on_failure"},
    {OTLP "exporters:\n  console/unused: {format: xml}\n",
     "f:3:28: exporters::console/unused::format: got \"xml\", expected one of: pretty, json"},
    {OTLP "exporters:\n  nop: {a: 1}\n",
     "f:3:9: exporters::nop::a: unknown key; supported here: sending_queue, retry_on_failure"},
    {OTLP DEBUG "extensions: {health_check: {endpoint: 13133}}\n",
     "f:3:39: extensions::health_check::endpoint: got \"13133\", expected HOST:PORT such as "
     "127.0.0.1:4317, without http://"},
    {"masques:\n  \"\": {\"\": {workers: 1}}\n",
     "f:2:3: masques::: unknown key; supported here: workers, log_level, runtime_directory, "
     "supervision, shutdown, limits, store, router"},
    {"masques:\n  limits::ledger: 1\n",
     "f:2:3: masques::limits::ledger: unknown key; supported here: workers, log_level, "
     "runtime_directory, supervision, shutdown, limits, store, router"},
    {"masques: {tls: 1}\n",
     "f:1:11: masques::tls: unknown key; supported here: workers, log_level, runtime_directory, "
     "supervision, shutdown, limits, store, router"},
    {"masques: {\"workers\\0x\": 1}\n",
     "f:1:11: masques::workers: unknown key; did you mean workers? supported here: workers, "
     "log_level, runtime_directory, supervision, shutdown, limits, store, router"},
    {"masques:\n  supervision:\n    hang_after: 5\n",
     "f:3:17: masques::supervision::hang_after: got \"5\", expected a duration such as 5s or "
     "1m30s, from 1s to 1h0m0s"},
    {"masques:\n  limits: {ledger: 256MB}\n",
     "f:2:20: masques::limits::ledger: got \"256MB\", expected a size in bytes or with KiB, MiB, "
     "GiB, from 2MiB to 64GiB"},
    {"masques:\n  limits: {ledger: 100MiB}\n",
     "f:2:20: masques::limits::ledger: must be at least twice the largest request that the "
     "receiver takes: 128MiB"},
    {"masques:\n  store: {segment_bytes: 128MiB}\n",
     "f:2:26: masques::store: segment_bytes must be at most a quarter of max_bytes"},
    {"masques:\n  store: {fsync: false}\n",
     "f:2:18: masques::store::fsync: got \"false\", expected one of: always, interval, never"},
    {"masques:\n  store: {fsync_interval: 1ms}\n",
     "f:2:27: masques::store::fsync_interval: got \"1ms\", expected a duration such as 5s or "
     "1m30s, from 10ms to 1h0m0s"},
    {"masques:\n  store: {max_bytes: 16MiB}\n",
     "f:2:22: masques::store: segment_bytes must be at most a quarter of max_bytes"},

    /* service */
    {OTLP DEBUG, "f:1:1: service::pipelines: service must have at least one pipeline"},
    {OTLP DEBUG "service: {pipelines: {}}\n",
     "f:3:1: service::pipelines: service must have at least one pipeline"},
    {OTLP DEBUG "service: {pipeline: {}}\n",
     "f:3:11: service::pipeline: unknown key; did you mean pipelines? supported here: extensions, "
     "pipelines, telemetry"},
    {OTLP DEBUG "service:\n  telemetry: {traces: {level: none}}\n",
     "f:4:15: service::telemetry::traces: masques-collector does not have this setting of the "
     "collector; supported here: logs, metrics"},
    {OTLP DEBUG "service:\n  telemetry: {metrics: {views: []}}\n",
     "f:4:25: service::telemetry::metrics::views: masques-collector does not have this setting of "
     "the collector; supported here: level, address, readers"},
    {OTLP DEBUG "service:\n  telemetry: {metrics: {readers: []}}\n",
     "f:4:34: service::telemetry::metrics::readers: expected a list of one reader: {pull: "
     "{exporter: {prometheus: {host: HOST, port: PORT}}}}"},
    {OTLP DEBUG "service:\n  telemetry: {metrics: {readers: [{periodic: {}}]}}\n",
     "f:4:36: service::telemetry::metrics::readers::periodic: masques-collector does not "
     "have this setting of the collector; supported here: pull"},
    {OTLP DEBUG "service:\n  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: "
                "{with_resource_constant_labels: {}}}}}]}}\n",
     "f:4:67: service::telemetry::metrics::readers::pull::exporter::prometheus::"
     "with_resource_constant_labels: masques-collector does not have this setting of the collector; "
     "supported here: host, port, without_scope_info, without_type_suffix, without_units"},
    {OTLP DEBUG "service:\n  telemetry: {metrics: {readers: [{pull: }]}}\n",
     "f:4:35: service::telemetry::metrics::readers: a reader is {pull: {exporter: {prometheus: "
     "{host: HOST, port: PORT}}}} here"},
    {OTLP DEBUG "service:\n  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: "
                "{host: \"a b\"}}}}]}}\n",
     "f:4:35: service::telemetry::metrics::readers: \"a b\" is no host"},
    {OTLP DEBUG "service:\n  telemetry: {logs: {level: loud}}\n",
     "f:4:29: service::telemetry::logs::level: got \"loud\", expected one of: error, warn, info, "
     "debug"},
    {OTLP DEBUG "service:\n  extensions: [health_check]\n",
     "f:4:16: service::extensions: references extension \"health_check\" which is not configured"},
    {OTLP DEBUG "extensions: {health_check: , health_check/2: }\n"
                "service:\n  extensions: [health_check, health_check/2]\n",
     "f:5:30: service::extensions: a second health check; this version has one, here "
     "\"health_check\""},
    {OTLP DEBUG "service:\n  extensions: health_check\n",
     "f:4:15: service::extensions: got a text, expected a list"},
    {OTLP DEBUG "service:\n  pipelines:\n    log: {receivers: [otlp], exporters: [debug]}\n",
     "f:5:5: service::pipelines::log: unknown signal; did you mean logs? supported here: logs, "
     "metrics, traces"},
    {OTLP DEBUG "service:\n  pipelines:\n    profiles: {receivers: [otlp], exporters: [debug]}\n",
     "f:5:5: service::pipelines::profiles: unknown signal; supported here: logs, metrics, traces"},
    {OTLP DEBUG "service:\n  pipelines:\n    logs:\n",
     "f:5:5: service::pipelines::logs: must have at least one receiver"},
    {OTLP DEBUG "service:\n  pipelines:\n    logs: {receivers: [otlp], exporters: []}\n",
     "f:5:5: service::pipelines::logs: must have at least one exporter"},
    {OTLP DEBUG "service:\n  pipelines:\n    logs: {receivers: [otlp/x], exporters: [debug]}\n",
     "f:5:24: service::pipelines::logs: references receiver \"otlp/x\" which is not configured"},
    {OTLP DEBUG "service:\n  pipelines:\n    logs: {receivers: [otlp, otlp], exporters: [debug]}\n",
     "f:5:30: service::pipelines::logs: references receiver \"otlp\" multiple times"},
    {OTLP DEBUG "service:\n  pipelines:\n    logs: {receivers: [otlp], exporters: [x]}\n",
     "f:5:43: service::pipelines::logs: references exporter \"x\" which is not configured"},
    {OTLP DEBUG
     "service:\n  pipelines:\n    logs: {receivers: [otlp], exporters: [debug, debug]}\n",
     "f:5:50: service::pipelines::logs: references exporter \"debug\" multiple times"},
    {OTLP DEBUG "service:\n  pipelines:\n    logs: {receivers: [otlp], exporters: [{a: 1}]}\n",
     "f:5:43: service::pipelines::logs::exporters: got a map, expected a name"},
    {OTLP DEBUG "service:\n  pipelines:\n    logs: {receivers: otlp, exporters: [debug]}\n",
     "f:5:23: service::pipelines::logs::receivers: got a text, expected a list"},
    {OTLP DEBUG "service:\n  pipelines:\n    logs: {receivers: [otlp], exporters: [\"a b\"]}\n",
     "f:5:43: service::pipelines::logs: \"a b\" is no valid exporter id; it is TYPE or TYPE/NAME"},
    {OTLP DEBUG "service:\n  pipelines:\n"
                "    logs: {receivers: [otlp], processors: [batch], exporters: [debug]}\n",
     "f:5:44: service::pipelines::logs: references processor \"batch\" which is not configured"},
    {OTLP DEBUG "processors: {batch: }\nservice:\n  pipelines:\n"
                "    logs: {receivers: [otlp], processors: [batch, batch], exporters: [debug]}\n",
     "f:6:51: service::pipelines::logs: references processor \"batch\" multiple times"},

    /* processors */
    {OTLP DEBUG "processors:\n  batch:\n  batch:\n",
     "f:5:3: key \"batch\" is given twice, first in line 4"},
    {OTLP DEBUG "processors:\n  batch/a:\n  batch / a:\n",
     "f:5:3: processors::batch / a: the id \"batch/a\" is given twice"},
    {OTLP DEBUG "processors:\n  batch: {metadata_keys: [tenant]}\n",
     "f:4:26: processors::batch::metadata_keys: got a list, expected an empty list; there is "
     "nothing that it could hold here"},
    {OTLP DEBUG "processors:\n  batch: {send_batch_max_size: 100}\n",
     "f:4:3: processors::batch: send_batch_max_size must be greater or equal to send_batch_size"},
    {OTLP DEBUG "processors:\n  memory_limiter: {limit_mib: 512}\n",
     "f:4:3: processors::memory_limiter: check_interval must be greater than zero"},
    {OTLP DEBUG "processors:\n  memory_limiter: {check_interval: 1s}\n",
     "f:4:3: processors::memory_limiter: limit_mib or limit_percentage must be greater than zero"},
    {OTLP DEBUG "processors:\n  memory_limiter: {check_interval: 1s, limit_mib: 9, "
                "spike_limit_mib: 9}\n",
     "f:4:3: processors::memory_limiter: spike_limit_mib must be smaller than limit_mib"},
    {OTLP DEBUG "processors:\n  memory_limiter: {check_interval: 1s, limit_mib: 100}\n"
                "service:\n  pipelines:\n    logs: {receivers: [otlp], "
                "processors: [memory_limiter], exporters: [debug]}\n",
     "f:4:3: processors::memory_limiter::limit_mib: must be at least twice the largest request "
     "that the receiver takes: 128MiB"},

    /* queues and retries */
    {OTLP "exporters:\n  nop: {sending_queue: {storage: file_storage}}\n"
          "service: {pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}\n",
     "f:3:34: exporters::nop::sending_queue::storage: references extension \"file_storage\" which "
     "is not configured as a file_storage"},
    {OTLP "exporters:\n  nop: {sending_queue: {storage: health_check}}\n"
          "extensions: {health_check: }\n"
          "service: {extensions: [health_check], "
          "pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}\n",
     "f:3:34: exporters::nop::sending_queue::storage: references extension \"health_check\" which "
     "is not configured as a file_storage"},
    {OTLP "exporters:\n  nop: {sending_queue: {storage: file_storage}}\n"
          "extensions: {file_storage: }\n"
          "service: {pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}\n",
     "f:3:34: exporters::nop::sending_queue::storage: references extension \"file_storage\" which "
     "service::extensions does not list"},
    {OTLP "exporters:\n  nop: {sending_queue: {storage: file_storage/a}}\n"
          "  nop/2: {sending_queue: {storage: file_storage/b}}\n"
          "extensions: {file_storage/a: , file_storage/b: }\n"
          "service: {extensions: [file_storage/a, file_storage/b], "
          "pipelines: {logs: {receivers: [otlp], exporters: [nop, nop/2]}}}\n",
     "f:4:36: exporters::nop/2::sending_queue::storage: the gateway has one store for all "
     "exporters, and it lies in \"file_storage/a\" already"},
    {OTLP "exporters:\n  nop: {sending_queue: {storage: file_storage}}\n"
          "extensions: {file_storage: {directory: /a}}\n"
          "service: {extensions: [file_storage], "
          "pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}\n"
          "masques:\n  store: {directory: /b}\n",
     "f:7:22: masques::store::directory: the gateway has one store for all exporters; "
     "extensions::file_storage says that it lies in \"/a\""},
    {OTLP DEBUG "extensions:\n  file_storage: {directory_permissions: \"0999\"}\n",
     "f:4:41: extensions::file_storage: directory_permissions must be an octal number such as "
     "\"0750\""},
    {OTLP DEBUG "extensions:\n  file_storage: {compaction: {on_stop: true}}\n",
     "f:4:31: extensions::file_storage::compaction::on_stop: unknown key; "
     "supported here: on_start, on_rebound, directory, rebound_needed_threshold_mib, "
     "rebound_trigger_threshold_mib, max_transaction_size, check_interval, cleanup_on_start"},
    {OTLP "exporters:\n  nop: {sending_queue: {batch: {max_size: 100}}}\n",
     "f:3:43: exporters::nop::sending_queue::batch: max_size must be at least min_size (which is "
     "8192 where it is not written), or 0"},
    {OTLP "exporters:\n  nop: {sending_queue: {batch: {partition: {}}}}\n",
     "f:3:33: exporters::nop::sending_queue::batch::partition: masques-collector does not have "
     "this setting of the collector; supported here: flush_timeout, min_size, max_size, sizer"},
    {OTLP "exporters:\n  nop: {sending_queue: {wait_for_result: true, storage: x}}\n",
     "f:3:42: exporters::nop::sending_queue::wait_for_result: is not supported together with "
     "storage"},
    {OTLP "exporters:\n  nop: {retry_on_failure: {max_elapsed_time: 4s}}\n",
     "f:3:46: exporters::nop::retry_on_failure: max_elapsed_time must not be less than "
     "initial_interval"},
    {OTLP "exporters:\n  nop: {retry_on_failure: {max_elapsed_time: 10s}}\n",
     "f:3:46: exporters::nop::retry_on_failure: max_elapsed_time must not be less than "
     "max_interval"},
    {OTLP "exporters:\n  nop: {retry_on_failure: {multiplier: 0.5}}\n",
     "f:3:40: exporters::nop::retry_on_failure::multiplier: got \"0.5\", expected a number such as "
     "1.5, from 1 to 100"},
    {OTLP DEBUG "service:\n  pipelines:\n    logs: {receivers: [otlp], exporter: [debug]}\n",
     "f:5:31: service::pipelines::logs::exporter: unknown key; did you mean exporters? supported "
     "here: receivers, processors, exporters"},

    /* the environment */
    {"masques: {workers: \"${file:x}\"}\n",
     "f:1:20: ${...} with \"file:x\": only ${NAME}, ${env:NAME} and ${env:NAME:-default} are "
     "supported"},
    {"masques: {workers: \"${env:NONE:-[1]}\"}\n",
     "f:1:20: masques::workers: got a list, expected a whole number from 0 to 64"},
};

START_TEST(what_is_wrong_is_said_with_place_and_path)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct config *config = NULL;
        struct config_error error;
        unsigned line = 0, column = 0;
        int rc = config_from_text("f", slice_of(bad[i].text), no_environment, NULL, &config,
                                  &error);
        ck_assert_msg(rc == GW_ERR_INVALID, "%s", bad[i].text);
        ck_assert_ptr_null(config);
        ck_assert_str_eq(error.text, bad[i].message);
        ck_assert_int_eq(sscanf(bad[i].message, "f:%u:%u:", &line, &column), 2);
        ck_assert_uint_eq(error.line, line);
        ck_assert_uint_eq(error.column, column);
    }
}
END_TEST

START_TEST(there_is_a_largest_number_of_exporters)
{
    for (unsigned more = 0; more <= 1; more++) {
        struct buf text = buf_make(100000);
        struct config *config;
        struct config_error error;
        buf_text(&text, OTLP SERVICE "exporters:\n  debug:\n");
        for (unsigned i = 1; i < CONFIG_EXPORTERS_MAX + more; i++)
            buf_printf(&text, "  nop/%u:\n", i);
        int rc = config_from_text("f", buf_slice(&text), no_environment, NULL, &config, &error);
        ck_assert_int_eq(rc, more ? GW_ERR_INVALID : 0);
        ck_assert_str_eq(error.text,
                         more ? "f:68:3: exporters::nop/64: more than 64 exporters" : "");
        config_free(&config);
        buf_free(&text);
    }
}
END_TEST

/* ---- files ---- */

START_TEST(a_file_is_read_under_its_name)
{
    char path[] = "/tmp/masques-config-XXXXXX";
    char message[200];
    struct config *config;
    struct config_error error;
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)write(fd, "masques: {workers: 3}\n", 22), 22);
    ck_assert_int_eq(config_load(path, &config, &error), 0);
    ck_assert_uint_eq(config->masques.workers, 3);
    config_free(&config);
    ck_assert_int_eq((int)pwrite(fd, "masques: {workers: x}\n", 22, 0), 22);
    ck_assert_int_eq(config_load(path, &config, &error), GW_ERR_INVALID);
    snprintf(message, sizeof message,
             "%s:1:20: masques::workers: got \"x\", expected a whole number from 0 to 64", path);
    ck_assert_str_eq(error.text, message);
    ck_assert_int_eq(ftruncate(fd, 4 * YAML_BYTES_MAX), 0);
    ck_assert_int_eq(config_load(path, &config, &error), GW_ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "the file is larger than 1 MiB"));
    close(fd);
    unlink(path);
    ck_assert_int_eq(config_load(path, &config, &error), GW_ERR_IO);
    ck_assert_ptr_nonnull(strstr(error.text, ": No such file or directory"));
    ck_assert_ptr_null(config);
    ck_assert_int_eq(config_load("/tmp", &config, &error), GW_ERR_IO);
    ck_assert_str_eq(error.text, "/tmp: Is a directory");
}
END_TEST

SUITE_MAIN("config", without_a_file_all_signals_go_from_otlp_to_the_console,
           the_settings_of_our_own_have_the_defaults_of_the_design,
           the_collectors_usual_file_for_this_job_is_understood, a_protocol_is_enabled_by_its_key,
           an_exporter_is_one_for_all_pipelines_that_name_it,
           the_health_check_runs_when_the_service_lists_it,
           a_file_with_settings_of_our_own_alone_keeps_the_default_components,
           our_own_log_level_wins_over_the_collectors, log_levels_have_the_numbers_of_the_log,
           a_ledger_that_is_not_written_follows_the_largest_request,
           a_protocol_that_is_off_has_no_say_in_the_ledger,
           a_store_on_a_disk_may_be_larger_where_its_size_is_not_written,
           by_default_deliveries_are_as_the_exporter_wishes_and_never_given_up,
           the_batch_key_of_a_queue_enables_what_the_collector_has_behind_it,
           a_batch_processor_forms_the_deliveries_of_its_pipelines,
           a_memory_limiter_only_ever_lowers_a_ledger_that_is_not_written,
           the_storage_of_a_queue_is_the_place_of_the_store, what_has_no_effect_is_warned_of_with_its_reason,
           metrics_are_served_where_the_section_says_so, values_come_from_the_environment,
           what_is_wrong_is_said_with_place_and_path,
           there_is_a_largest_number_of_exporters, a_file_is_read_under_its_name)
