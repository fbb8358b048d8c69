// SPDX-License-Identifier: Apache-2.0
/* The exemplars of a metric's data points: columns that follow one another, the same in all tables that have them. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_EXEMPLARS_H
#define MASQUES_EXPORTERS_CLICKHOUSE_EXEMPLARS_H

#include "exporters/clickhouse/layout.h"

enum { EXEMPLAR_ATTRIBUTES, EXEMPLAR_TIME, EXEMPLAR_VALUE, EXEMPLAR_SPAN_ID, EXEMPLAR_TRACE_ID, EXEMPLARS };

/* For the list of a table's columns; `at`: the number of the first. */
#define EXEMPLAR_COLUMNS(at)                                                                     \
    [(at) + EXEMPLAR_ATTRIBUTES] = {"Exemplars.FilteredAttributes", COLUMN_ARRAY_MAP, FROM_RECORD}, \
    [(at) + EXEMPLAR_TIME] = {"Exemplars.TimeUnix", COLUMN_ARRAY_TIME, FROM_RECORD},             \
    [(at) + EXEMPLAR_VALUE] = {"Exemplars.Value", COLUMN_ARRAY_F64, FROM_RECORD},                \
    [(at) + EXEMPLAR_SPAN_ID] = {"Exemplars.SpanId", COLUMN_ARRAY_STRING, FROM_RECORD},          \
    [(at) + EXEMPLAR_TRACE_ID] = {"Exemplars.TraceId", COLUMN_ARRAY_STRING, FROM_RECORD}

/* Fills them with field `number` of a data point, which is given as its bytes. Uses desk->attributes, which must be empty.
 * `at`: the first of the columns. */
void exemplars_fill(struct layout_desk *desk, struct slice point, uint32_t number, struct column *at);

#endif
