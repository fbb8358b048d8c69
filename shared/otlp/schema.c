// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/schema.h"

#include "shared/otlp/wire.h"

/* What every row has: field number, name, JSON name, kind, wire type. */
#define ROW(number, proto, json, k, w, ...)                                                       \
    [number] = {.kind = OTLP_##k, .wire = w, .name_len = sizeof(proto) - 1,                       \
                .key_len = sizeof(",\"" json "\":") - 1, .name = proto,                           \
                .key = ",\"" json "\":", __VA_ARGS__}
/* The same with flags, oneof and child. */
#define F(number, proto, json, k, w, f, o, c)                                                     \
    ROW(number, proto, json, k, w, .flags = f, .oneof = o, .child = c)
#define SCALAR(number, proto, json, kind, wire) F(number, proto, json, kind, wire, 0, 0, 0)
#define STRING(number, proto, json) SCALAR(number, proto, json, STRING, WIRE_BYTES)
#define FIXED64(number, proto, json) SCALAR(number, proto, json, FIXED64, WIRE_FIXED64)
#define UINT32(number, proto, json) SCALAR(number, proto, json, UINT32, WIRE_VARINT)
#define ENUM(number, proto, json, enumeration)                                                    \
    ROW(number, proto, json, ENUM, WIRE_VARINT, .names = enumeration)
#define REPEATED(number, proto, json, kind, wire)                                                 \
    F(number, proto, json, kind, wire, OTLP_REPEATED, 0, 0)
#define OPTIONAL(number, proto, json)                                                             \
    F(number, proto, json, DOUBLE, WIRE_FIXED64, OTLP_OPTIONAL, 0, 0)
#define ONEOF(number, proto, json, kind, wire)                                                    \
    F(number, proto, json, kind, wire, OTLP_OPTIONAL, 1, 0)
#define MESSAGES(number, proto, json, message)                                                    \
    F(number, proto, json, MESSAGE, WIRE_BYTES, OTLP_REPEATED, 0, message)
#define ALWAYS(number, proto, json, message)                                                      \
    F(number, proto, json, MESSAGE, WIRE_BYTES, OTLP_ALWAYS, 0, message)
#define ONEOF_MESSAGE(number, proto, json, message)                                               \
    F(number, proto, json, MESSAGE, WIRE_BYTES, OTLP_OPTIONAL, 1, message)

static const struct otlp_field logs_request_fields[] = {
    MESSAGES(1, "resource_logs", "resourceLogs", OTLP_RESOURCE_LOGS),
};
static const uint8_t logs_request_order[] = {1};

static const struct otlp_field resource_logs_fields[] = {
    ALWAYS(1, "resource", "resource", OTLP_RESOURCE),
    MESSAGES(2, "scope_logs", "scopeLogs", OTLP_SCOPE_LOGS),
    STRING(3, "schema_url", "schemaUrl"),
};
static const uint8_t resource_logs_order[] = {1, 2, 3};

static const struct otlp_field scope_logs_fields[] = {
    ALWAYS(1, "scope", "scope", OTLP_SCOPE),
    MESSAGES(2, "log_records", "logRecords", OTLP_LOG_RECORD),
    STRING(3, "schema_url", "schemaUrl"),
};
static const uint8_t scope_logs_order[] = {1, 2, 3};

static const struct otlp_field log_record_fields[] = {
    FIXED64(1, "time_unix_nano", "timeUnixNano"),
    ENUM(2, "severity_number", "severityNumber", OTLP_SEVERITY_NUMBER),
    STRING(3, "severity_text", "severityText"),
    ALWAYS(5, "body", "body", OTLP_ANY_VALUE),
    MESSAGES(6, "attributes", "attributes", OTLP_KEY_VALUE),
    UINT32(7, "dropped_attributes_count", "droppedAttributesCount"),
    SCALAR(8, "flags", "flags", FIXED32, WIRE_FIXED32),
    SCALAR(9, "trace_id", "traceId", TRACE_ID, WIRE_BYTES),
    SCALAR(10, "span_id", "spanId", SPAN_ID, WIRE_BYTES),
    FIXED64(11, "observed_time_unix_nano", "observedTimeUnixNano"),
    STRING(12, "event_name", "eventName"),
};
static const uint8_t log_record_order[] = {1, 11, 2, 3, 5, 6, 7, 8, 9, 10, 12};

static const struct otlp_field traces_request_fields[] = {
    MESSAGES(1, "resource_spans", "resourceSpans", OTLP_RESOURCE_SPANS),
};
static const uint8_t traces_request_order[] = {1};

