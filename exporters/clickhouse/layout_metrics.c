// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/exemplars.h"
#include "exporters/clickhouse/layout.h"

/* All five tables begin with the same columns, and number points have one layout less two columns in the gauge's. */
enum {
    RESOURCE_ATTRIBUTES,
    RESOURCE_SCHEMA_URL,
    SCOPE_NAME,
    SCOPE_VERSION,
    SCOPE_ATTRIBUTES,
    SCOPE_DROPPED,
    SCOPE_SCHEMA_URL,
    SERVICE_NAME,
    METRIC_NAME,
    METRIC_DESCRIPTION,
    METRIC_UNIT,
    ATTRIBUTES,
    START_TIME,
    TIME,
    FLAGS,
    HEAD, /* how many these are */
};

/* Of gauges and sums. */
enum {
    NUMBER_VALUE = HEAD,
    NUMBER_EXEMPLARS,
    SUM_TEMPORALITY = NUMBER_EXEMPLARS + EXEMPLARS,
    SUM_IS_MONOTONIC,
};

/* Of histograms of both kinds, exponential ones and summaries. */
enum {
    COUNT = HEAD,
    SUM,
    SUMMARY_QUANTILE,
    SUMMARY_VALUE,
    MIN = SUMMARY_QUANTILE,
    MAX,
    DISTRIBUTION_TEMPORALITY,
    DISTRIBUTION_EXEMPLARS,
    BUCKET_COUNTS = DISTRIBUTION_EXEMPLARS + EXEMPLARS,
    EXPLICIT_BOUNDS,
    SCALE = BUCKET_COUNTS,
    ZERO_COUNT,
    POSITIVE_OFFSET,
    POSITIVE_BUCKET_COUNTS,
    NEGATIVE_OFFSET,
    NEGATIVE_BUCKET_COUNTS,
};

#define HEAD_COLUMNS                                                                             \
    [RESOURCE_ATTRIBUTES] = {"ResourceAttributes", COLUMN_MAP, FROM_RESOURCE_ATTRIBUTES},        \
    [RESOURCE_SCHEMA_URL] = {"ResourceSchemaUrl", COLUMN_STRING, FROM_RESOURCE_SCHEMA_URL},      \
    [SCOPE_NAME] = {"ScopeName", COLUMN_STRING, FROM_SCOPE_NAME},                                \
    [SCOPE_VERSION] = {"ScopeVersion", COLUMN_STRING, FROM_SCOPE_VERSION},                       \
    [SCOPE_ATTRIBUTES] = {"ScopeAttributes", COLUMN_MAP, FROM_SCOPE_ATTRIBUTES},                 \
    [SCOPE_DROPPED] = {"ScopeDroppedAttrCount", COLUMN_U32, FROM_SCOPE_DROPPED},                 \
    [SCOPE_SCHEMA_URL] = {"ScopeSchemaUrl", COLUMN_STRING, FROM_SCOPE_SCHEMA_URL},               \
    [SERVICE_NAME] = {"ServiceName", COLUMN_LOW, FROM_SERVICE_NAME},                             \
    [METRIC_NAME] = {"MetricName", COLUMN_LOW, FROM_METRIC_NAME},                                \
    [METRIC_DESCRIPTION] = {"MetricDescription", COLUMN_STRING, FROM_METRIC_DESCRIPTION},        \
    [METRIC_UNIT] = {"MetricUnit", COLUMN_STRING, FROM_METRIC_UNIT},                             \
    [ATTRIBUTES] = {"Attributes", COLUMN_MAP, FROM_RECORD},                                      \
    [START_TIME] = {"StartTimeUnix", COLUMN_TIME, FROM_RECORD},                                  \
    [TIME] = {"TimeUnix", COLUMN_TIME, FROM_RECORD},                                             \
    [FLAGS] = {"Flags", COLUMN_U32, FROM_RECORD}

#define DISTRIBUTION_COLUMNS                                                                     \
    [COUNT] = {"Count", COLUMN_U64, FROM_RECORD},                                                \
    [SUM] = {"Sum", COLUMN_F64, FROM_RECORD},                                                    \
    [MIN] = {"Min", COLUMN_F64, FROM_RECORD},                                                    \
    [MAX] = {"Max", COLUMN_F64, FROM_RECORD},                                                    \
    [DISTRIBUTION_TEMPORALITY] = {"AggregationTemporality", COLUMN_I32, FROM_METRIC_TEMPORALITY}, \
    EXEMPLAR_COLUMNS(DISTRIBUTION_EXEMPLARS)

