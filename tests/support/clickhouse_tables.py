# SPDX-License-Identifier: Apache-2.0
"""The tables of the Collector's ClickHouse exporter as they were and are created, written down by hand from its
documentation and independent of ours: DDL of every generation that is found in the field."""

MAP = "Map(LowCardinality(String), String) CODEC(ZSTD(1))"
LOW = "LowCardinality(String) CODEC(ZSTD(1))"
TEXT = "String CODEC(ZSTD(1))"

LOGS, TRACES = "otel_logs", "otel_traces"
METRICS = {kind: f"otel_metrics_{kind}" for kind in ("gauge", "sum", "summary", "histogram", "exponential_histogram")}
TABLES = (LOGS, TRACES, *METRICS.values())

MATERIALIZED = ("k8s.cluster.name", "k8s.container.name", "k8s.deployment.name", "k8s.namespace.name", "k8s.node.name",
                "k8s.pod.name", "k8s.pod.uid", "deployment.environment.name")

LOGS_COLUMNS = f"""
    Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    TraceId {TEXT}, SpanId {TEXT}, TraceFlags UInt8, SeverityText {LOW}, SeverityNumber UInt8, ServiceName {LOW},
    Body {TEXT}, ResourceSchemaUrl {LOW}, ResourceAttributes {MAP}, ScopeSchemaUrl {LOW}, ScopeName {TEXT},
    ScopeVersion {LOW}, ScopeAttributes {MAP}, LogAttributes {MAP}"""

TRACES_COLUMNS = f"""
    Timestamp DateTime64(9) CODEC(Delta, ZSTD(1)), TraceId {TEXT}, SpanId {TEXT}, ParentSpanId {TEXT}, TraceState {TEXT},
    SpanName {LOW}, SpanKind {LOW}, ServiceName {LOW}, ResourceAttributes {MAP}, ScopeName {TEXT}, ScopeVersion {TEXT},
    SpanAttributes {MAP}, Duration UInt64 CODEC(ZSTD(1)), StatusCode {LOW}, StatusMessage {TEXT},
    Events Nested (Timestamp DateTime64(9), Name LowCardinality(String), Attributes Map(LowCardinality(String), String))
        CODEC(ZSTD(1)),
    Links Nested (TraceId String, SpanId String, TraceState String, Attributes Map(LowCardinality(String), String))
        CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_duration Duration TYPE minmax GRANULARITY 1"""

EXEMPLARS = """Exemplars Nested (FilteredAttributes Map(LowCardinality(String), String), TimeUnix %s, Value Float64,
        SpanId String, TraceId String) CODEC(ZSTD(1))"""
DISTRIBUTION = "Min Float64 CODEC(ZSTD(1)), Max Float64 CODEC(ZSTD(1)), AggregationTemporality Int32 CODEC(ZSTD(1))"
METRICS_REST = {
    "gauge": "Value Float64, Flags UInt32, EXEMPLARS",
    "sum": "Value Float64, Flags UInt32, EXEMPLARS, AggregationTemporality Int32, IsMonotonic Boolean",
    "histogram": "Count UInt64, Sum Float64, BucketCounts Array(UInt64), ExplicitBounds Array(Float64), EXEMPLARS,"
                 f" Flags UInt32, {DISTRIBUTION}",
    "exponential_histogram": "Count UInt64, Sum Float64, Scale Int32, ZeroCount UInt64, PositiveOffset Int32,"
                             " PositiveBucketCounts Array(UInt64), NegativeOffset Int32,"
                             f" NegativeBucketCounts Array(UInt64), EXEMPLARS, Flags UInt32, {DISTRIBUTION}",
    "summary": "Count UInt64, Sum Float64, ValueAtQuantiles Nested (Quantile Float64, Value Float64) CODEC(ZSTD(1)),"
               " Flags UInt32",
}


def _settings(window):
    return ("SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1"
            + (f", non_replicated_deduplication_window = {window}" if window else ""))


def logs(window=1000, table=LOGS, more="", generation="new", event_name=True):
    """`generation`: "new" (v0.151 and later), "old" (with TimestampTime; EventName came late)."""
    columns = LOGS_COLUMNS + (f", EventName {TEXT}" if event_name else "") + more
    if generation == "new":
        columns += "".join(f", `__otel_materialized_{key}` LowCardinality(String) MATERIALIZED"
                           f" ResourceAttributes['{key}'] CODEC(ZSTD(1))" for key in MATERIALIZED)
        columns += ", INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1"
        order = ("PARTITION BY toDate(Timestamp)"
                 " ORDER BY (toStartOfFiveMinutes(Timestamp), ServiceName, Timestamp)")
    else:
        columns += (", TimestampTime DateTime DEFAULT toDateTime(Timestamp),"
                    " INDEX idx_body Body TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 8")
        order = ("PARTITION BY toDate(TimestampTime) PRIMARY KEY (ServiceName, TimestampTime)"
                 " ORDER BY (ServiceName, TimestampTime, Timestamp)")
    return f"CREATE TABLE {table} ({columns}) ENGINE = MergeTree {order} {_settings(window)}"


def traces(window=1000, table=TRACES, more=""):
    return (f"CREATE TABLE {table} ({TRACES_COLUMNS}{more}) ENGINE = MergeTree PARTITION BY toDate(Timestamp)"
            f" ORDER BY (ServiceName, SpanName, toDateTime(Timestamp)) {_settings(window)};\n"
            f"CREATE TABLE {table}_trace_id_ts (TraceId {TEXT}, Start DateTime CODEC(Delta, ZSTD(1)),"
            " End DateTime CODEC(Delta, ZSTD(1)), INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1)"
            f" ENGINE = MergeTree PARTITION BY toDate(Start) ORDER BY (TraceId, Start) {_settings(window)};\n"
            f"CREATE MATERIALIZED VIEW {table}_trace_id_ts_mv TO {table}_trace_id_ts AS SELECT TraceId,"
            f" min(Timestamp) AS Start, max(Timestamp) AS End FROM {table} WHERE TraceId != '' GROUP BY TraceId")


def metrics(kind, window=1000, table=None, generation="new", more=""):
    """`generation`: "new" (v0.160 and later), "old" (times in ns)."""
    new = generation == "new"
    time = "DateTime" if new else "DateTime64(9)"
    codec = " CODEC(Delta, ZSTD(1))"
    columns = (f"ResourceAttributes {MAP}, ResourceSchemaUrl {TEXT}, ScopeName {TEXT}, ScopeVersion {TEXT},"
               f" ScopeAttributes {MAP}, ScopeDroppedAttrCount UInt32 CODEC(ZSTD(1)), ScopeSchemaUrl {TEXT},"
               f" ServiceName {LOW}, MetricName {LOW if new else TEXT}, MetricDescription {TEXT}, MetricUnit {TEXT},"
               f" Attributes {MAP}, StartTimeUnix {time}{codec}, TimeUnix {time}{codec}, "
               + METRICS_REST[kind].replace("EXEMPLARS", EXEMPLARS % time) + more)
    order = ("toStartOfHour(TimeUnix), cityHash64(Attributes), TimeUnix" if new
             else "Attributes, toUnixTimestamp64Nano(TimeUnix)")
    return (f"CREATE TABLE {table or METRICS[kind]} ({columns}) ENGINE = MergeTree PARTITION BY toDate(TimeUnix)"
            f" ORDER BY (ServiceName, MetricName, {order}) {_settings(window)}")


def everything(window=1000, generation="new"):
    """Statements for all tables of a generation."""
    return ";\n".join([logs(window, generation=generation), traces(window)]
                      + [metrics(kind, window, generation=generation) for kind in METRICS])
