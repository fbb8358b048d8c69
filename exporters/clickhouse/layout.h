// SPDX-License-Identifier: Apache-2.0
/* The columns of each table, and how a record fills them; layout_logs.c, layout_traces.c and layout_metrics.c have the
 * tables of their signal. Names and contents are those of the Collector's ClickHouse exporter (docs/clickhouse.md). */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_LAYOUT_H
#define MASQUES_EXPORTERS_CLICKHOUSE_LAYOUT_H

#include <string.h>

#include "exporters/clickhouse/column.h"
#include "exporters/clickhouse/row.h"

/* What a column is filled from. The order is how often it changes: what stands around the record first. */
enum layout_source {
    FROM_RESOURCE_ATTRIBUTES,
    FROM_RESOURCE_SCHEMA_URL,
    FROM_SERVICE_NAME,
    FROM_SCOPE_NAME,
    FROM_SCOPE_VERSION,
    FROM_SCOPE_ATTRIBUTES,
    FROM_SCOPE_DROPPED,
    FROM_SCOPE_SCHEMA_URL,
    FROM_METRIC_NAME,
    FROM_METRIC_DESCRIPTION,
    FROM_METRIC_UNIT,
    FROM_METRIC_TEMPORALITY,
    FROM_METRIC_MONOTONIC,
    FROM_RECORD,
};

struct layout_column {
    const char *name;
    enum column_shape shape;
    enum layout_source source;
};

/* What is needed while rows are filled. */
struct layout_desk {
    struct column *columns; /* of the table, in the layout's order */
    struct attributes attributes;
    struct words words;
};

/* Fills the columns FROM_RECORD of one row; their arrays are ended by the caller. */
typedef void (*layout_fill_fn)(struct layout_desk *desk, const struct otlp_record *record,
                               uint64_t received_ns);

struct layout {
    const struct layout_column *columns;
    size_t count;
    layout_fill_fn fill;
};

extern const struct layout layout_logs;
extern const struct layout layout_traces;
extern const struct layout layout_gauge;
extern const struct layout layout_sum;
extern const struct layout layout_histogram;
extern const struct layout layout_exponential_histogram;
extern const struct layout layout_summary;

const struct layout *layout_of(enum table_kind table);

/* Fills a column of one row that is not FROM_RECORD. */
void layout_fill_around(struct layout_desk *desk, struct column *column, enum layout_source source,
                        const struct otlp_record *record);

/* A time of OTLP as a column can hold it. */
static inline uint64_t layout_time(uint64_t ns)
{
    return ns < ROW_TIME_MAX_NS ? ns : ROW_TIME_MAX_NS;
}

/* An sfixed64 as the tables have every number, the bits of a Float64: above 2^53 the last digits are lost. */
static inline uint64_t layout_number(uint64_t value)
{
    double number = (double)(int64_t)value;
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

/* An id in hex; one that is all zero or absent is "". */
void layout_id(struct column *column, struct slice id);
/* The attributes gathered in desk->attributes as a map; they are forgotten. */
void layout_map(struct layout_desk *desk, struct column *column);

#endif
