// SPDX-License-Identifier: Apache-2.0
/* The options of the ClickHouse exporter: names and defaults, what is refused in which words, and that its secrets
 * are shown by nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/config/config.h"
#include "shared/config/exporter_options.h"
#include "tests/support/suite.h"

static const char *environment(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "SECRET") == 0 ? "hidden: # $1 \"x\"" : NULL;
}

static int load(const char *text, struct config **config, struct config_error *error)
{
    char all[3000];
    snprintf(all, sizeof all,
             "receivers: {otlp: {protocols: {grpc: }}}\n"
             "exporters: {clickhouse: {%s}}\n"
             "service: {pipelines: {logs: {receivers: [otlp], exporters: [clickhouse]}}}\n",
             text);
    return config_from_text("f", slice_of(all), environment, NULL, config, error);
}

#define AT "endpoint: \"http://h\", "
#define TLS "endpoint: \"https://h\", "

static const struct {
    const char *text;
    const char *why; /* stands in the message; NULL: it is right */
} cases[] = {
    {"", "endpoint must be specified, such as http://HOST:8123"},
    {"endpoint: \"http://h\"", NULL},
    {"endpoint: \"tcp://h:9000?dial_timeout=10s\"", "write http://h:8123"},
    {"endpoint: \"clickhouse://u:hidden@h:9000\"", "write http://h:8123"},
    {"endpoint: \"http://u:hidden@h:8123\"", "write them as `username` and `password`"},
    {"endpoint: \"http://u:hidden@h\\n\"", "got a value, expected a text"},
    {AT "username: u, password: hidden", NULL},
    {AT "username: u, password: \"hidden\\n\"", "got a value, expected a text"},
    {AT "username: u, password: [hidden]", "got a list, expected a text"},
    {AT "username: u, password: \"[REDACTED]\"", "print-config writes instead of a secret"},
    {AT "password: hidden, password_file: f", "password and password_file must not both be written"},
    {AT "username: hidden, username_file: f", "username and username_file must not both be written"},
    {AT "database: \"\"", "expected a text of 1 to 192 bytes"},
    {AT "database: \"a`b\"", NULL},
    {AT "logs_table_name: x, traces_table_name: x", "two tables have the name x"},
    {AT "metrics_tables: {sum: {name: otel_metrics_gauge}}", "two tables have the name otel_metrics_gauge"},
    {AT "metrics_tables: {sum: {name: s}, exponential_histogram: {name: e}}", NULL},
    {AT "metrics_tables: {sum: s}", "expected a map of keys and values"},
    {AT "metrics_tables: {sums: {name: s}}", "did you mean sum?"},
    {AT "ttl: 72h", NULL},
    {AT "ttl: 1500ms", "ttl must be whole seconds"},
    {AT "ttl: 3", "expected a duration"},
    {AT "table_engine: {name: ReplicatedMergeTree, params: \"'/x/{shard}', '{replica}'\"}", NULL},
    {AT "table_engine: {name: \"MergeTree()\"}", "table_engine::name must be a name alone"},
    {AT "table_engine: {name: Memory}", "must be of the MergeTree family"},
    {AT "cluster_name: c, create_schema: false", NULL},
    {AT "compress: none", NULL},
    {AT "compress: br", "expected one of: none, zstd, lz4, gzip"},
    {AT "timeout: 5s", NULL},
    {AT "timeout: 0s", "expected a duration such as 5s or 1m30s, from 1s"},
    {AT "insert_rows: 0", "expected a whole number from 1 to 1000000"},
    {AT "insert_rows: 1048449", "expected a whole number from 1 to 1000000"},
    {AT "dedup_window: 0", NULL},
    {AT "json: true", "add create_schema: false"},
    {AT "json: true, create_schema: false", NULL},
    {AT "connection_params: {max_threads: 4, x: \"a b\"}", NULL},
    {AT "connection_params: {}", NULL},
    {AT "connection_params: ", NULL},
    {AT "connection_params: max_threads=4", "expected a map of names and values"},
    {AT "connection_params: [max_threads]", "expected a map of names and values"},
    {AT "connection_params: {a: {b: c}}", "connection_params::a: got a map, expected a text"},
    {AT "connection_params: {\"a b\": c}", "connection_params::a b: no valid name"},
    {AT "connection_params: {a: \"x\\ny\"}", "connection_params::a: the value has control characters"},
    {AT "connection_params: {insert_deduplication_token: x}", "it is the exporter's own"},
    {AT "connection_params: {insert_deduplicate: 0}", "rows would be written twice"},
    {AT "connection_params: {async_insert: 1}", "connection_params must not have async_insert"},
    {AT "connection_params: {password: hidden}", "write `password` of the exporter"},
    {AT "tls: {insecure_skip_verify: true}", "tls has no effect with an endpoint of http://"},
    {TLS "tls: {insecure_skip_verify: true}", NULL},
    {TLS "tls: {ca_file: a, cert_file: b, key_file: c}", NULL},
    {TLS "tls: {cert_file: b}", "tls::cert_file and tls::key_file are both needed"},
    {TLS "tls: {key_file: b}", "tls::cert_file and tls::key_file are both needed"},
    {AT "tables: x", "unknown key"},
    {AT "usrname: x", "did you mean username?"},
};

