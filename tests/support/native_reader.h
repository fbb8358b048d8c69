// SPDX-License-Identifier: Apache-2.0
/* Reads a block of ClickHouse's Native format as the engine would, and is stricter: the dictionary begins with "" and has
 * no word twice, numbers lie inside of it, ends of arrays and maps rise, maps are sorted by key. Knows the types that the
 * exporter writes, by their names, and nothing of the code that wrote them. */
#ifndef MASQUES_TESTS_NATIVE_READER_H
#define MASQUES_TESTS_NATIVE_READER_H

#include <stdlib.h>
#include <string.h>

#include "shared/base/buf.h"
#include "shared/otlp/wire.h"

struct native_column {
    struct slice name, type;
    uint64_t rows, items, entries; /* of arrays, of maps; otherwise as many as above */
    const uint8_t *outer, *inner;  /* ends of arrays and of maps; NULL: there are none */
    struct slice *dictionary;
    uint64_t words;
    const uint8_t *numbers; /* into the dictionary; NULL: none */
    unsigned number_bytes;
    struct slice *strings;
    const uint8_t *fixed;
    unsigned width; /* bytes of a fixed value; 0: strings or numbers */
};

static inline bool nr_u64(struct wire *w, uint64_t *value)
{
    if (wire_left(w) < sizeof *value)
        return false;
    *value = wire_load64(w->at);
    w->at += sizeof *value;
    return true;
}

static inline bool nr_string(struct wire *w, struct slice *text)
{
    struct wire_field f;
    if (wire_value(w, WIRE_BYTES, &f) != GW_OK)
        return false;
    *text = f.bytes;
    return true;
}

/* `*strings` is the caller's to free. */
static inline bool nr_strings(struct wire *w, uint64_t count, struct slice **strings)
{
    if (count > wire_left(w)) /* each has a length at least */
        return false;
    *strings = calloc(count + 1, sizeof **strings);
    for (uint64_t i = 0; *strings && i < count; i++)
        if (!nr_string(w, &(*strings)[i]))
            return false;
    return *strings != NULL;
}

/* Ends of `*count` lists; `*count` becomes the last of them. */
static inline bool nr_ends(struct wire *w, uint64_t *count, const uint8_t **ends)
{
    uint64_t last = 0;
    *ends = w->at;
    for (uint64_t i = 0; i < *count; i++) {
        uint64_t end;
        if (!nr_u64(w, &end) || end < last)
            return false;
        last = end;
    }
    *count = last;
    return true;
}

static inline uint64_t nr_end(const uint8_t *ends, uint64_t i)
{
    return i ? wire_load64(ends + 8 * (i - 1)) : 0;
}

static inline uint64_t nr_number(const struct native_column *c, uint64_t i)
{
    uint64_t number = 0;
    for (unsigned b = 0; b < c->number_bytes; b++)
        number |= (uint64_t)c->numbers[i * c->number_bytes + b] << 8 * b;
    return number;
}

static inline int nr_compare(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;
    size_t common = x->len < y->len ? x->len : y->len;
    int by_bytes = common ? memcmp(x->data, y->data, common) : 0;
    return by_bytes ? by_bytes : (x->len > y->len) - (x->len < y->len);
}

static inline bool nr_distinct(const struct slice *words, uint64_t count)
{
    struct slice *sorted = malloc((count + 1) * sizeof *sorted);
    bool ok = sorted != NULL;
    if (ok && count) {
        memcpy(sorted, words, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, nr_compare);
    }
    for (uint64_t i = 1; ok && i < count; i++)
        ok = nr_compare(&sorted[i - 1], &sorted[i]) != 0;
    free(sorted);
    return ok;
}

static inline bool nr_low(struct wire *w, uint64_t count, struct native_column *c)
{
    uint64_t kind, values;
    if (count == 0)
        return true;
    if (!nr_u64(w, &kind) || kind < 0x600 || kind > 0x602 || !nr_u64(w, &c->words) || c->words == 0 ||
        !nr_strings(w, c->words, &c->dictionary) || c->dictionary[0].len != 0 ||
        !nr_distinct(c->dictionary, c->words))
        return false;
    c->number_bytes = 1u << (kind - 0x600);
    c->numbers = w->at + sizeof values;
    if (!nr_u64(w, &values) || values != count || values > wire_left(w) / c->number_bytes)
        return false;
    w->at += values * c->number_bytes;
    for (uint64_t i = 0; i < count; i++)
        if (nr_number(c, i) >= c->words)
            return false;
    return true;
}