static const struct otlp_field resource_spans_fields[] = {
    ALWAYS(1, "resource", "resource", OTLP_RESOURCE),
    MESSAGES(2, "scope_spans", "scopeSpans", OTLP_SCOPE_SPANS),
    STRING(3, "schema_url", "schemaUrl"),
};
static const uint8_t resource_spans_order[] = {1, 2, 3};

static const struct otlp_field scope_spans_fields[] = {
    ALWAYS(1, "scope", "scope", OTLP_SCOPE),
    MESSAGES(2, "spans", "spans", OTLP_SPAN),
    STRING(3, "schema_url", "schemaUrl"),
};
static const uint8_t scope_spans_order[] = {1, 2, 3};

static const struct otlp_field span_fields[] = {
    SCALAR(1, "trace_id", "traceId", TRACE_ID, WIRE_BYTES),
    SCALAR(2, "span_id", "spanId", SPAN_ID, WIRE_BYTES),
    STRING(3, "trace_state", "traceState"),
    SCALAR(4, "parent_span_id", "parentSpanId", SPAN_ID, WIRE_BYTES),
    STRING(5, "name", "name"),
    ENUM(6, "kind", "kind", OTLP_SPAN_KIND),
    FIXED64(7, "start_time_unix_nano", "startTimeUnixNano"),
    FIXED64(8, "end_time_unix_nano", "endTimeUnixNano"),
    MESSAGES(9, "attributes", "attributes", OTLP_KEY_VALUE),
    UINT32(10, "dropped_attributes_count", "droppedAttributesCount"),
    MESSAGES(11, "events", "events", OTLP_EVENT),
    UINT32(12, "dropped_events_count", "droppedEventsCount"),
    MESSAGES(13, "links", "links", OTLP_LINK),
    UINT32(14, "dropped_links_count", "droppedLinksCount"),
    ALWAYS(15, "status", "status", OTLP_STATUS),
    SCALAR(16, "flags", "flags", FIXED32, WIRE_FIXED32),
};
static const uint8_t span_order[] = {1, 2, 3, 4, 16, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static const struct otlp_field event_fields[] = {
    FIXED64(1, "time_unix_nano", "timeUnixNano"),
    STRING(2, "name", "name"),
    MESSAGES(3, "attributes", "attributes", OTLP_KEY_VALUE),
    UINT32(4, "dropped_attributes_count", "droppedAttributesCount"),
};
static const uint8_t event_order[] = {1, 2, 3, 4};

static const struct otlp_field link_fields[] = {
    SCALAR(1, "trace_id", "traceId", TRACE_ID, WIRE_BYTES),
    SCALAR(2, "span_id", "spanId", SPAN_ID, WIRE_BYTES),
    STRING(3, "trace_state", "traceState"),
    MESSAGES(4, "attributes", "attributes", OTLP_KEY_VALUE),
    UINT32(5, "dropped_attributes_count", "droppedAttributesCount"),
    SCALAR(6, "flags", "flags", FIXED32, WIRE_FIXED32),
};
static const uint8_t link_order[] = {1, 2, 3, 4, 5, 6};

static const struct otlp_field status_fields[] = {
    STRING(2, "message", "message"),
    ENUM(3, "code", "code", OTLP_STATUS_CODE),
};
static const uint8_t status_order[] = {2, 3};

static const struct otlp_field metrics_request_fields[] = {
    MESSAGES(1, "resource_metrics", "resourceMetrics", OTLP_RESOURCE_METRICS),
};
static const uint8_t metrics_request_order[] = {1};

static const struct otlp_field resource_metrics_fields[] = {
    ALWAYS(1, "resource", "resource", OTLP_RESOURCE),
    MESSAGES(2, "scope_metrics", "scopeMetrics", OTLP_SCOPE_METRICS),
    STRING(3, "schema_url", "schemaUrl"),
};
static const uint8_t resource_metrics_order[] = {1, 2, 3};

static const struct otlp_field scope_metrics_fields[] = {
    ALWAYS(1, "scope", "scope", OTLP_SCOPE),
    MESSAGES(2, "metrics", "metrics", OTLP_METRIC),
    STRING(3, "schema_url", "schemaUrl"),
};
static const uint8_t scope_metrics_order[] = {1, 2, 3};

static const struct otlp_field metric_fields[] = {
    STRING(1, "name", "name"),
    STRING(2, "description", "description"),
    STRING(3, "unit", "unit"),
    ONEOF_MESSAGE(5, "gauge", "gauge", OTLP_GAUGE),
    ONEOF_MESSAGE(7, "sum", "sum", OTLP_SUM),
    ONEOF_MESSAGE(9, "histogram", "histogram", OTLP_HISTOGRAM),
    ONEOF_MESSAGE(10, "exponential_histogram", "exponentialHistogram", OTLP_EXPONENTIAL_HISTOGRAM),
    ONEOF_MESSAGE(11, "summary", "summary", OTLP_SUMMARY),
    MESSAGES(12, "metadata", "metadata", OTLP_KEY_VALUE),
};
static const uint8_t metric_order[] = {1, 2, 3, 5, 7, 9, 10, 11, 12};

static const struct otlp_field gauge_fields[] = {
    MESSAGES(1, "data_points", "dataPoints", OTLP_NUMBER_POINT),
};
static const uint8_t gauge_order[] = {1};

static const struct otlp_field sum_fields[] = {
    MESSAGES(1, "data_points", "dataPoints", OTLP_NUMBER_POINT),
    ENUM(2, "aggregation_temporality", "aggregationTemporality", OTLP_TEMPORALITY),
    SCALAR(3, "is_monotonic", "isMonotonic", BOOL, WIRE_VARINT),
};
static const uint8_t sum_order[] = {1, 2, 3};

static const struct otlp_field histogram_fields[] = {
    MESSAGES(1, "data_points", "dataPoints", OTLP_HISTOGRAM_POINT),
    ENUM(2, "aggregation_temporality", "aggregationTemporality", OTLP_TEMPORALITY),
};
static const uint8_t histogram_order[] = {1, 2};

static const struct otlp_field exponential_histogram_fields[] = {
    MESSAGES(1, "data_points", "dataPoints", OTLP_EXPONENTIAL_HISTOGRAM_POINT),
    ENUM(2, "aggregation_temporality", "aggregationTemporality", OTLP_TEMPORALITY),
};
static const uint8_t exponential_histogram_order[] = {1, 2};

static const struct otlp_field summary_fields[] = {
    MESSAGES(1, "data_points", "dataPoints", OTLP_SUMMARY_POINT),
};
static const uint8_t summary_order[] = {1};

static const struct otlp_field number_point_fields[] = {
    FIXED64(2, "start_time_unix_nano", "startTimeUnixNano"),
    FIXED64(3, "time_unix_nano", "timeUnixNano"),
    ONEOF(4, "as_double", "asDouble", DOUBLE, WIRE_FIXED64),
    MESSAGES(5, "exemplars", "exemplars", OTLP_EXEMPLAR),
    ONEOF(6, "as_int", "asInt", SFIXED64, WIRE_FIXED64),
    MESSAGES(7, "attributes", "attributes", OTLP_KEY_VALUE),
    UINT32(8, "flags", "flags"),
};
static const uint8_t number_point_order[] = {7, 2, 3, 4, 6, 5, 8};

static const struct otlp_field histogram_point_fields[] = {
    FIXED64(2, "start_time_unix_nano", "startTimeUnixNano"),
    FIXED64(3, "time_unix_nano", "timeUnixNano"),
    FIXED64(4, "count", "count"),
    OPTIONAL(5, "sum", "sum"),
    REPEATED(6, "bucket_counts", "bucketCounts", FIXED64, WIRE_FIXED64),
    REPEATED(7, "explicit_bounds", "explicitBounds", DOUBLE, WIRE_FIXED64),
    MESSAGES(8, "exemplars", "exemplars", OTLP_EXEMPLAR),
    MESSAGES(9, "attributes", "attributes", OTLP_KEY_VALUE),
    UINT32(10, "flags", "flags"),
    OPTIONAL(11, "min", "min"),
    OPTIONAL(12, "max", "max"),
};
static const uint8_t histogram_point_order[] = {9, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12};

static const struct otlp_field exponential_histogram_point_fields[] = {
    MESSAGES(1, "attributes", "attributes", OTLP_KEY_VALUE),
    FIXED64(2, "start_time_unix_nano", "startTimeUnixNano"),
    FIXED64(3, "time_unix_nano", "timeUnixNano"),
    FIXED64(4, "count", "count"),
    OPTIONAL(5, "sum", "sum"),
    SCALAR(6, "scale", "scale", SINT32, WIRE_VARINT),
    FIXED64(7, "zero_count", "zeroCount"),
    ALWAYS(8, "positive", "positive", OTLP_BUCKETS),
    ALWAYS(9, "negative", "negative", OTLP_BUCKETS),
    UINT32(10, "flags", "flags"),
    MESSAGES(11, "exemplars", "exemplars", OTLP_EXEMPLAR),
    OPTIONAL(12, "min", "min"),
    OPTIONAL(13, "max", "max"),
    SCALAR(14, "zero_threshold", "zeroThreshold", DOUBLE, WIRE_FIXED64),
};
static const uint8_t exponential_histogram_point_order[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
                                                            13, 14};

static const struct otlp_field buckets_fields[] = {
    SCALAR(1, "offset", "offset", SINT32, WIRE_VARINT),
    REPEATED(2, "bucket_counts", "bucketCounts", UINT64, WIRE_VARINT),
};
static const uint8_t buckets_order[] = {1, 2};

static const struct otlp_field summary_point_fields[] = {
    FIXED64(2, "start_time_unix_nano", "startTimeUnixNano"),
    FIXED64(3, "time_unix_nano", "timeUnixNano"),
    FIXED64(4, "count", "count"),
    SCALAR(5, "sum", "sum", DOUBLE, WIRE_FIXED64),
    MESSAGES(6, "quantile_values", "quantileValues", OTLP_QUANTILE),
    MESSAGES(7, "attributes", "attributes", OTLP_KEY_VALUE),
    UINT32(8, "flags", "flags"),
};
static const uint8_t summary_point_order[] = {7, 2, 3, 4, 5, 6, 8};

static const struct otlp_field quantile_fields[] = {
    SCALAR(1, "quantile", "quantile", DOUBLE, WIRE_FIXED64),
    SCALAR(2, "value", "value", DOUBLE, WIRE_FIXED64),
};
static const uint8_t quantile_order[] = {1, 2};

static const struct otlp_field exemplar_fields[] = {
    FIXED64(2, "time_unix_nano", "timeUnixNano"),
    ONEOF(3, "as_double", "asDouble", DOUBLE, WIRE_FIXED64),
    SCALAR(4, "span_id", "spanId", SPAN_ID, WIRE_BYTES),
    SCALAR(5, "trace_id", "traceId", TRACE_ID, WIRE_BYTES),
    ONEOF(6, "as_int", "asInt", SFIXED64, WIRE_FIXED64),
    MESSAGES(7, "filtered_attributes", "filteredAttributes", OTLP_KEY_VALUE),
};
static const uint8_t exemplar_order[] = {7, 2, 3, 6, 5, 4};

static const struct otlp_field resource_fields[] = {
    MESSAGES(1, "attributes", "attributes", OTLP_KEY_VALUE),
    UINT32(2, "dropped_attributes_count", "droppedAttributesCount"),
    MESSAGES(3, "entity_refs", "entityRefs", OTLP_ENTITY_REF),
};
static const uint8_t resource_order[] = {1, 2, 3};

static const struct otlp_field entity_ref_fields[] = {
    STRING(1, "schema_url", "schemaUrl"),
    STRING(2, "type", "type"),
    REPEATED(3, "id_keys", "idKeys", STRING, WIRE_BYTES),
    REPEATED(4, "description_keys", "descriptionKeys", STRING, WIRE_BYTES),
};
static const uint8_t entity_ref_order[] = {1, 2, 3, 4};

static const struct otlp_field scope_fields[] = {
    STRING(1, "name", "name"),
    STRING(2, "version", "version"),
    MESSAGES(3, "attributes", "attributes", OTLP_KEY_VALUE),
    UINT32(4, "dropped_attributes_count", "droppedAttributesCount"),
};
static const uint8_t scope_order[] = {1, 2, 3, 4};

static const struct otlp_field key_value_fields[] = {
    STRING(1, "key", "key"),
    ALWAYS(2, "value", "value", OTLP_ANY_VALUE),
};
static const uint8_t key_value_order[] = {1, 2};

static const struct otlp_field any_value_fields[] = {
    ONEOF(1, "string_value", "stringValue", STRING, WIRE_BYTES),
    ONEOF(2, "bool_value", "boolValue", BOOL, WIRE_VARINT),
    ONEOF(3, "int_value", "intValue", INT64, WIRE_VARINT),
    ONEOF(4, "double_value", "doubleValue", DOUBLE, WIRE_FIXED64),
    ONEOF_MESSAGE(5, "array_value", "arrayValue", OTLP_ARRAY_VALUE),
    ONEOF_MESSAGE(6, "kvlist_value", "kvlistValue", OTLP_KEY_VALUE_LIST),
    ONEOF(7, "bytes_value", "bytesValue", BYTES, WIRE_BYTES),
};
static const uint8_t any_value_order[] = {1, 2, 3, 4, 5, 6, 7};

static const struct otlp_field array_value_fields[] = {
    MESSAGES(1, "values", "values", OTLP_ANY_VALUE),
};
static const uint8_t array_value_order[] = {1};

static const struct otlp_field key_value_list_fields[] = {
    MESSAGES(1, "values", "values", OTLP_KEY_VALUE),
};
static const uint8_t key_value_list_order[] = {1};

#define SCHEMA(text, is_record, low)                                                              \
    {.name = text, .highest = sizeof low##_fields / sizeof low##_fields[0] - 1,                   \
     .count = sizeof low##_order, .record = is_record, .fields = low##_fields, .order = low##_order}

static const struct otlp_field no_fields[1];
static const uint8_t no_order[1];

const struct otlp_schema otlp_schemas[OTLP_MESSAGES] = {
    [OTLP_NO_MESSAGE] = {.name = "", .fields = no_fields, .order = no_order},
    [OTLP_LOGS_REQUEST] = SCHEMA("ExportLogsServiceRequest", false, logs_request),
    [OTLP_RESOURCE_LOGS] = SCHEMA("ResourceLogs", false, resource_logs),
    [OTLP_SCOPE_LOGS] = SCHEMA("ScopeLogs", false, scope_logs),
    [OTLP_LOG_RECORD] = SCHEMA("LogRecord", true, log_record),
    [OTLP_TRACES_REQUEST] = SCHEMA("ExportTraceServiceRequest", false, traces_request),
    [OTLP_RESOURCE_SPANS] = SCHEMA("ResourceSpans", false, resource_spans),
    [OTLP_SCOPE_SPANS] = SCHEMA("ScopeSpans", false, scope_spans),
    [OTLP_SPAN] = SCHEMA("Span", true, span),
    [OTLP_EVENT] = SCHEMA("Span.Event", false, event),
    [OTLP_LINK] = SCHEMA("Span.Link", false, link),
    [OTLP_STATUS] = SCHEMA("Status", false, status),
    [OTLP_METRICS_REQUEST] = SCHEMA("ExportMetricsServiceRequest", false, metrics_request),
    [OTLP_RESOURCE_METRICS] = SCHEMA("ResourceMetrics", false, resource_metrics),
    [OTLP_SCOPE_METRICS] = SCHEMA("ScopeMetrics", false, scope_metrics),
    [OTLP_METRIC] = SCHEMA("Metric", false, metric),
    [OTLP_GAUGE] = SCHEMA("Gauge", false, gauge),
    [OTLP_SUM] = SCHEMA("Sum", false, sum),
    [OTLP_HISTOGRAM] = SCHEMA("Histogram", false, histogram),
    [OTLP_EXPONENTIAL_HISTOGRAM] = SCHEMA("ExponentialHistogram", false, exponential_histogram),
    [OTLP_SUMMARY] = SCHEMA("Summary", false, summary),
    [OTLP_NUMBER_POINT] = SCHEMA("NumberDataPoint", true, number_point),
    [OTLP_HISTOGRAM_POINT] = SCHEMA("HistogramDataPoint", true, histogram_point),
    [OTLP_EXPONENTIAL_HISTOGRAM_POINT] = SCHEMA("ExponentialHistogramDataPoint", true,
                                                exponential_histogram_point),
    [OTLP_BUCKETS] = SCHEMA("ExponentialHistogramDataPoint.Buckets", false, buckets),
    [OTLP_SUMMARY_POINT] = SCHEMA("SummaryDataPoint", true, summary_point),
    [OTLP_QUANTILE] = SCHEMA("SummaryDataPoint.ValueAtQuantile", false, quantile),
    [OTLP_EXEMPLAR] = SCHEMA("Exemplar", false, exemplar),
    [OTLP_RESOURCE] = SCHEMA("Resource", false, resource),
    [OTLP_ENTITY_REF] = SCHEMA("EntityRef", false, entity_ref),
    [OTLP_SCOPE] = SCHEMA("InstrumentationScope", false, scope),
    [OTLP_KEY_VALUE] = SCHEMA("KeyValue", false, key_value),
    [OTLP_ANY_VALUE] = SCHEMA("AnyValue", false, any_value),
    [OTLP_ARRAY_VALUE] = SCHEMA("ArrayValue", false, array_value),
    [OTLP_KEY_VALUE_LIST] = SCHEMA("KeyValueList", false, key_value_list),
};

enum otlp_message otlp_schema_request(enum otlp_signal signal)
{
    switch (signal) {
    case OTLP_LOGS:
        return OTLP_LOGS_REQUEST;
    case OTLP_METRICS:
        return OTLP_METRICS_REQUEST;
    case OTLP_TRACES:
        return OTLP_TRACES_REQUEST;
    }
    return OTLP_NO_MESSAGE;
}
