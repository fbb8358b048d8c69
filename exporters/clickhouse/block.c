// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/block.h"

#include <stdlib.h>

#include "exporters/clickhouse/layout.h"
#include "exporters/clickhouse/native.h"

#define AROUND_MAX_BYTES ((size_t)64 << 10) /* of a resource or scope that is known again in the next batch */
#define COLUMNS_MAX 64u                     /* bits of the mask */

/* What stands around the records, as the last row has it. */
struct around {
    bool known;
    bool in_batch; /* the row before is of the same batch: the indexes can be compared */
    uint32_t resource, scope, metric;
    struct buf resource_bytes, scope_bytes; /* copies; empty: cannot be compared */
};

/* What stands around the records stands around many of them: its columns are filled when it changes, and for the rows
 * that follow only counted. */
enum level { LEVEL_RESOURCE, LEVEL_SCOPE, LEVEL_METRIC, LEVELS };

struct level_columns {
    uint8_t list[COLUMNS_MAX]; /* those that are wanted */
    size_t count;
    uint32_t pending; /* the last rows, for which they still have to be repeated */
};

struct block {
    const struct layout *layout;
    struct layout_desk desk;
    uint32_t rows;
    int fault; /* of a column */
    struct around around;
    struct level_columns levels[LEVELS];
    uint8_t arrays[COLUMNS_MAX];
    size_t array_count;
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

static enum level level_of(enum layout_source source)
{
    return source < FROM_SCOPE_NAME    ? LEVEL_RESOURCE
           : source < FROM_METRIC_NAME ? LEVEL_SCOPE
           : source < FROM_RECORD      ? LEVEL_METRIC
                                       : LEVELS;
}

/* Where the column is looked for while rows are filled. */
static void enlist(struct block *b, size_t column)
{
    const struct layout_column *l = &b->layout->columns[column];
    enum level level = level_of(l->source);
    if (level < LEVELS)
        b->levels[level].list[b->levels[level].count++] = (uint8_t)column;
    else if (column_is_array(l->shape))
        b->arrays[b->array_count++] = (uint8_t)column;
}

struct block *block_new(enum table_kind table, uint64_t mask)
{
    const struct layout *layout = layout_of(table);
    struct block *b = calloc(1, sizeof *b + layout->count * sizeof b->columns[0]);
    if (!b)
        return NULL;
    b->layout = layout;
    b->desk.columns = b->columns;
    words_init(&b->desk.words, BLOCK_COLUMN_MAX_BYTES);
    b->around.resource_bytes = b->around.scope_bytes = buf_make(AROUND_MAX_BYTES);
    for (size_t i = 0; i < layout->count; i++) {
        column_init(&b->columns[i], layout->columns[i].shape, BLOCK_COLUMN_MAX_BYTES, &b->fault);
        b->columns[i].off = !(mask >> i & 1);
        if (!b->columns[i].off)
            enlist(b, i);
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
    words_fini(&b->desk.words);
    buf_free(&b->around.resource_bytes);
    buf_free(&b->around.scope_bytes);
    free(b);
    *block = NULL;
}

void block_new_batch(struct block *b)
{
    b->around.in_batch = false;
}

/* ---- what stands around ---- */

/* A message in one run, and what stands beside it. */
static void remember(struct buf *copy, const struct otlp_view *view, struct slice url)
{
    uint64_t len = view->holder.len;
    buf_clear(copy);
    if (view->levels)
        return;
    buf_append(copy, &len, sizeof len);
    buf_slice_append(copy, view->holder);
    buf_slice_append(copy, url);
    if (!buf_ok(copy))
        buf_clear(copy);
}

static bool is_remembered(const struct buf *copy, const struct otlp_view *view, struct slice url)
{
    uint64_t len;
    if (view->levels || copy->len != sizeof len + view->holder.len + url.len)
        return false;
    memcpy(&len, copy->data, sizeof len);
    const uint8_t *at = copy->data + sizeof len;
    return len == view->holder.len && slice_eq(slice_make(at, len), view->holder) &&
           slice_eq(slice_make(at + len, url.len), url);
}

/* The outermost level that may give other values than for the last row. */
static enum level first_change(const struct around *a, const struct otlp_record *record)
{
    if (!a->known)
        return LEVEL_RESOURCE;
    if ((!a->in_batch || a->resource != record->resource_index) &&
        !is_remembered(&a->resource_bytes, &record->resource, record->resource_schema_url))
        return LEVEL_RESOURCE;
    if ((!a->in_batch || a->scope != record->scope_index) &&
        !is_remembered(&a->scope_bytes, &record->scope, record->scope_schema_url))
        return LEVEL_SCOPE;
    return !a->in_batch || a->metric != record->metric_index ? LEVEL_METRIC : LEVELS;
}

static void repeat_pending(struct block *b, enum level level)
{
    struct level_columns *l = &b->levels[level];
    for (size_t i = 0; l->pending && i < l->count; i++)
        column_repeat(&b->columns[l->list[i]], l->pending);
    l->pending = 0;
}

static void fill_level(struct block *b, enum level level, const struct otlp_record *record)
{
    const struct level_columns *l = &b->levels[level];
    repeat_pending(b, level);
    for (size_t i = 0; i < l->count; i++) {
        column_mark(&b->columns[l->list[i]]);
        layout_fill_around(&b->desk, &b->columns[l->list[i]], b->layout->columns[l->list[i]].source, record);
    }
}

static void fill_around(struct block *b, const struct otlp_record *record)
{
    struct around *a = &b->around;
    enum level change = first_change(a, record);
    for (enum level level = LEVEL_RESOURCE; level < LEVELS; level++) {
        if (level < change)
            b->levels[level].pending++;
        else
            fill_level(b, level, record);
    }
    if (change == LEVEL_RESOURCE)
        remember(&a->resource_bytes, &record->resource, record->resource_schema_url);
    if (change <= LEVEL_SCOPE)
        remember(&a->scope_bytes, &record->scope, record->scope_schema_url);
    a->known = a->in_batch = true;
    a->resource = record->resource_index;
    a->scope = record->scope_index;
    a->metric = record->metric_index;
}

/* ---- rows ---- */

int block_add(struct block *b, const struct otlp_record *record, uint64_t received_ns)
{
    if (b->fault != GW_OK)
        return b->fault;
    fill_around(b, record);
    b->layout->fill(&b->desk, record, received_ns);
    for (size_t i = 0; i < b->array_count; i++)
        column_end_array(&b->columns[b->arrays[i]]);
    b->rows++;
    return b->fault;
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
    for (const struct level_columns *l = b->levels; l < b->levels + LEVELS; l++)
        for (size_t i = 0; l->pending && i < l->count; i++)
            bytes += l->pending * column_marked_bytes(&b->columns[l->list[i]]);
    return bytes;
}

void block_clear(struct block *b)
{
    for (size_t i = 0; i < b->layout->count; i++)
        column_clear(&b->columns[i]);
    attributes_trim(&b->desk.attributes);
    words_trim(&b->desk.words);
    for (enum level level = LEVEL_RESOURCE; level < LEVELS; level++)
        b->levels[level].pending = 0;
    b->rows = 0;
    b->fault = GW_OK;
    b->around.known = false;
}

int block_write(struct block *b, struct buf *out)
{
    uint64_t columns = 0;
    for (size_t i = 0; i < b->layout->count; i++)
        columns += !b->columns[i].off;
    if (!b->rows)
        return buf_error(out);
    for (enum level level = LEVEL_RESOURCE; level < LEVELS; level++)
        repeat_pending(b, level);
    native_varuint(out, columns);
    native_varuint(out, b->rows);
    for (size_t i = 0; i < b->layout->count; i++) {
        if (b->columns[i].off)
            continue;
        native_string(out, slice_of(b->layout->columns[i].name));
        native_string(out, slice_of(column_type(b->layout->columns[i].shape)));
        column_write(&b->columns[i], out);
    }
    int rc = b->fault != GW_OK ? b->fault : buf_error(out);
    block_clear(b);
    return rc;
}