static inline bool nr_maps_sorted(const struct native_column *c)
{
    for (uint64_t map = 0; map < c->items; map++)
        for (uint64_t i = nr_end(c->inner, map) + 1; i < nr_end(c->inner, map + 1); i++)
            if (nr_compare(&c->dictionary[nr_number(c, i - 1)], &c->dictionary[nr_number(c, i)]) > 0)
                return false;
    return true;
}

static inline unsigned nr_width(struct slice type)
{
    static const struct {
        const char *type;
        unsigned width;
    } widths[] = {{"UInt8", 1}, {"Bool", 1},   {"UInt32", 4},  {"Int32", 4},
                  {"UInt64", 8}, {"Float64", 8}, {"DateTime64(9)", 8}};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++)
        if (slice_is(type, widths[i].type))
            return widths[i].width;
    return 0;
}

static inline bool nr_data(struct wire *w, struct native_column *c)
{
    struct slice type = c->type;
    uint64_t state, count = c->rows;
    if (memmem(type.data, type.len, "LowCardinality", 14) && (!nr_u64(w, &state) || state != 1))
        return false;
    if (type.len > 7 && memcmp(type.data, "Array(", 6) == 0) {
        if (!nr_ends(w, &count, &c->outer))
            return false;
        type = slice_make(type.data + 6, type.len - 7);
    }
    c->items = c->entries = count;
    if (slice_is(type, "Map(LowCardinality(String), String)"))
        return nr_ends(w, &c->entries, &c->inner) && nr_low(w, c->entries, c) && nr_maps_sorted(c) &&
               nr_strings(w, c->entries, &c->strings);
    if (slice_is(type, "LowCardinality(String)"))
        return nr_low(w, count, c);
    if (slice_is(type, "String"))
        return nr_strings(w, count, &c->strings);
    c->width = nr_width(type);
    c->fixed = w->at;
    if (!c->width || count > wire_left(w) / c->width)
        return false;
    w->at += count * c->width;
    return true;
}

/* The next column of a block of `rows`. `*c` must be given to native_free(), whatever is returned. False: it is none. */
static inline bool native_read_column(struct wire *w, uint64_t rows, struct native_column *c)
{
    *c = (struct native_column){.rows = rows};
    return nr_string(w, &c->name) && nr_string(w, &c->type) && nr_data(w, c);
}

static inline void native_free(struct native_column *c)
{
    free(c->dictionary);
    free(c->strings);
}

/* ---- as text ---- */

static inline void nr_scalar(const struct native_column *c, uint64_t i, struct buf *out)
{
    if (c->numbers || c->strings) {
        buf_byte(out, '\'');
        buf_slice_append(out, c->numbers ? c->dictionary[nr_number(c, i)] : c->strings[i]);
        buf_byte(out, '\'');
        return;
    }
    uint64_t value = 0;
    for (unsigned b = 0; b < c->width; b++)
        value |= (uint64_t)c->fixed[i * c->width + b] << 8 * b;
    if (memmem(c->type.data, c->type.len, "Float64", 7))
        buf_printf(out, "%.17g", wire_double(value));
    else if (slice_is(c->type, "Int32"))
        buf_i64(out, (int32_t)value);
    else
        buf_u64(out, value);
}

static inline void nr_item(const struct native_column *c, uint64_t item, struct buf *out)
{
    if (!c->inner) {
        nr_scalar(c, item, out);
        return;
    }
    buf_byte(out, '{');
    for (uint64_t i = nr_end(c->inner, item); i < nr_end(c->inner, item + 1); i++) {
        if (i > nr_end(c->inner, item))
            buf_byte(out, ',');
        buf_slice_append(out, c->dictionary[nr_number(c, i)]);
        buf_byte(out, '=');
        buf_slice_append(out, c->strings[i]);
    }
    buf_byte(out, '}');
}

/* A row: 1, 'text', {key=value,key=value}, [1,2]. */
static inline void native_row_text(const struct native_column *c, uint64_t row, struct buf *out)
{
    if (!c->outer) {
        nr_item(c, row, out);
        return;
    }
    buf_byte(out, '[');
    for (uint64_t i = nr_end(c->outer, row); i < nr_end(c->outer, row + 1); i++) {
        if (i > nr_end(c->outer, row))
            buf_byte(out, ',');
        nr_item(c, i, out);
    }
    buf_byte(out, ']');
}

#endif
