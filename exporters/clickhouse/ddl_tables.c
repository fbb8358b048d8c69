// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/ddl_tables.h"

#define LOW "LowCardinality(String)"
#define MAP "Map(LowCardinality(String), String)"
#define ZSTD "ZSTD(1)"
#define DELTA "Delta, ZSTD(1)"
#define DELTA8 "Delta(8), ZSTD(1)"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PIECE(array) {array, COUNT(array)}

/* ---- logs ---- */

#define RESOURCE_COLUMN(key)                                                                       \
    {"__otel_materialized_" key, LOW, ZSTD, "ResourceAttributes['" key "']"}

/* What follows the times. */
static const struct ddl_column log_columns[] = {
    {"TraceId", "String", ZSTD, NULL},
    {"SpanId", "String", ZSTD, NULL},
    {"TraceFlags", "UInt8", NULL, NULL},
    {"SeverityText", LOW, ZSTD, NULL},
    {"SeverityNumber", "UInt8", NULL, NULL},
    {"ServiceName", LOW, ZSTD, NULL},
    {"Body", "String", ZSTD, NULL},
    {"ResourceSchemaUrl", LOW, ZSTD, NULL},
    {"ResourceAttributes", MAP, ZSTD, NULL},
    {"ScopeSchemaUrl", LOW, ZSTD, NULL},
    {"ScopeName", "String", ZSTD, NULL},
    {"ScopeVersion", LOW, ZSTD, NULL},
    {"ScopeAttributes", MAP, ZSTD, NULL},
    {"LogAttributes", MAP, ZSTD, NULL},
    {"EventName", "String", ZSTD, NULL},
    RESOURCE_COLUMN("k8s.cluster.name"),
    RESOURCE_COLUMN("k8s.container.name"),
    RESOURCE_COLUMN("k8s.deployment.name"),
    RESOURCE_COLUMN("k8s.namespace.name"),
    RESOURCE_COLUMN("k8s.node.name"),
    RESOURCE_COLUMN("k8s.pod.name"),
    RESOURCE_COLUMN("k8s.pod.uid"),
    RESOURCE_COLUMN("deployment.environment.name"),
};

static const struct ddl_column log_times[] = {
    {"Timestamp", "DateTime64(9)", DELTA8, NULL},
};

static const struct ddl_column old_log_times[] = {
    {"Timestamp", "DateTime64(9)", DELTA8, NULL},
    {"TimestampTime", "DateTime DEFAULT toDateTime(Timestamp)", NULL, NULL},
};

#define BLOOM "bloom_filter(0.01) GRANULARITY 1"
#define BLOOM_ID "bloom_filter(0.001) GRANULARITY 1"
#define MINMAX "minmax GRANULARITY 1"
#define WHOLE "text(tokenizer = 'array')"
#define WORDS "text(tokenizer = 'splitByNonAlpha')"

/* Both indexes of a map; `text` stands for them on servers that have text indexes. */
#define MAP_INDEXES(name, map, text)                                                               \
    {name "_key", "mapKeys(" map ")", BLOOM, text},                                                \
    {                                                                                              \
        name "_value", "mapValues(" map ")", BLOOM, text                                           \
    }

static const struct ddl_index log_indexes[] = {
    {"idx_trace_id", "TraceId", BLOOM_ID, WHOLE},
    MAP_INDEXES("idx_res_attr", "ResourceAttributes", WHOLE),
    MAP_INDEXES("idx_scope_attr", "ScopeAttributes", WHOLE),
    MAP_INDEXES("idx_log_attr", "LogAttributes", WHOLE),
    {"idx_lower_body", "lower(Body)", "tokenbf_v1(32768, 3, 0) GRANULARITY 8", WORDS},
};

static const struct ddl_table_parts logs = {
    .columns = {PIECE(log_times), PIECE(log_columns)},
    .indexes = log_indexes,
    .index_count = COUNT(log_indexes),
    .day = "Timestamp",
    .order = "toStartOfFiveMinutes(Timestamp), ServiceName, Timestamp",
    .age = "toDateTime(Timestamp)",
};

static const struct ddl_table_parts old_logs = {
    .columns = {PIECE(old_log_times), PIECE(log_columns)},
    .indexes = log_indexes,
    .index_count = COUNT(log_indexes),
    .day = "TimestampTime",
    .primary = "ServiceName, TimestampTime",
    .order = "ServiceName, TimestampTime, Timestamp",
    .age = "TimestampTime",
};

