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

#include "exporters/clickhouse/row.h"
#include "shared/base/buf.h"

/* The columns of a table, in the order in which they are written. At most 64. */
struct block_column {
    const char *name; /* "Events.Name": a field of a Nested */
    const char *type; /* as the block says it */
};
const struct block_column *block_columns(enum table_kind table, size_t *count);

struct block;

/* A block of the columns in `mask` (bit n: block_columns()[n]). Returns owned; NULL: no memory. */
struct block *block_new(enum table_kind table, uint64_t mask);
void block_free(struct block **block);

/* Adds the record, which must be of the table, as a row. Nothing is borrowed after that. 0; GW_ERR_NOMEM: the block is
 * as it was. */
int block_add(struct block *block, const struct otlp_record *record,
              uint64_t received_ns) GW_MUST_CHECK;

uint32_t block_rows(const struct block *block);
/* Bytes that block_write() would append, about. */
size_t block_bytes(const struct block *block);

/* Appends the block to `out` and empties it. With no rows: appends nothing. Failure of `out` is sticky. */
void block_write(struct block *block, struct buf *out);

#endif