static const struct layout_column gauge_columns[] = {
    HEAD_COLUMNS,
    [NUMBER_VALUE] = {"Value", COLUMN_F64, FROM_RECORD},
    EXEMPLAR_COLUMNS(NUMBER_EXEMPLARS),
};

static const struct layout_column sum_columns[] = {
    HEAD_COLUMNS,
    [NUMBER_VALUE] = {"Value", COLUMN_F64, FROM_RECORD},
    EXEMPLAR_COLUMNS(NUMBER_EXEMPLARS),
    [SUM_TEMPORALITY] = {"AggregationTemporality", COLUMN_I32, FROM_METRIC_TEMPORALITY},
    [SUM_IS_MONOTONIC] = {"IsMonotonic", COLUMN_BOOL, FROM_METRIC_MONOTONIC},
};

static const struct layout_column histogram_columns[] = {
    HEAD_COLUMNS,
    DISTRIBUTION_COLUMNS,
    [BUCKET_COUNTS] = {"BucketCounts", COLUMN_ARRAY_U64, FROM_RECORD},
    [EXPLICIT_BOUNDS] = {"ExplicitBounds", COLUMN_ARRAY_F64, FROM_RECORD},
};

static const struct layout_column exponential_histogram_columns[] = {
    HEAD_COLUMNS,
    DISTRIBUTION_COLUMNS,
    [SCALE] = {"Scale", COLUMN_I32, FROM_RECORD},
    [ZERO_COUNT] = {"ZeroCount", COLUMN_U64, FROM_RECORD},
    [POSITIVE_OFFSET] = {"PositiveOffset", COLUMN_I32, FROM_RECORD},
    [POSITIVE_BUCKET_COUNTS] = {"PositiveBucketCounts", COLUMN_ARRAY_U64, FROM_RECORD},
    [NEGATIVE_OFFSET] = {"NegativeOffset", COLUMN_I32, FROM_RECORD},
    [NEGATIVE_BUCKET_COUNTS] = {"NegativeBucketCounts", COLUMN_ARRAY_U64, FROM_RECORD},
};

static const struct layout_column summary_columns[] = {
    HEAD_COLUMNS,
    [COUNT] = {"Count", COLUMN_U64, FROM_RECORD},
    [SUM] = {"Sum", COLUMN_F64, FROM_RECORD},
    [SUMMARY_QUANTILE] = {"ValueAtQuantiles.Quantile", COLUMN_ARRAY_F64, FROM_RECORD},
    [SUMMARY_VALUE] = {"ValueAtQuantiles.Value", COLUMN_ARRAY_F64, FROM_RECORD},
};

/* Of data points, opentelemetry/proto/metrics/v1. What is not said here is not the same in all of them. */
enum { POINT_START_TIME = 2, POINT_TIME = 3, POINT_COUNT = 4, POINT_SUM = 5 };
enum { NUMBER_AS_DOUBLE = 4, NUMBER_POINT_EXEMPLARS = 5, NUMBER_AS_INT = 6, NUMBER_ATTRIBUTES = 7, NUMBER_FLAGS = 8 };
enum {
    HISTOGRAM_BUCKET_COUNTS = 6,
    HISTOGRAM_BOUNDS = 7,
    HISTOGRAM_EXEMPLARS = 8,
    HISTOGRAM_ATTRIBUTES = 9,
    HISTOGRAM_FLAGS = 10,
    HISTOGRAM_MIN = 11,
    HISTOGRAM_MAX = 12,
};
enum {
    EXPONENTIAL_ATTRIBUTES = 1,
    EXPONENTIAL_SCALE = 6,
    EXPONENTIAL_ZERO_COUNT = 7,
    EXPONENTIAL_POSITIVE = 8,
    EXPONENTIAL_NEGATIVE = 9,
    EXPONENTIAL_FLAGS = 10,
    EXPONENTIAL_EXEMPLARS = 11,
    EXPONENTIAL_MIN = 12,
    EXPONENTIAL_MAX = 13,
};
enum { BUCKETS_OFFSET = 1, BUCKETS_COUNTS = 2 };
enum { SUMMARY_QUANTILES = 6, SUMMARY_ATTRIBUTES = 7, SUMMARY_FLAGS = 8 };
enum { QUANTILE_QUANTILE = 1, QUANTILE_VALUE = 2 };
/* A sint32 from its zigzag. */
static uint32_t zigzag(uint64_t value)
{
    uint32_t v = (uint32_t)value;
    return v >> 1 ^ (0u - (v & 1));
}