/* ---- traces ---- */

static const struct ddl_column span_columns[] = {
    {"Timestamp", "DateTime64(9)", DELTA, NULL},
    {"TraceId", "String", ZSTD, NULL},
    {"SpanId", "String", ZSTD, NULL},
    {"ParentSpanId", "String", ZSTD, NULL},
    {"TraceState", "String", ZSTD, NULL},
    {"SpanName", LOW, ZSTD, NULL},
    {"SpanKind", LOW, ZSTD, NULL},
    {"ServiceName", LOW, ZSTD, NULL},
    {"ResourceAttributes", MAP, ZSTD, NULL},
    {"ScopeName", "String", ZSTD, NULL},
    {"ScopeVersion", "String", ZSTD, NULL},
    {"SpanAttributes", MAP, ZSTD, NULL},
    {"Duration", "UInt64", ZSTD, NULL},
    {"StatusCode", LOW, ZSTD, NULL},
    {"StatusMessage", "String", ZSTD, NULL},
    {"Events", "Nested (Timestamp DateTime64(9), Name " LOW ", Attributes " MAP ")", ZSTD, NULL},
    {"Links", "Nested (TraceId String, SpanId String, TraceState String, Attributes " MAP ")", ZSTD,
     NULL},
};

static const struct ddl_index span_indexes[] = {
    {"idx_trace_id", "TraceId", BLOOM_ID, NULL},
    MAP_INDEXES("idx_res_attr", "ResourceAttributes", NULL),
    MAP_INDEXES("idx_span_attr", "SpanAttributes", NULL),
    {"idx_duration", "Duration", MINMAX, NULL},
};

static const struct ddl_table_parts traces = {
    .columns = {PIECE(span_columns)},
    .indexes = span_indexes,
    .index_count = COUNT(span_indexes),
    .day = "Timestamp",
    .order = "ServiceName, SpanName, toDateTime(Timestamp)",
    .age = "toDateTime(Timestamp)",
};

static const struct ddl_column trace_time_columns[] = {
    {"TraceId", "String", ZSTD, NULL},
    {"Start", "DateTime", DELTA, NULL},
    {"End", "DateTime", DELTA, NULL},
};

static const struct ddl_index trace_time_indexes[] = {
    {"idx_trace_id", "TraceId", BLOOM, NULL},
};

static const struct ddl_table_parts trace_times = {
    .columns = {PIECE(trace_time_columns)},
    .indexes = trace_time_indexes,
    .index_count = COUNT(trace_time_indexes),
    .day = "Start",
    .order = "TraceId, Start",
    .age = "toDateTime(Start)",
};

/* ---- metrics ---- */

static const struct ddl_column metric_columns[] = {
    {"ResourceAttributes", MAP, ZSTD, NULL},
    {"ResourceSchemaUrl", "String", ZSTD, NULL},
    {"ScopeName", "String", ZSTD, NULL},
    {"ScopeVersion", "String", ZSTD, NULL},
    {"ScopeAttributes", MAP, ZSTD, NULL},
    {"ScopeDroppedAttrCount", "UInt32", ZSTD, NULL},
    {"ScopeSchemaUrl", "String", ZSTD, NULL},
    {"ServiceName", LOW, ZSTD, NULL},
    {"MetricName", LOW, ZSTD, NULL},
    {"MetricDescription", "String", ZSTD, NULL},
    {"MetricUnit", "String", ZSTD, NULL},
    {"Attributes", MAP, ZSTD, NULL},
    {"StartTimeUnix", "DateTime", DELTA, NULL},
    {"TimeUnix", "DateTime", DELTA, NULL},
};

#define EXEMPLARS                                                                                  \
    {"Exemplars",                                                                                  \
     "Nested (FilteredAttributes " MAP ", TimeUnix DateTime, Value Float64, SpanId String, "       \
     "TraceId String)",                                                                            \
     ZSTD, NULL}

static const struct ddl_column gauge_columns[] = {
    {"Value", "Float64", ZSTD, NULL},
    {"Flags", "UInt32", ZSTD, NULL},
    EXEMPLARS,
};

