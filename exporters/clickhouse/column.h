// SPDX-License-Identifier: Apache-2.0
/* One column of a block: values come row by row, and leave in the layout of ClickHouse's Native format
 * (ClickHouse documentation, "Native format"; checked against the engine by the tests).
 *
 * Every row of every column is begun with column_row() and then filled by the functions that fit its shape; a row that
 * is not filled has its type's default. Memory that runs out is a sticky failure, column_ok(). */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_COLUMN_H
#define MASQUES_EXPORTERS_CLICKHOUSE_COLUMN_H

#include "exporters/clickhouse/attributes.h"
#include "exporters/clickhouse/dictionary.h"

enum column_shape {
    COLUMN_U8,
    COLUMN_BOOL,
    COLUMN_U32,
    COLUMN_I32,
    COLUMN_U64,
    COLUMN_F64,
    COLUMN_TIME, /* DateTime64(9): ns since the epoch */
    COLUMN_STRING,
    COLUMN_LOW, /* LowCardinality(String) */
    COLUMN_MAP, /* Map(LowCardinality(String), String) */
    COLUMN_ARRAY_U64,
    COLUMN_ARRAY_F64,
    COLUMN_ARRAY_TIME,
    COLUMN_ARRAY_STRING,
    COLUMN_ARRAY_LOW,
    COLUMN_ARRAY_MAP,
    COLUMN_SHAPES,
};

/* The type as ClickHouse spells it. */
const char *column_type(enum column_shape shape);

struct column {
    enum column_shape shape;
    bool off;            /* not wanted: everything is ignored */
    bool failed;
    uint64_t rows;
    uint64_t items;      /* of all arrays */
    uint64_t entries;    /* of all maps */
    struct buf outer;    /* where the array of each row ends, in items; shape ARRAY_* */
    struct buf inner;    /* where each map ends, in entries */
    struct buf numbers;  /* words of the dictionary, uint32_t each in our byte order */
    struct buf values;   /* fixed-width values, or strings each behind its length */
    struct dictionary words;
    struct {             /* where the last row begins */
        uint64_t items, entries;
        size_t inner, numbers, values;
    } last;
    struct attributes_order order; /* of the keys of the last map */
};

/* An empty column; its buffers grow up to `max_bytes` each. */
void column_init(struct column *column, enum column_shape shape, size_t max_bytes);
void column_fini(struct column *column);
/* Empties it, keeps the memory. */
void column_clear(struct column *column);

static inline bool column_ok(const struct column *c)
{
    return c->off || !c->failed;
}

/* ---- a row ---- */

void column_row(struct column *column);
/* The row is what the last one was; instead of column_row(). Only with a last row. */
void column_repeat(struct column *column);
/* The row is complete: defaults are filled in, ends of arrays noted. */
void column_row_end(struct column *column);

/* A value of the row or, in ARRAY_*, one item more. `value` as the shape has it: an integer, or for F64 its bits. */
void column_number(struct column *column, uint64_t value);
void column_text(struct column *column, struct slice text);
/* In lower-case hex. */
void column_hex(struct column *column, struct slice bytes);
/* A map, sorted by key. `scratch` is for values that are no strings. */
void column_map(struct column *column, struct attributes *attributes, struct buf *scratch);

/* ---- the whole ---- */

/* About as many bytes as column_write() appends. */
size_t column_bytes(const struct column *column);
/* Appends the column's data: what follows name and type in a block. */
void column_write(const struct column *column, struct buf *out);

#endif
