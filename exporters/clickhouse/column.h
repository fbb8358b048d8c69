// SPDX-License-Identifier: Apache-2.0
/* One column of a block: values come row by row, and leave in the layout of ClickHouse's Native format
 * (ClickHouse documentation, "Native format"; checked against the engine by the tests).
 *
 * A row gets one value by the function that fits the column's shape; in ARRAY_*, any number of items and then
 * column_end_array(). What goes wrong is noted where the columns of a block share it: GW_ERR_NOMEM, or GW_ERR_TOO_LARGE
 * for more than a column may take. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_COLUMN_H
#define MASQUES_EXPORTERS_CLICKHOUSE_COLUMN_H

#include "exporters/clickhouse/attributes.h"
#include "exporters/clickhouse/dictionary.h"
#include "exporters/clickhouse/words.h"

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
/* ARRAY_*? */
bool column_is_array(enum column_shape shape);

#define COLUMN_FIXED_FRACTION 8u

struct column {
    enum column_shape shape;
    bool off;         /* not wanted: everything is ignored */
    int *fault;       /* borrowed: GW_OK, or the first error */
    uint64_t items;   /* of all arrays */
    uint64_t entries; /* of all maps */
    struct buf outer;   /* where the array of each row ends, in items; shape ARRAY_* */
    struct buf inner;   /* where each map ends, in entries */
    struct buf numbers; /* words of the dictionary, uint32_t each in our byte order */
    struct buf values;  /* fixed-width values, or strings each behind its length */
    struct dictionary words;
    struct key_orders orders; /* of the maps' keys, in `words` */
    struct {                  /* where the row begins that column_repeat() repeats */
        uint64_t entries;
        size_t inner, numbers, values;
    } mark;
};

/* An empty column. Texts grow up to `max_bytes`, what is of a fixed width (numbers in arrays, ends of arrays and maps,
 * keys of maps) up to a fraction of it: a few bytes of OTLP can be many items. */
void column_init(struct column *column, enum column_shape shape, size_t max_bytes, int *fault);
void column_fini(struct column *column);
/* Empties it; keeps the memory, if it is not very much. */
void column_clear(struct column *column);

/* ---- a row ---- */

/* As the shape has it: an integer, or for F64 its bits. */
void column_number(struct column *column, uint64_t value);
void column_text(struct column *column, struct slice text);
/* In lower-case hex. */
void column_hex(struct column *column, struct slice bytes);
/* A value in words. */
void column_value(struct column *column, const struct otlp_value *value, struct words *words);
/* A map, sorted by key. */
void column_map(struct column *column, const struct attributes *attributes, struct words *words);

void column_end_array(struct column *column);

/* The row that follows may be repeated. */
void column_mark(struct column *column);
/* `count` rows more as the marked one, which must be complete and the last. Not for ARRAY_*. */
void column_repeat(struct column *column, uint64_t count);
/* About as many bytes as the marked row has in column_write(). */
size_t column_marked_bytes(const struct column *column);

/* ---- the whole ---- */

/* About as many bytes as column_write() appends. */
size_t column_bytes(const struct column *column);
/* Appends the column's data: what follows name and type in a block. */
void column_write(const struct column *column, struct buf *out);

#endif
