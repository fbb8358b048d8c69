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
     "f:4:3: exporters::clickhouse/prod: masques-collector does not have the exporter "
     "\"clickhouse\" yet; supported here: debug, console, nop"},
    {OTLP "exporters:\n  file:\n    path: /tmp/x\n",
     "f:3:3: exporters::file: masques-collector does not have the exporter \"file\" yet; supported "
     "here: debug, console, nop"},
    {OTLP "exporters:\n  otlphttp: {endpoint: x}\n",
     "f:3:3: exporters::otlphttp: masques-collector does not have the exporter \"otlphttp\"; "
     "supported here: debug, console, nop"},
    {OTLP "exporters:\n  debug/x:\n  debug / x:\n",
     "f:4:3: exporters::debug / x: the id \"debug/x\" is given twice"},
    {OTLP DEBUG "extensions:\n  zpages:\n",
     "f:4:3: extensions::zpages: masques-collector does not have the extension \"zpages\"; "
     "supported here: health_check"},
    {OTLP DEBUG "processors:\n  batch:\n",
     "f:4:3: processors::batch: masques-collector does not have the processor \"batch\" yet; "
     "supported here: nothing"},
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
    {OTLP "exporters:\n  debug:\n    verbosity: detailed\n",
     "f:4:5: exporters::debug::verbosity: masques-collector does not have this setting of the "
     "collector; supported here: format, color, match"},
    {OTLP "exporters:\n  console/unused: {format: xml}\n",
     "f:3:28: exporters::console/unused::format: got \"xml\", expected one of: pretty, json"},
    {OTLP "exporters:\n  nop: {a: 1}\n",
     "f:3:9: exporters::nop::a: unknown key; supported here: nothing"},
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
    {OTLP DEBUG "service:\n  telemetry: {metrics: {level: none}}\n",
     "f:4:15: service::telemetry::metrics: masques-collector does not have this setting of the "
     "collector; supported here: logs"},
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
     "f:5:44: service::pipelines::logs: masques-collector does not have the processor \"batch\" "
     "yet; supported here: nothing"},
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
           values_come_from_the_environment, what_is_wrong_is_said_with_place_and_path,
           there_is_a_largest_number_of_exporters, a_file_is_read_under_its_name)
