// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/ddl.h"
#include "exporters/clickhouse/block.h"
#include "shared/config/exporter_options.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct clickhouse_options defaults(void)
{
    struct clickhouse_options o;
    const struct option_set *set = &exporter_kind_find(slice_of("clickhouse"))->options;
    memset(&o, 0, sizeof o);
    options_default(set->rows, set->count, &o);
    return o;
}

static void set(struct clickhouse_options *o, const char *path, const char *text)
{
    const struct option_set *rows = &exporter_kind_find(slice_of("clickhouse"))->options;
    ck_assert_int_eq(options_apply(rows->rows, rows->count, path, text, o, NULL), 0);
}

/* A statement, or with `index` < 0 the whole script; the caller frees it. */
static char *text_of(const struct clickhouse_options *o, enum table_kind table, int index, uint32_t version)
{
    struct buf out = buf_make(1u << 20);
    if (index < 0)
        ddl_script(&out, o, version);
    else
        ddl_create(&out, o, table, (size_t)index, version);
    buf_byte(&out, '\0');
    ck_assert(buf_ok(&out));
    return (char *)out.data;
}

static void check_has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "%s\nis not in\n%s", part, text);
}

static void check_lacks(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) == NULL, "%s\nis in\n%s", part, text);
}

START_TEST(what_belongs_to_traces_is_written_out)
{
    struct clickhouse_options o = defaults();
    ck_assert_uint_eq(ddl_count(TABLE_TRACES), 3);
    char *times = text_of(&o, TABLE_TRACES, 1, 2607), *view = text_of(&o, TABLE_TRACES, 2, 2607);
    ck_assert_str_eq(times, "CREATE TABLE IF NOT EXISTS `default`.`otel_traces_trace_id_ts` (\n"
                            "    `TraceId` String CODEC(ZSTD(1)),\n"
                            "    `Start` DateTime CODEC(Delta, ZSTD(1)),\n"
                            "    `End` DateTime CODEC(Delta, ZSTD(1)),\n"
                            "    INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1\n"
                            ") ENGINE = MergeTree()\n"
                            "PARTITION BY toDate(Start)\n"
                            "ORDER BY (TraceId, Start)\n"
                            "SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, "
                            "non_replicated_deduplication_window = 1000");
    ck_assert_str_eq(view, "CREATE MATERIALIZED VIEW IF NOT EXISTS `default`.`otel_traces_trace_id_ts_mv`\n"
                           "TO `default`.`otel_traces_trace_id_ts`\n"
                           "AS SELECT TraceId, min(Timestamp) AS Start, max(Timestamp) AS End\n"
                           "FROM `default`.`otel_traces`\n"
                           "WHERE TraceId != ''\n"
                           "GROUP BY TraceId");
    free(times);
    free(view);
}
END_TEST

/* What stands behind a name in a column's line, up to its codec; Nested: the type of the field, as an array. */
static bool has_column(const char *statement, const char *name, const char *type)
{
    char line[400];
    const char *dot = strchr(name, '.');
    if (!dot) {
        snprintf(line, sizeof line, "\n    `%s` %s", name, strcmp(type, "Bool") == 0 ? "Boolean" : type);
        return strstr(statement, line) != NULL;
    }
    snprintf(line, sizeof line, "\n    `%.*s` Nested (", (int)(dot - name), name);
    const char *nested = strstr(statement, line);
    const char *end = nested ? strstr(nested + 1, " CODEC") : NULL;
    ck_assert_msg(strncmp(type, "Array(", 6) == 0 && type[strlen(type) - 1] == ')', "%s: %s", name, type);
    snprintf(line, sizeof line, "%s %.*s", dot + 1, (int)strlen(type) - 7, type + 6);
    const char *field = nested ? strstr(nested, line) : NULL;
    return field && end && field < end;
}