START_TEST(what_is_wrong_is_said_without_secrets)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config *config = NULL;
        struct config_error error = {.text = ""};
        int rc = load(cases[i].text, &config, &error);
        if (cases[i].why)
            ck_assert_msg(rc < 0 && strstr(error.text, cases[i].why), "%s: %s", cases[i].text, error.text);
        else
            ck_assert_msg(rc == 0, "%s: %s", cases[i].text, error.text);
        ck_assert_msg(!strstr(error.text, "hidden"), "%s", error.text);
        config_free(&config);
    }
}
END_TEST

START_TEST(the_defaults_are_the_collectors_or_safer)
{
    struct clickhouse_options o = {.async_insert = true};
    const struct option_set *set = &exporter_kind_find(slice_of("clickhouse"))->options;
    options_default(set->rows, set->count, &o);
    ck_assert_str_eq(o.database, "default");
    ck_assert_str_eq(o.logs_table, "otel_logs");
    ck_assert_str_eq(o.traces_table, "otel_traces");
    ck_assert_str_eq(o.gauge_table, "otel_metrics_gauge");
    ck_assert_str_eq(o.sum_table, "otel_metrics_sum");
    ck_assert_str_eq(o.summary_table, "otel_metrics_summary");
    ck_assert_str_eq(o.histogram_table, "otel_metrics_histogram");
    ck_assert_str_eq(o.exponential_histogram_table, "otel_metrics_exponential_histogram");
    ck_assert_str_eq(o.engine_name, "MergeTree");
    ck_assert(o.create_schema && !o.async_insert && !o.json && !o.timestamp_time && !o.insecure_skip_verify);
    ck_assert_uint_eq(o.ttl_ns, 0);
    ck_assert_uint_eq(o.dedup_window, 1000);
    ck_assert_uint_eq(o.insert_rows, 100000);
    ck_assert_uint_eq(o.compress, CLICKHOUSE_ZSTD);
    ck_assert_uint_eq(o.timeout_ns, 60 * UINT64_C(1000000000));
    ck_assert_str_eq(o.connection_params, "");
}
END_TEST

START_TEST(asynchronous_inserts_are_warned_of)
{
    struct config *config = NULL;
    struct config_error error;
    ck_assert_int_eq(load(AT "async_insert: true", &config, &error), 0);
    ck_assert_uint_eq(config->warning_count, 1);
    ck_assert_msg(strstr(config->warnings[0], "exporters::clickhouse::async_insert: has no effect"), "%s",
                  config->warnings[0]);
    config_free(&config);
}
END_TEST