static const struct ddl_column sum_columns[] = {
    {"Value", "Float64", ZSTD, NULL},
    {"Flags", "UInt32", ZSTD, NULL},
    EXEMPLARS,
    {"AggregationTemporality", "Int32", ZSTD, NULL},
    {"IsMonotonic", "Boolean", DELTA, NULL},
};

static const struct ddl_column histogram_columns[] = {
    {"Count", "UInt64", DELTA, NULL},
    {"Sum", "Float64", ZSTD, NULL},
    {"BucketCounts", "Array(UInt64)", ZSTD, NULL},
    {"ExplicitBounds", "Array(Float64)", ZSTD, NULL},
    EXEMPLARS,
    {"Flags", "UInt32", ZSTD, NULL},
    {"Min", "Float64", ZSTD, NULL},
    {"Max", "Float64", ZSTD, NULL},
    {"AggregationTemporality", "Int32", ZSTD, NULL},
};

static const struct ddl_column exponential_histogram_columns[] = {
    {"Count", "UInt64", DELTA, NULL},
    {"Sum", "Float64", ZSTD, NULL},
    {"Scale", "Int32", ZSTD, NULL},
    {"ZeroCount", "UInt64", ZSTD, NULL},
    {"PositiveOffset", "Int32", ZSTD, NULL},
    {"PositiveBucketCounts", "Array(UInt64)", ZSTD, NULL},
    {"NegativeOffset", "Int32", ZSTD, NULL},
    {"NegativeBucketCounts", "Array(UInt64)", ZSTD, NULL},
    EXEMPLARS,
    {"Flags", "UInt32", ZSTD, NULL},
    {"Min", "Float64", ZSTD, NULL},
    {"Max", "Float64", ZSTD, NULL},
    {"AggregationTemporality", "Int32", ZSTD, NULL},
};

static const struct ddl_column summary_columns[] = {
    {"Count", "UInt64", DELTA, NULL},
    {"Sum", "Float64", ZSTD, NULL},
    {"ValueAtQuantiles", "Nested (Quantile Float64, Value Float64)", ZSTD, NULL},
    {"Flags", "UInt32", ZSTD, NULL},
};

static const struct ddl_index metric_indexes[] = {
    MAP_INDEXES("idx_res_attr", "ResourceAttributes", NULL),
    MAP_INDEXES("idx_scope_attr", "ScopeAttributes", NULL),
    MAP_INDEXES("idx_attr", "Attributes", NULL),
    {"idx_time_minmax", "TimeUnix", MINMAX, NULL},
};

#define METRIC_TABLE(own)                                                                          \
    {                                                                                              \
        .columns = {PIECE(metric_columns), PIECE(own)}, .indexes = metric_indexes,                 \
        .index_count = COUNT(metric_indexes), .day = "TimeUnix",                                   \
        .order = "ServiceName, MetricName, toStartOfHour(TimeUnix), cityHash64(Attributes), "      \
                 "TimeUnix",                                                                       \
        .age = "toDateTime(TimeUnix)",                                                             \
    }

static const struct ddl_table_parts gauge = METRIC_TABLE(gauge_columns);
static const struct ddl_table_parts sum = METRIC_TABLE(sum_columns);
static const struct ddl_table_parts histogram = METRIC_TABLE(histogram_columns);
static const struct ddl_table_parts exponential_histogram = METRIC_TABLE(exponential_histogram_columns);
static const struct ddl_table_parts summary = METRIC_TABLE(summary_columns);

/* ---- all of them ---- */

const struct ddl_table_parts *ddl_tables_parts(enum table_kind table)
{
    static const struct ddl_table_parts *const all[TABLE_KINDS] = {
        [TABLE_LOGS] = &logs,
        [TABLE_TRACES] = &traces,
        [TABLE_GAUGE] = &gauge,
        [TABLE_SUM] = &sum,
        [TABLE_HISTOGRAM] = &histogram,
        [TABLE_EXPONENTIAL_HISTOGRAM] = &exponential_histogram,
        [TABLE_SUMMARY] = &summary,
    };
    return all[table];
}

const struct ddl_table_parts *ddl_tables_old_logs(void)
{
    return &old_logs;
}

const struct ddl_table_parts *ddl_tables_trace_times(void)
{
    return &trace_times;
}
