// SPDX-License-Identifier: Apache-2.0
/* What the tables consist of, as facts: columns, codecs, indexes, orders. exporters/clickhouse/ddl.h makes statements
 * of them. From the collector's clickhouseexporter v0.162. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_DDL_TABLES_H
#define MASQUES_EXPORTERS_CLICKHOUSE_DDL_TABLES_H

#include <stddef.h>

#include "exporters/clickhouse/row.h"

struct ddl_column {
    const char *name; /* without quotes */
    const char *type;
    const char *codec; /* NULL: none */
    const char *materialized; /* the expression that it is filled from; NULL: it is written by us */
};

struct ddl_index {
    const char *name;
    const char *expression;
    const char *type; /* with its granularity */
    const char *text; /* its type on servers that have text indexes; NULL: the same */
};

/* Columns that stand one behind the other. */
struct ddl_columns {
    const struct ddl_column *items;
    size_t count;
};

#define DDL_COLUMNS_PIECES 2u

struct ddl_table_parts {
    struct ddl_columns columns[DDL_COLUMNS_PIECES];
    const struct ddl_index *indexes;
    size_t index_count;
    const char *day;     /* PARTITION BY toDate() of it */
    const char *primary; /* NULL: as the order */
    const char *order;
    const char *age; /* the time that a ttl counts from */
};

const struct ddl_table_parts *ddl_tables_parts(enum table_kind table);

/* Logs with the column TimestampTime, in the order that versions before v0.151 gave them. */
const struct ddl_table_parts *ddl_tables_old_logs(void);

/* The times of each trace: <traces>_trace_id_ts. */
const struct ddl_table_parts *ddl_tables_trace_times(void);

#endif