/* The numbers of a repeated field: one of them, or packed ones. `type` is the wire type of one. */
static void add_numbers(struct column *c, const struct wire_field *f, enum wire_type type)
{
    struct wire w = wire_of(f->bytes);
    struct wire_field one;
    if (f->type != WIRE_BYTES) {
        column_number(c, f->value);
        return;
    }
    while (wire_left(&w) && wire_value(&w, type, &one) == GW_OK)
        column_number(c, one.value);
}

/* ---- points ---- */

/* What all kinds of points have in common, under their own numbers. */
struct point {
    uint64_t start, time, flags;
    bool exemplars;
};

static void fill_head(struct layout_desk *desk, const struct point *point, uint64_t received_ns)
{
    struct column *c = desk->columns;
    layout_map(desk, &c[ATTRIBUTES]);
    column_number(&c[START_TIME], layout_time(point->start));
    column_number(&c[TIME], row_time_of(point->time, received_ns));
    column_number(&c[FLAGS], point->flags);
}

static void fill_number(struct layout_desk *desk, const struct otlp_record *record,
                        uint64_t received_ns)
{
    uint64_t value = 0;
    struct point point = {0};
    struct wire_field f;
    struct wire w = wire_of(record->bytes);
    while (wire_next(&w, &f) == 1) {
        switch (f.number) {
        case POINT_START_TIME:
            point.start = f.value;
            break;
        case POINT_TIME:
            point.time = f.value;
            break;
        case NUMBER_AS_DOUBLE:
            value = f.value;
            break;
        case NUMBER_AS_INT:
            value = layout_number(f.value);
            break;
        case NUMBER_ATTRIBUTES:
            attributes_add(&desk->attributes, f.bytes);
            attributes_add_run(&desk->attributes, &w, NUMBER_ATTRIBUTES);
            break;
        case NUMBER_FLAGS:
            point.flags = f.value;
            break;
        case NUMBER_POINT_EXEMPLARS:
            point.exemplars = true;
            break;
        default:
            break;
        }
    }
    fill_head(desk, &point, received_ns);
    column_number(&desk->columns[NUMBER_VALUE], value);
    if (point.exemplars)
        exemplars_fill(desk, record->bytes, NUMBER_POINT_EXEMPLARS,
                       &desk->columns[NUMBER_EXEMPLARS]);
}

static void fill_histogram(struct layout_desk *desk, const struct otlp_record *record,
                           uint64_t received_ns)
{
    struct column *c = desk->columns;
    uint64_t count = 0, sum = 0, min = 0, max = 0;
    struct point point = {0};
    struct wire_field f;
    struct wire w = wire_of(record->bytes);
    while (wire_next(&w, &f) == 1) {
        switch (f.number) {
        case POINT_START_TIME:
            point.start = f.value;
            break;
        case POINT_TIME:
            point.time = f.value;
            break;
        case POINT_COUNT:
            count = f.value;
            break;
        case POINT_SUM:
            sum = f.value;
            break;
        case HISTOGRAM_BUCKET_COUNTS:
            add_numbers(&c[BUCKET_COUNTS], &f, WIRE_FIXED64);
            break;
        case HISTOGRAM_BOUNDS:
            add_numbers(&c[EXPLICIT_BOUNDS], &f, WIRE_FIXED64);
            break;
        case HISTOGRAM_ATTRIBUTES:
            attributes_add(&desk->attributes, f.bytes);
            attributes_add_run(&desk->attributes, &w, HISTOGRAM_ATTRIBUTES);
            break;
        case HISTOGRAM_FLAGS:
            point.flags = f.value;
            break;
        case HISTOGRAM_MIN:
            min = f.value;
            break;
        case HISTOGRAM_MAX:
            max = f.value;
            break;
        case HISTOGRAM_EXEMPLARS:
            point.exemplars = true;
            break;
        default:
            break;
        }
    }
    fill_head(desk, &point, received_ns);
    column_number(&c[COUNT], count);
    column_number(&c[SUM], sum);
    column_number(&c[MIN], min);
    column_number(&c[MAX], max);
    if (point.exemplars)
        exemplars_fill(desk, record->bytes, HISTOGRAM_EXEMPLARS, &c[DISTRIBUTION_EXEMPLARS]);
}

static void fill_buckets(const struct otlp_view *point, uint32_t number, struct column *offset,
                         struct column *counts)
{
    struct otlp_view buckets;
    struct wire_field f;
    uint64_t first = 0;
    otlp_view_child(point, OTLP_EXPONENTIAL_HISTOGRAM_POINT, number, &buckets);
    struct otlp_cursor cursor = otlp_cursor_of(&buckets);
    while (otlp_cursor_next(&cursor, &f) == 1) {
        if (f.number == BUCKETS_OFFSET)
            first = f.value;
        else if (f.number == BUCKETS_COUNTS)
            add_numbers(counts, &f, WIRE_VARINT);
    }
    column_number(offset, zigzag(first));
}