START_TEST(every_column_that_blocks_have_is_created_with_a_type_that_takes_it)
{
    struct clickhouse_options o = defaults();
    size_t columns = 0;
    for (enum table_kind table = 0; table < TABLE_KINDS; table++) {
        char *text = text_of(&o, table, 0, 2607);
        for (size_t i = 0; i < block_column_count(table); i++, columns++) {
            const char *name = block_column_name(table, i), *type = block_column_type(table, i);
            /* Times of metrics are DateTime here and DateTime64(9) in older tables: blocks have either. */
            bool is_time = strstr(name, "TimeUnix") != NULL;
            bool found = has_column(text, name, type);
            if (!found && is_time)
                found = has_column(text, name, strchr(name, '.') ? "Array(DateTime)" : "DateTime");
            ck_assert_msg(found, "%s %s is not in\n%s", name, type, text);
        }
        free(text);
    }
    ck_assert_uint_gt(columns, 100);
}
END_TEST

START_TEST(logs_have_text_indexes_where_the_server_has)
{
    struct clickhouse_options o = defaults();
    char *old = text_of(&o, TABLE_LOGS, 0, 2601), *new = text_of(&o, TABLE_LOGS, 0, DDL_TEXT_INDEXES);
    check_has(new, "INDEX idx_trace_id TraceId TYPE text(tokenizer = 'array'),\n");
    check_has(new, "INDEX idx_log_attr_value mapValues(LogAttributes) TYPE text(tokenizer = 'array'),\n");
    check_has(new, "INDEX idx_lower_body lower(Body) TYPE text(tokenizer = 'splitByNonAlpha')\n)");
    check_lacks(new, "bloom");
    check_has(old, "INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,\n");
    check_has(old, "INDEX idx_log_attr_value mapValues(LogAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,\n");
    check_has(old, "INDEX idx_lower_body lower(Body) TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 8\n)");
    check_lacks(old, "text(");
    free(old);
    free(new);
}
END_TEST

START_TEST(logs_have_the_old_column_when_it_is_asked_for)
{
    struct clickhouse_options o = defaults();
    char *new = text_of(&o, TABLE_LOGS, 0, 2607);
    set(&o, "timestamp_time", "true");
    set(&o, "ttl", "72h");
    char *old = text_of(&o, TABLE_LOGS, 0, 2607);
    check_lacks(new, "TimestampTime");
    check_has(new, "PARTITION BY toDate(Timestamp)\n"
                   "ORDER BY (toStartOfFiveMinutes(Timestamp), ServiceName, Timestamp)\nSETTINGS");
    check_has(old, "    `TimestampTime` DateTime DEFAULT toDateTime(Timestamp),\n");
    check_has(old, "PARTITION BY toDate(TimestampTime)\nPRIMARY KEY (ServiceName, TimestampTime)\n"
                   "ORDER BY (ServiceName, TimestampTime, Timestamp)\n"
                   "TTL TimestampTime + toIntervalDay(3)\nSETTINGS");
    check_has(old, "`__otel_materialized_k8s.pod.uid` LowCardinality(String) MATERIALIZED "
                   "ResourceAttributes['k8s.pod.uid'] CODEC(ZSTD(1)),\n");
    free(old);
    free(new);
}
END_TEST

static const struct {
    const char *ttl;
    const char *logs; /* NULL: there is none */
} ttls[] = {
    {"0s", NULL},
    {"48h", "\nTTL toDateTime(Timestamp) + toIntervalDay(2)\n"},
    {"36h", "\nTTL toDateTime(Timestamp) + toIntervalHour(36)\n"},
    {"90m", "\nTTL toDateTime(Timestamp) + toIntervalMinute(90)\n"},
    {"61s", "\nTTL toDateTime(Timestamp) + toIntervalSecond(61)\n"},
};

