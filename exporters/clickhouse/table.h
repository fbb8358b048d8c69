// SPDX-License-Identifier: Apache-2.0
/* What a server says of a table, read from its answers in TabSeparated. Pure. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_TABLE_H
#define MASQUES_EXPORTERS_CLICKHOUSE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "exporters/clickhouse/row.h"
#include "shared/base/buf.h"

struct table {
    uint64_t mask;  /* bit n: column n (exporters/clickhouse/block.h) can be written */
    bool dedup;     /* it remembers tokens */
    uint64_t place; /* where it does: the same for replicas of one table. Not 0 */
};

/* Appends the statement whose answer table_read_columns() reads; `name` is quoted as SQL wants it. */
void table_ask_columns(const char *name, struct buf *out);
/* Which of our columns the table has. Columns that the server fills itself are not written; of a Nested, all fields or
 * none: the server refuses some of them (SIZES_OF_ARRAYS_DONT_MATCH). */
uint64_t table_read_columns(enum table_kind kind, struct slice answer);
/* Appends a block with every column of that answer that can be written, and no row: for asking the server whether it is
 * the columns that it does not take, or rows. */
void table_empty_block(enum table_kind kind, uint64_t mask, struct slice answer, struct buf *out);

/* Appends the statement whose answer table_read_engine() reads; the names are as they are. Not `all`: only what every
 * user may ask who may write to the table, with the server's defaults in the place of the rest. */
void table_ask_engine(const char *database, const char *table, bool all, struct buf *out);
/* Whether the table keeps tokens, and where, on the server `host` (its id). An answer that tells nothing: it does not. */
void table_read_engine(struct slice answer, uint64_t host, struct table *table);

/* Appends the names of our columns that are not in `mask`, with commas between them. */
void table_name_missing(enum table_kind kind, uint64_t mask, struct buf *out);

#endif
