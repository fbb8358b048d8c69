// SPDX-License-Identifier: Apache-2.0
/* Rows of one table as a block of ClickHouse's Native format (columns, one behind the other), built straight from the
 * wire bytes of OTLP. A block may be used again after it was written, and keeps its memory.
 *
 * The columns, their types and what they are filled from: docs/clickhouse.md; the layout: ClickHouse's documentation,
 * "Native format". LowCardinality(String) and the keys of maps are dictionaries of the block; maps are sorted by key,
 * values are in words (otlp_value_text()). */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_BLOCK_H
#define MASQUES_EXPORTERS_CLICKHOUSE_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "exporters/clickhouse/column.h"
#include "exporters/clickhouse/row.h"
#include "shared/base/buf.h"

/* The columns of a table, in the order in which they are written: their number (at most 64), names ("Events.Name": a
 * field of a Nested) and types, as the block spells them. */
size_t block_column_count(enum table_kind table);
const char *block_column_name(enum table_kind table, size_t column);
const char *block_column_type(enum table_kind table, size_t column);

/* Of one column. A request has 64 MiB, unless it is set otherwise, and a block ends soon after a record of that size. */
#define BLOCK_COLUMN_MAX_BYTES ((size_t)256 << 20)
/* Numbers of arrays and ends of lists and maps are 8 bytes each (column_init()). */
#define BLOCK_ITEMS_MAX (BLOCK_COLUMN_MAX_BYTES / COLUMN_FIXED_FRACTION / 8)

struct block;

/* A block of the columns in `mask` (bit n: column n of the table). Returns owned; NULL: no memory. */
struct block *block_new(enum table_kind table, uint64_t mask);
void block_free(struct block **block);

/* The records that follow are of another batch than those before: must be said, since blocks remember what stands
 * around a record by its address. */
void block_new_batch(struct block *block);

/* Adds the record, which must be of the table, as a row. Its batch is borrowed until block_new_batch() or
 * block_write(). 0; GW_ERR_TOO_LARGE: the rows are too much for a block; GW_ERR_NOMEM. On an error the block is
 * of no use any more until block_clear(). */
int block_add(struct block *block, const struct otlp_record *record,
              uint64_t received_ns) GW_MUST_CHECK;

uint32_t block_rows(const struct block *block);
/* Bytes that block_write() would append, about. */
size_t block_bytes(const struct block *block);

/* Empties it, keeps the memory. */
void block_clear(struct block *block);

/* Appends the block to `out` and empties it. With no rows: appends nothing. 0; GW_ERR_TOO_LARGE; GW_ERR_NOMEM. */
int block_write(struct block *block, struct buf *out) GW_MUST_CHECK;

#endif
