// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/row.h"

/* Field numbers, opentelemetry/proto. */
#define LOG_TIME 1u
#define LOG_OBSERVED_TIME 11u
#define SPAN_START_TIME 7u
#define POINT_TIME 3u /* of all kinds of data points */

enum table_kind row_table(const struct otlp_record *record)
{
    switch (record->record_message) {
    case OTLP_LOG_RECORD:
        return TABLE_LOGS;
    case OTLP_SPAN:
        return TABLE_TRACES;
    case OTLP_HISTOGRAM_POINT:
        return TABLE_HISTOGRAM;
    case OTLP_EXPONENTIAL_HISTOGRAM_POINT:
        return TABLE_EXPONENTIAL_HISTOGRAM;
    case OTLP_SUMMARY_POINT:
        return TABLE_SUMMARY;
    default:
        return record->data_message == OTLP_SUM ? TABLE_SUM : TABLE_GAUGE;
    }
}

static uint64_t said_time(const struct otlp_record *record)
{
    uint64_t ns;
    switch (record->record_message) {
    case OTLP_LOG_RECORD:
        ns = otlp_view_number(&record->record, LOG_TIME);
        return ns ? ns : otlp_view_number(&record->record, LOG_OBSERVED_TIME);
    case OTLP_SPAN:
        return otlp_view_number(&record->record, SPAN_START_TIME);
    default:
        return otlp_view_number(&record->record, POINT_TIME);
    }
}

uint64_t row_time_ns(const struct otlp_record *record, uint64_t received_ns)
{
    return row_time_of(said_time(record), received_ns);
}

size_t row_bytes(const struct otlp_record *record)
{
    size_t bytes = record->bytes.len;
    bytes += record->resource.levels ? 0 : record->resource.holder.len;
    return bytes + (record->scope.levels ? 0 : record->scope.holder.len);
}
