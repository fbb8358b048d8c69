// SPDX-License-Identifier: Apache-2.0
/* One record of OTLP as a row: which table it belongs to and which time it has. Pure: the protobuf bytes and the
 * stored receive time decide, no clock, locale, setting or answer of a server, so that every attempt at a delivery
 * sees the same rows (exporters/clickhouse/plan.h). */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_ROW_H
#define MASQUES_EXPORTERS_CLICKHOUSE_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "shared/otlp/value.h"

/* The tables of the Collector's ClickHouse exporter. */
enum table_kind {
    TABLE_LOGS,
    TABLE_TRACES,
    TABLE_GAUGE,
    TABLE_SUM,
    TABLE_HISTOGRAM,
    TABLE_EXPONENTIAL_HISTOGRAM,
    TABLE_SUMMARY,
    TABLE_KINDS,
};

/* What ClickHouse's DateTime can hold, in Unix seconds: 1970-01-01 to 2106-02-07 06:28:15. Beyond it, partitions by
 * toDate() wrap around. */
#define ROW_SECONDS_MAX UINT32_MAX
#define ROW_TIME_MAX_NS ((uint64_t)ROW_SECONDS_MAX * UINT64_C(1000000000))

enum table_kind row_table(const struct otlp_record *record);

/* Time in ns since the epoch, clamped to what DateTime holds: log record: time_unix_nano, or observed_time_unix_nano;
 * span: start_time_unix_nano; data point: time_unix_nano. Where that is 0: `received_ns`. */
uint64_t row_time_ns(const struct otlp_record *record, uint64_t received_ns);

/* The same for a record of which it is known what time it says. */
static inline uint64_t row_time_of(uint64_t said_ns, uint64_t received_ns)
{
    uint64_t ns = said_ns ? said_ns : received_ns;
    return ns < ROW_TIME_MAX_NS ? ns : ROW_TIME_MAX_NS;
}

/* Bytes on the wire of all that goes into the row: the record, and its resource and scope, which every row repeats. (Of
 * those in pieces, the record alone.) */
size_t row_bytes(const struct otlp_record *record);

/* The UTC day of a time, since the epoch: the partition. */
static inline uint32_t row_day(uint64_t time_ns)
{
    return (uint32_t)(time_ns / UINT64_C(86400000000000));
}

#endif
