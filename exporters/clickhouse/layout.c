// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/layout.h"

/* Field numbers, opentelemetry/proto. */
#define RESOURCE_ATTRIBUTES 1u
#define SCOPE_NAME 1u
#define SCOPE_VERSION 2u
#define SCOPE_ATTRIBUTES 3u
#define SCOPE_DROPPED 4u
#define METRIC_NAME 1u
#define METRIC_DESCRIPTION 2u
#define METRIC_UNIT 3u
#define DATA_TEMPORALITY 2u
#define SUM_IS_MONOTONIC 3u

const struct layout *layout_of(enum table_kind table)
{
    static const struct layout *const layouts[TABLE_KINDS] = {
        [TABLE_LOGS] = &layout_logs,
        [TABLE_TRACES] = &layout_traces,
        [TABLE_GAUGE] = &layout_gauge,
        [TABLE_SUM] = &layout_sum,
        [TABLE_HISTOGRAM] = &layout_histogram,
        [TABLE_EXPONENTIAL_HISTOGRAM] = &layout_exponential_histogram,
        [TABLE_SUMMARY] = &layout_summary,
    };
    return layouts[table];
}

void layout_id(struct column *column, struct slice id)
{
    struct slice empty = {0};
    for (size_t i = 0; i < id.len; i++) {
        if (id.data[i]) {
            column_hex(column, id);
            return;
        }
    }
    column_text(column, empty);
}

void layout_map(struct layout_desk *desk, struct column *column)
{
    column_map(column, &desk->attributes, &desk->words);
    attributes_clear(&desk->attributes);
}

static void service_name(struct layout_desk *desk, struct column *column,
                         const struct otlp_record *record)
{
    struct otlp_value value;
    otlp_attribute_find(&record->resource, RESOURCE_ATTRIBUTES, "service.name", &value);
    column_value(column, &value, &desk->words);
}

static void whole_map(struct layout_desk *desk, struct column *column, const struct otlp_view *view,
                      uint32_t number)
{
    attributes_add_all(&desk->attributes, view, number);
    layout_map(desk, column);
}

void layout_fill_around(struct layout_desk *desk, struct column *column, enum layout_source source,
                        const struct otlp_record *record)
{
    switch (source) {
    case FROM_RESOURCE_ATTRIBUTES:
        whole_map(desk, column, &record->resource, RESOURCE_ATTRIBUTES);
        break;
    case FROM_RESOURCE_SCHEMA_URL:
        column_text(column, record->resource_schema_url);
        break;
    case FROM_SERVICE_NAME:
        service_name(desk, column, record);
        break;
    case FROM_SCOPE_NAME:
        column_text(column, otlp_view_bytes(&record->scope, SCOPE_NAME));
        break;
    case FROM_SCOPE_VERSION:
        column_text(column, otlp_view_bytes(&record->scope, SCOPE_VERSION));
        break;
    case FROM_SCOPE_ATTRIBUTES:
        whole_map(desk, column, &record->scope, SCOPE_ATTRIBUTES);
        break;
    case FROM_SCOPE_DROPPED:
        column_number(column, otlp_view_number(&record->scope, SCOPE_DROPPED));
        break;
    case FROM_SCOPE_SCHEMA_URL:
        column_text(column, record->scope_schema_url);
        break;
    case FROM_METRIC_NAME:
        column_text(column, otlp_view_bytes(&record->metric, METRIC_NAME));
        break;
    case FROM_METRIC_DESCRIPTION:
        column_text(column, otlp_view_bytes(&record->metric, METRIC_DESCRIPTION));
        break;
    case FROM_METRIC_UNIT:
        column_text(column, otlp_view_bytes(&record->metric, METRIC_UNIT));
        break;
    case FROM_METRIC_TEMPORALITY:
        column_number(column, otlp_view_number(&record->data, DATA_TEMPORALITY));
        break;
    case FROM_METRIC_MONOTONIC:
        column_number(column, otlp_view_number(&record->data, SUM_IS_MONOTONIC) != 0);
        break;
    case FROM_RECORD:
        break;
    }
}
