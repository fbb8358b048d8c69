// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/block.h"

#include <stdlib.h>

#include "exporters/clickhouse/layout.h"
#include "exporters/clickhouse/native.h"

#define COLUMN_MAX_BYTES ((size_t)1 << 30) /* a record has 64 MiB at most, and a block ends soon after one */

struct block {
    const struct layout *layout;
    struct layout_desk desk;
    uint32_t rows;
    bool failed;
    struct { /* of the last row */
        bool known;
        uint32_t resource, scope, metric;
    } around;
    struct column columns[];
};

size_t block_column_count(enum table_kind table)
{
    return layout_of(table)->count;
}

const char *block_column_name(enum table_kind table, size_t column)
{
    return layout_of(table)->columns[column].name;
}

const char *block_column_type(enum table_kind table, size_t column)
{
    return column_type(layout_of(table)->columns[column].shape);
}

struct block *block_new(enum table_kind table, uint64_t mask)
{
    const struct layout *layout = layout_of(table);
    struct block *b = calloc(1, sizeof *b + layout->count * sizeof b->columns[0]);
    if (!b)
        return NULL;
    b->layout = layout;
    b->desk.columns = b->columns;
    b->desk.scratch = buf_make(COLUMN_MAX_BYTES);
    for (size_t i = 0; i < layout->count; i++) {
        column_init(&b->columns[i], layout->columns[i].shape, COLUMN_MAX_BYTES);
        b->columns[i].off = !(mask >> i & 1);
    }
    return b;
}

void block_free(struct block **block)
{
    struct block *b = *block;
    if (!b)
        return;
    for (size_t i = 0; i < b->layout->count; i++)
        column_fini(&b->columns[i]);
    attributes_fini(&b->desk.attributes);
    buf_free(&b->desk.scratch);
    free(b);
    *block = NULL;
}

void block_new_batch(struct block *b)
{
    b->around.known = false;
}

/* ---- rows ---- */

/* The first source that may give another value than for the last row. */
static enum layout_source first_change(const struct block *b, const struct otlp_record *record)
{
    if (!b->around.known || b->around.resource != record->resource_index)
        return FROM_RESOURCE_ATTRIBUTES;
    if (b->around.scope != record->scope_index)
        return FROM_SCOPE_NAME;
    return b->around.metric != record->metric_index ? FROM_METRIC_NAME : FROM_RECORD;
}

static void fill_around(struct block *b, const struct otlp_record *record)
{
    enum layout_source change = first_change(b, record);
    for (size_t i = 0; i < b->layout->count; i++) {
        enum layout_source source = b->layout->columns[i].source;
        struct column *c = &b->columns[i];
        if (source == FROM_RECORD)
            continue;
        if (source < change) {
            column_repeat(c);
            continue;
        }
        column_row(c);
        layout_fill_around(&b->desk, c, source, record);
        column_row_end(c);
    }
    b->around.known = true;
    b->around.resource = record->resource_index;
    b->around.scope = record->scope_index;
    b->around.metric = record->metric_index;
}

int block_add(struct block *b, const struct otlp_record *record, uint64_t received_ns)
{
    if (b->failed)
        return GW_ERR_NOMEM;
    fill_around(b, record);
    for (size_t i = 0; i < b->layout->count; i++)
        if (b->layout->columns[i].source == FROM_RECORD)
            column_row(&b->columns[i]);
    b->layout->fill(&b->desk, record, row_time_ns(record, received_ns));
    for (size_t i = 0; i < b->layout->count; i++) {
        if (b->layout->columns[i].source == FROM_RECORD)
            column_row_end(&b->columns[i]);
        b->failed |= !column_ok(&b->columns[i]);
    }
    b->rows++;
    return b->failed ? GW_ERR_NOMEM : 0;
}

/* ---- the whole ---- */

uint32_t block_rows(const struct block *b)
{
    return b->rows;
}

size_t block_bytes(const struct block *b)
{
    size_t bytes = 0;
    for (size_t i = 0; i < b->layout->count; i++)
        bytes += column_bytes(&b->columns[i]);
    return bytes;
}

void block_clear(struct block *b)
{
    for (size_t i = 0; i < b->layout->count; i++)
        column_clear(&b->columns[i]);
    attributes_clear(&b->desk.attributes);
    b->rows = 0;
    b->failed = false;
    b->around.known = false;
}

void block_write(struct block *b, struct buf *out)
{
    uint64_t columns = 0;
    for (size_t i = 0; i < b->layout->count; i++)
        columns += !b->columns[i].off;
    if (!b->rows)
        return;
    native_varuint(out, columns);
    native_varuint(out, b->rows);
    for (size_t i = 0; i < b->layout->count; i++) {
        if (b->columns[i].off)
            continue;
        native_string(out, slice_of(b->layout->columns[i].name));
        native_string(out, slice_of(column_type(b->layout->columns[i].shape)));
        column_write(&b->columns[i], out);
    }
    block_clear(b);
}
