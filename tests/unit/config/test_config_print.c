// SPDX-License-Identifier: Apache-2.0
#include "shared/config/config.h"
#include "tests/support/suite.h"

#include <string.h>

static const char *no_environment(void *context, const char *name)
{
    (void)context, (void)name;
    return NULL;
}

static struct config *load(struct slice text)
{
    struct config *config;
    struct config_error error;
    int rc = config_from_text("f", text, no_environment, NULL, &config, &error);
    ck_assert_msg(rc == 0, "%s in\n%.*s", error.text, (int)text.len, (const char *)text.data);
    return config;
}

/* What a batch says has a meaning only where it is enabled. */
static void check_same_delivery(const struct config_delivery *a, const struct config_delivery *b)
{
    struct config_delivery left = *a, right = *b;
    ck_assert_int_eq(left.batch.enabled, right.batch.enabled);
    if (!left.batch.enabled)
        left.batch = right.batch;
    ck_assert_mem_eq(&left, &right, sizeof left);
}

/* Are two configurations the same in all that they say? */
static void check_same(const struct config *a, const struct config *b)
{
    ck_assert_mem_eq(&a->otlp, &b->otlp, sizeof a->otlp);
    ck_assert_mem_eq(&a->health, &b->health, sizeof a->health);
    ck_assert_mem_eq(&a->masques, &b->masques, sizeof a->masques);
    ck_assert_mem_eq(&a->file_storage, &b->file_storage, sizeof a->file_storage);
    ck_assert_mem_eq(&a->metrics, &b->metrics, sizeof a->metrics);
    ck_assert_uint_eq(a->exporter_count, b->exporter_count);
    for (size_t i = 0; i < a->exporter_count; i++) {
        ck_assert_str_eq(a->exporters[i].id, b->exporters[i].id);
        ck_assert_ptr_eq(a->exporters[i].kind, b->exporters[i].kind);
        ck_assert_uint_eq(a->exporters[i].signals, b->exporters[i].signals);
        ck_assert_mem_eq(&a->exporters[i].options, &b->exporters[i].options,
                         sizeof a->exporters[i].options);
        check_same_delivery(&a->exporters[i].delivery, &b->exporters[i].delivery);
    }
}

/* What is printed resolves to the same configuration and prints the same again. */
static void check_round_trip(const struct config *config)
{
    struct buf first = buf_make(100000), second = buf_make(100000);
    config_print(config, &first);
    ck_assert(buf_ok(&first));
    struct config *again = load(buf_slice(&first));
    config_print(again, &second);
    buf_byte(&first, '\0');
    buf_byte(&second, '\0');
    ck_assert_str_eq((const char *)first.data, (const char *)second.data);
    check_same(config, again);
    config_free(&again);
    buf_free(&first);
    buf_free(&second);
}

START_TEST(the_default_configuration_prints_every_option)
{
    struct config *config = config_default();
    struct buf out = buf_make(100000);
    config_print(config, &out);
    buf_byte(&out, '\0');
    ck_assert_str_eq((const char *)out.data, "receivers:\n"
                                             "  otlp:\n"
                                             "    protocols:\n"
                                             "      grpc:\n"
                                             "        endpoint: 127.0.0.1:4317\n"
                                             "        max_recv_msg_size_mib: 64\n"
                                             "        max_concurrent_streams: 100\n"
                                             "      http:\n"
                                             "        endpoint: 127.0.0.1:4318\n"
                                             "        max_request_body_size: 64MiB\n"
                                             "        logs_url_path: \"/v1/logs\"\n"
                                             "        metrics_url_path: \"/v1/metrics\"\n"
                                             "        traces_url_path: \"/v1/traces\"\n"
                                             "exporters:\n"
                                             "  debug:\n"
                                             "    format: pretty\n"
                                             "    color: auto\n"
                                             "    match: \"\"\n"
                                             "    sending_queue:\n"
                                             "      enabled: true\n"
                                             "      num_consumers: 0\n"
                                             "      sizer: requests\n"
                                             "      queue_size: 0\n"
                                             "      block_on_overflow: false\n"
                                             "      wait_for_result: false\n"
                                             "      storage: \"\"\n"
                                             "    retry_on_failure:\n"
                                             "      enabled: true\n"
                                             "      initial_interval: 5s\n"
                                             "      randomization_factor: 0.5\n"
                                             "      multiplier: 1.5\n"
                                             "      max_interval: 30s\n"
                                             "      max_elapsed_time: 0s\n"
                                             "extensions:\n"
                                             "  health_check:\n"
                                             "    endpoint: 127.0.0.1:13133\n"
                                             "    path: \"/\"\n"
                                             "service:\n"
                                             "  extensions: [health_check]\n"
                                             "  telemetry:\n"
                                             "    metrics:\n"
                                             "      level: none\n"
                                             "      address: 127.0.0.1:8888\n"
                                             "  pipelines:\n"
                                             "    logs:\n"
                                             "      receivers: [otlp]\n"
                                             "      exporters: [debug]\n"
                                             "    metrics:\n"
                                             "      receivers: [otlp]\n"
                                             "      exporters: [debug]\n"
                                             "    traces:\n"
                                             "      receivers: [otlp]\n"
                                             "      exporters: [debug]\n"
                                             "masques:\n"
                                             "  workers: 0\n"
                                             "  log_level: info\n"
                                             "  runtime_directory: \"\"\n"
                                             "  supervision:\n"
                                             "    hang_after: 5s\n"
                                             "  shutdown:\n"
                                             "    grace: 10s\n"
                                             "  limits:\n"
                                             "    ledger: 256MiB\n"
                                             "    max_connections: 4096\n"
                                             "    connections_per_address: 256\n"
                                             "    max_header_bytes: 8KiB\n"
                                             "    header_timeout: 10s\n"
                                             "    body_timeout: 30s\n"
                                             "    body_rate: 64KiB\n"
                                             "    idle_timeout: 5m0s\n"
                                             "    write_timeout: 30s\n"
                                             "    max_depth: 100\n"
                                             "    max_records: 1000000\n"
                                             "    inflate_ratio: 200\n"
                                             "    discard_bytes: 1MiB\n"
                                             "    discard_timeout: 2s\n"
                                             "  store:\n"
                                             "    directory: \"\"\n"
                                             "    fsync: always\n"
                                             "    fsync_interval: 1s\n"
                                             "    max_bytes: 256MiB\n"
                                             "    segment_bytes: 8MiB\n"
                                             "    dead_letters:\n"
                                             "      max_bytes: 64MiB\n"
                                             "  router:\n"
                                             "    memory: 64MiB\n");
    check_round_trip(config);
    config_free(&config);
    buf_free(&out);
}
END_TEST