START_TEST(a_ttl_is_said_in_its_largest_unit)
{
    for (size_t i = 0; i < sizeof ttls / sizeof ttls[0]; i++) {
        struct clickhouse_options o = defaults();
        set(&o, "ttl", ttls[i].ttl);
        char *text = text_of(&o, TABLE_LOGS, 0, 2607), *all = text_of(&o, TABLE_LOGS, -1, 2607);
        if (ttls[i].logs)
            check_has(text, ttls[i].logs);
        else
            check_lacks(all, "TTL");
        size_t count = 0;
        for (const char *at = all; (at = strstr(at, "\nTTL ")); at++)
            count++;
        ck_assert_uint_eq(count, ttls[i].logs ? 8 : 0);
        free(text);
        free(all);
    }
}
END_TEST

START_TEST(names_engine_and_cluster_are_what_the_options_say)
{
    struct clickhouse_options o = defaults();
    set(&o, "database", "my`db\\");
    set(&o, "traces_table_name", "t-1");
    set(&o, "metrics_tables::exponential_histogram::name", "otel_metrics_exp_histogram");
    set(&o, "table_engine::name", "ReplicatedMergeTree");
    set(&o, "table_engine::params", "'/x/{shard}', '{replica}'");
    set(&o, "cluster_name", "{cluster}");
    char *all = text_of(&o, TABLE_LOGS, -1, 2607);
    check_has(all, "CREATE DATABASE IF NOT EXISTS `my\\`db\\\\` ON CLUSTER `{cluster}`;\n\n"
                   "CREATE TABLE IF NOT EXISTS `my\\`db\\\\`.`otel_logs` ON CLUSTER `{cluster}` (\n");
    check_has(all, "CREATE MATERIALIZED VIEW IF NOT EXISTS `my\\`db\\\\`.`t-1_trace_id_ts_mv` ON CLUSTER "
                   "`{cluster}`\nTO `my\\`db\\\\`.`t-1_trace_id_ts`\n");
    check_has(all, "FROM `my\\`db\\\\`.`t-1`\n");
    check_has(all, "`otel_metrics_exp_histogram` ON CLUSTER");
    check_has(all, ") ENGINE = ReplicatedMergeTree('/x/{shard}', '{replica}')\n");
    check_has(all, "ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, "
                   "replicated_deduplication_window_seconds = 604800;\n");
    check_lacks(all, "non_replicated");
    set(&o, "dedup_window", "20000");
    char *more = text_of(&o, TABLE_GAUGE, 0, 2607);
    check_has(more, "replicated_deduplication_window = 20000");
    set(&o, "dedup_window", "0");
    char *none = text_of(&o, TABLE_GAUGE, 0, 2607);
    check_lacks(none, "dedup");
    free(all);
    free(more);
    free(none);
}
END_TEST

START_TEST(the_default_database_is_not_created)
{
    struct clickhouse_options o = defaults();
    struct buf out = buf_make(1000);
    ck_assert(!ddl_database(&out, &o));
    ck_assert_uint_eq(out.len, 0);
    set(&o, "database", "otel");
    ck_assert(ddl_database(&out, &o));
    ck_assert(slice_is(buf_slice(&out), "CREATE DATABASE IF NOT EXISTS `otel`"));
    buf_free(&out);
}
END_TEST

START_TEST(versions_are_years_and_months)
{
    static const struct {
        const char *text;
        uint32_t version;
    } versions[] = {
        {"26.7.2.1", 2607}, {"24.12", 2412}, {"25.10.1", 2510}, {"26", 0},   {"", 0},
        {"x.1", 0},         {"26.x", 0},     {"26.", 0},        {"26.13.1", 0}, {"99999999999.1", 0},
    };
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
        ck_assert_uint_eq(ddl_version(slice_of(versions[i].text)), versions[i].version);
}
END_TEST

SUITE_MAIN("exporters/clickhouse/ddl", what_belongs_to_traces_is_written_out,
           every_column_that_blocks_have_is_created_with_a_type_that_takes_it,
           logs_have_text_indexes_where_the_server_has, logs_have_the_old_column_when_it_is_asked_for,
           a_ttl_is_said_in_its_largest_unit, names_engine_and_cluster_are_what_the_options_say,
           the_default_database_is_not_created, versions_are_years_and_months)
