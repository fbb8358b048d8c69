// SPDX-License-Identifier: Apache-2.0
#include "shared/config/clickhouse_rows.h"

#include "shared/config/clickhouse_options.h"

static const char *const compressions[] = {"none", "zstd", "lz4", "gzip", NULL};

#define FIELD(member) .offset = offsetof(struct clickhouse_options, member)
#define PATH .type = OPTION_TEXT, .max = CLICKHOUSE_PATH_BYTES - 1, .initial = ""
#define NAME .type = OPTION_TEXT, .min = 1, .max = CLICKHOUSE_NAME_BYTES - 1
#define SECRET .type = OPTION_TEXT, .max = CLICKHOUSE_SECRET_BYTES - 1, .initial = "", .secret = true
#define TTL_MAX_NS (175200 * (uint64_t)DURATION_HOUR_NS) /* 20 years: a DateTime ends in 2106, and wraps around */
#define INSERT_ROWS_MAX 1000000u /* the server takes up to 1,048,449 rows as one block */

const struct option clickhouse_rows[CLICKHOUSE_ROWS] = {
    {.path = "endpoint", .type = OPTION_TEXT, FIELD(endpoint), .max = CLICKHOUSE_ENDPOINT_BYTES - 1,
     .initial = "", .unquoted = true,
     .help = "ClickHouse's HTTP interface, required: `http://HOST:8123` or `https://HOST:8443`; further hosts, for "
             "when one fails, after a comma."},
    {.path = "username", SECRET, FIELD(username), .help = "User; empty: ClickHouse's own default."},
    {.path = "password", SECRET, FIELD(password),
     .help = "Password; best as `${env:NAME}`. Never shown, by `print-config` either."},
    {.path = "username_file", PATH, FIELD(username_file),
     .help = "A file whose first line is the user, instead of `username`."},
    {.path = "password_file", PATH, FIELD(password_file),
     .help = "A file whose first line is the password, instead of `password`; read again when the server refuses it."},
    {.path = "database", NAME, FIELD(database), .initial = "default", .help = "Where the tables are."},
    {.path = "logs_table_name", NAME, FIELD(logs_table), .initial = "otel_logs", .help = "Log records."},
    {.path = "traces_table_name", NAME, FIELD(traces_table), .initial = "otel_traces",
     .help = "Spans; with `_trace_id_ts` behind it, the times of each trace."},
    {.path = "metrics_tables::gauge::name", NAME, FIELD(gauge_table), .initial = "otel_metrics_gauge",
     .help = "Points of gauges."},
    {.path = "metrics_tables::sum::name", NAME, FIELD(sum_table), .initial = "otel_metrics_sum",
     .help = "Points of sums."},
    {.path = "metrics_tables::summary::name", NAME, FIELD(summary_table),
     .initial = "otel_metrics_summary", .help = "Points of summaries."},
    {.path = "metrics_tables::histogram::name", NAME, FIELD(histogram_table),
     .initial = "otel_metrics_histogram", .help = "Points of histograms."},
    {.path = "metrics_tables::exponential_histogram::name", NAME, FIELD(exponential_histogram_table),
     .initial = "otel_metrics_exponential_histogram", .help = "Points of exponential histograms."},
    {.path = "create_schema", .type = OPTION_BOOL, FIELD(create_schema), .initial = "true",
     .help = "Whether database and tables are created where they are missing."},
    {.path = "ttl", .type = OPTION_DURATION, FIELD(ttl_ns), .max = TTL_MAX_NS, .initial = "0s",
     .help = "Created tables drop rows that are older (`72h`; whole seconds); 0: never."},
    {.path = "table_engine::name", NAME, FIELD(engine_name), .initial = "MergeTree",
     .help = "Engine of created tables, of the MergeTree family."},
    {.path = "table_engine::params", .type = OPTION_TEXT, FIELD(engine_params),
     .max = CLICKHOUSE_PARAMS_BYTES - 1, .initial = "",
     .help = "What stands between its parentheses."},
    {.path = "cluster_name", .type = OPTION_TEXT, FIELD(cluster), .max = CLICKHOUSE_NAME_BYTES - 1,
     .initial = "", .help = "Tables are created `ON CLUSTER` of this name; empty: on the one server."},
    {.path = "timestamp_time", .type = OPTION_BOOL, FIELD(timestamp_time), .initial = "false",
     .help = "Whether a created table of logs has the column `TimestampTime` of older versions, for what still "
             "asks for it."},
    {.path = "dedup_window", .type = OPTION_NUMBER, FIELD(dedup_window), .max = 10000000,
     .initial = "1000",
     .help = "How many inserts a created table remembers, so that none is written twice; 0: as the server has it, "
             "which is none where it is not replicated."},
    {.path = "insert_rows", .type = OPTION_NUMBER, FIELD(insert_rows), .min = 1, .max = INSERT_ROWS_MAX,
     .initial = "100000", .help = "Most rows of one INSERT."},
    {.path = "compress", .type = OPTION_CHOICE, FIELD(compress), .choices = compressions,
     .initial = "zstd", .help = "How what is sent is compressed."},
    {.path = "timeout", .type = OPTION_DURATION, FIELD(timeout_ns), .min = DURATION_S_NS,
     .max = 24 * DURATION_HOUR_NS, .initial = "1m0s",
     .help = "For one INSERT, from its first byte to the server's answer (the collector's default is `5s`)."},
    {.path = "connection_params", .type = OPTION_PAIRS, FIELD(connection_params),
     .max = CLICKHOUSE_PAIRS_BYTES - 1, .initial = "",
     .help = "Settings of ClickHouse for every INSERT."},
    {.path = "tls::ca_file", PATH, FIELD(ca_file),
     .help = "Certificates of the authorities that the server's is checked against, PEM; empty: the system's."},
    {.path = "tls::cert_file", PATH, FIELD(cert_file), .help = "Our own certificate, PEM."},
    {.path = "tls::key_file", PATH, FIELD(key_file), .help = "Its key, PEM."},
    {.path = "tls::insecure_skip_verify", .type = OPTION_BOOL, FIELD(insecure_skip_verify),
     .initial = "false", .help = "Whether the server's certificate is taken unchecked."},
    {.path = "async_insert", .type = OPTION_BOOL, FIELD(async_insert), .initial = "false",
     .idle = "inserts are large and carry tokens, so they are not asynchronous",
     .help = "Has no meaning here: inserts are never asynchronous (the collector's default is `true`)."},
    {.path = "json", .type = OPTION_BOOL, FIELD(json), .initial = "false",
     .help = "`true` only with `create_schema: false`: tables with JSON columns are written to, but not created."},
};