static void fill_exponential_histogram(struct layout_desk *desk, const struct otlp_record *record,
                                       uint64_t received_ns)
{
    struct column *c = desk->columns;
    uint64_t count = 0, sum = 0, min = 0, max = 0, scale = 0, zero_count = 0;
    struct point point = {0};
    struct wire_field f;
    struct wire w = wire_of(record->bytes);
    while (wire_next(&w, &f) == 1) {
        switch (f.number) {
        case EXPONENTIAL_ATTRIBUTES:
            attributes_add(&desk->attributes, f.bytes);
            attributes_add_run(&desk->attributes, &w, EXPONENTIAL_ATTRIBUTES);
            break;
        case POINT_START_TIME:
            point.start = f.value;
            break;
        case POINT_TIME:
            point.time = f.value;
            break;
        case POINT_COUNT:
            count = f.value;
            break;
        case POINT_SUM:
            sum = f.value;
            break;
        case EXPONENTIAL_SCALE:
            scale = f.value;
            break;
        case EXPONENTIAL_ZERO_COUNT:
            zero_count = f.value;
            break;
        case EXPONENTIAL_FLAGS:
            point.flags = f.value;
            break;
        case EXPONENTIAL_MIN:
            min = f.value;
            break;
        case EXPONENTIAL_MAX:
            max = f.value;
            break;
        case EXPONENTIAL_EXEMPLARS:
            point.exemplars = true;
            break;
        default:
            break;
        }
    }
    fill_head(desk, &point, received_ns);
    column_number(&c[COUNT], count);
    column_number(&c[SUM], sum);
    column_number(&c[MIN], min);
    column_number(&c[MAX], max);
    column_number(&c[SCALE], zigzag(scale));
    column_number(&c[ZERO_COUNT], zero_count);
    fill_buckets(&record->record, EXPONENTIAL_POSITIVE, &c[POSITIVE_OFFSET],
                 &c[POSITIVE_BUCKET_COUNTS]);
    fill_buckets(&record->record, EXPONENTIAL_NEGATIVE, &c[NEGATIVE_OFFSET],
                 &c[NEGATIVE_BUCKET_COUNTS]);
    if (point.exemplars)
        exemplars_fill(desk, record->bytes, EXPONENTIAL_EXEMPLARS, &c[DISTRIBUTION_EXEMPLARS]);
}

static void fill_quantile(struct column *c, struct slice bytes)
{
    struct otlp_view view = otlp_view_of(bytes);
    column_number(&c[SUMMARY_QUANTILE], otlp_view_number(&view, QUANTILE_QUANTILE));
    column_number(&c[SUMMARY_VALUE], otlp_view_number(&view, QUANTILE_VALUE));
}

static void fill_summary(struct layout_desk *desk, const struct otlp_record *record,
                         uint64_t received_ns)
{
    struct column *c = desk->columns;
    uint64_t count = 0, sum = 0;
    struct point point = {0};
    struct wire_field f;
    struct wire w = wire_of(record->bytes);
    while (wire_next(&w, &f) == 1) {
        switch (f.number) {
        case POINT_START_TIME:
            point.start = f.value;
            break;
        case POINT_TIME:
            point.time = f.value;
            break;
        case POINT_COUNT:
            count = f.value;
            break;
        case POINT_SUM:
            sum = f.value;
            break;
        case SUMMARY_QUANTILES:
            fill_quantile(c, f.bytes);
            break;
        case SUMMARY_ATTRIBUTES:
            attributes_add(&desk->attributes, f.bytes);
            attributes_add_run(&desk->attributes, &w, SUMMARY_ATTRIBUTES);
            break;
        case SUMMARY_FLAGS:
            point.flags = f.value;
            break;
        default:
            break;
        }
    }
    fill_head(desk, &point, received_ns);
    column_number(&c[COUNT], count);
    column_number(&c[SUM], sum);
}

#define LAYOUT(columns, fill) {columns, sizeof columns / sizeof columns[0], fill}

const struct layout layout_gauge = LAYOUT(gauge_columns, fill_number);
const struct layout layout_sum = LAYOUT(sum_columns, fill_number);
const struct layout layout_histogram = LAYOUT(histogram_columns, fill_histogram);
const struct layout layout_exponential_histogram =
    LAYOUT(exponential_histogram_columns, fill_exponential_histogram);
const struct layout layout_summary = LAYOUT(summary_columns, fill_summary);