/* The environment's text arrives as it is, goes to the exporter as it is, and is printed nowhere. */
START_TEST(secrets_reach_the_exporter_and_no_eyes)
{
    struct config *config = NULL, *again = NULL;
    struct config_error error;
    struct buf printed = buf_make(100000), sent = buf_make(1000);
    const struct option_set *set = &exporter_kind_find(slice_of("clickhouse"))->options;
    ck_assert_int_eq(load(AT "username: \"${env:SECRET}\", password: \"${env:SECRET}\"", &config, &error), 0);
    const struct clickhouse_options *o = &config->exporters[0].options.clickhouse;
    ck_assert_str_eq(o->password, "hidden: # $1 \"x\"");
    option_print(options_find(set->rows, set->count, slice_of("password")), o, &sent);
    ck_assert(slice_is(buf_slice(&sent), o->password));
    config_print(config, &printed);
    buf_byte(&printed, '\0');
    const char *text = (const char *)printed.data;
    ck_assert_ptr_null(strstr(text, "hidden"));
    ck_assert_ptr_nonnull(strstr(text, "    password: \"[REDACTED]\"\n"));
    ck_assert_ptr_nonnull(strstr(text, "    username: \"[REDACTED]\"\n"));
    printed.len--;
    ck_assert_int_lt(config_from_text("f", buf_slice(&printed), environment, NULL, &again, &error), 0);
    ck_assert(strstr(error.text, "print-config writes instead of a secret"));
    buf_free(&sent);
    buf_free(&printed);
    config_free(&config);
}
END_TEST

START_TEST(a_map_of_settings_is_printed_as_it_was_written)
{
    struct config *config = NULL, *again = NULL;
    struct config_error error;
    struct buf printed = buf_make(100000);
    ck_assert_int_eq(load(AT "connection_params: {b: 4, a: \"x & $$y = '\", c: true}", &config, &error), 0);
    const char *params = config->exporters[0].options.clickhouse.connection_params;
    ck_assert_str_eq(params, "b=4&a=x%20%26%20%24y%20%3D%20%27&c=true");
    config_print(config, &printed);
    int rc = config_from_text("f", buf_slice(&printed), environment, NULL, &again, &error);
    ck_assert_msg(rc == 0, "%s", error.text);
    ck_assert_str_eq(again->exporters[0].options.clickhouse.connection_params, params);
    buf_byte(&printed, '\0');
    ck_assert_ptr_nonnull(strstr((const char *)printed.data, "password: \"\"\n"));
    buf_free(&printed);
    config_free(&config);
    config_free(&again);
}
END_TEST

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, strlen(text), file), strlen(text));
    fclose(file);
}

static void check_credentials(const struct clickhouse_options *o, const char *user, const char *password)
{
    struct buf u = buf_make(100), p = buf_make(100), why = buf_make(1000);
    ck_assert_int_eq(clickhouse_credentials(o, &u, &p, &why), 0);
    ck_assert(slice_is(buf_slice(&u), user) && slice_is(buf_slice(&p), password));
    buf_free(&u);
    buf_free(&p);
    buf_free(&why);
}

START_TEST(credentials_come_from_options_or_files)
{
    char directory[] = "/tmp/masques-credentials-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    struct clickhouse_options o = {.async_insert = false};
    check_credentials(&o, "", "");
    strcpy(o.password, "p");
    check_credentials(&o, "default", "p");
    strcpy(o.username, "u");
    check_credentials(&o, "u", "p");
    o.password[0] = '\0';
    snprintf(o.password_file, sizeof o.password_file, "%s/p", directory);
    write_file(o.password_file, "first line\nsecond\n");
    check_credentials(&o, "u", "first line");
    write_file(o.password_file, "changed");
    check_credentials(&o, "u", "changed");
    unlink(o.password_file);
    struct buf u = buf_make(100), p = buf_make(100), why = buf_make(1000);
    ck_assert_int_eq(clickhouse_credentials(&o, &u, &p, &why), GW_ERR_IO);
    buf_byte(&why, '\0');
    ck_assert_ptr_nonnull(strstr((const char *)why.data, "password_file: cannot read"));
    buf_free(&u);
    buf_free(&p);
    buf_free(&why);
    rmdir(directory);
}
END_TEST

SUITE_MAIN("config/clickhouse_options", what_is_wrong_is_said_without_secrets,
           the_defaults_are_the_collectors_or_safer, asynchronous_inserts_are_warned_of,
           secrets_reach_the_exporter_and_no_eyes, a_map_of_settings_is_printed_as_it_was_written,
           credentials_come_from_options_or_files)