START_TEST(what_is_printed_resolves_to_the_same)
{
    static const char *const texts[] = {
        /* names and values that YAML or ${…} would give a meaning to */
        "receivers: {\"otlp/#a:[b]\": {protocols: {http: {endpoint: \"[::1]:0\", "
        "logs_url_path: \"/$${env:HOME}$$$$\"}}}}\n"
        "exporters: {\"nop/*x,y\": , debug/\xc3\xa4: {format: json}}\n"
        "service: {pipelines: {traces: {receivers: [\"otlp/#a:[b]\"],"
        " exporters: [\"nop/*x,y\", debug/\xc3\xa4]}}}\n"
        "masques: {runtime_directory: \"/tmp/a \\\"b\\\" \\\\ $$x: #\"}\n",
        /* one protocol, no health check, an empty host, odd durations and sizes */
        "receivers: {otlp: {protocols: {grpc: {endpoint: \":4317\", max_recv_msg_size_mib: 500}}}}\n"
        "exporters: {nop: }\n"
        "service: {pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}\n"
        "masques: {limits: {header_timeout: 1m1.000000001s, body_rate: 1001}, log_level: WARN}\n",
        /* processors become what their exporters and the ledger are told */
        "receivers: {otlp: {protocols: {grpc: }}}\n"
        "processors: {batch/a: {timeout: 3s, send_batch_size: 10, send_batch_max_size: 20},\n"
        "  batch/b: {timeout: 0s, send_batch_size: 0},\n"
        "  memory_limiter: {check_interval: 1s, limit_mib: 150}}\n"
        "exporters: {nop/a: , nop/b: , debug: }\n"
        "service: {pipelines: {\n"
        "  logs: {receivers: [otlp], processors: [memory_limiter, batch/a], exporters: [nop/a]},\n"
        "  traces: {receivers: [otlp], processors: [batch/b], exporters: [nop/b, debug]}}}\n",
        /* everything about queues and retries, storage, metrics */
        "receivers: {otlp: {protocols: {grpc: }}}\n"
        "exporters: {nop/a: {sending_queue: {num_consumers: 3, sizer: bytes, queue_size: 12345,\n"
        "    block_on_overflow: true, storage: file_storage / x, batch: {max_size: 1000000}},\n"
        "  retry_on_failure: {initial_interval: 1ms, randomization_factor: 0, multiplier: 2.25,\n"
        "    max_interval: 1m, max_elapsed_time: 1h}}, nop/b: {sending_queue: {batch: },\n"
        "  retry_on_failure: {enabled: false, max_elapsed_time: 1s}}}\n"
        "extensions: {file_storage/x: {directory: /a/$$b, create_directory: true, fsync: false,\n"
        "  directory_permissions: \"0711\"}}\n"
        "service: {extensions: [file_storage/x], telemetry: {metrics: {readers: [{pull: {exporter:\n"
        "  {prometheus: {host: \"::1\", port: 0}}}}]}},\n"
        "  pipelines: {logs: {receivers: [otlp], exporters: [nop/a, nop/b]}}}\n",
        /* a store on a disk, whose size is not written */
        "masques: {store: {directory: /var/lib/masques, fsync: interval, fsync_interval: 10ms}}\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct config *config = load(slice_of(texts[i]));
        check_round_trip(config);
        config_free(&config);
    }
}
END_TEST

SUITE_MAIN("config_print", the_default_configuration_prints_every_option,
           what_is_printed_resolves_to_the_same)
