// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/column.h"

#include <string.h>

#include "exporters/clickhouse/native.h"
#include "shared/otlp/wire.h"

#define LOW_STATE_VERSION UINT64_C(1)
#define LOW_WITH_KEYS UINT64_C(0x600) /* plus the width of the numbers: 0, 1, 2 for 8, 16, 32 bits */

/* What a shape consists of. */
static const struct shape {
    const char *type;
    uint8_t width; /* bytes of a fixed value; 0: strings, or none */
    bool array;    /* `outer` is in use */
    bool low;      /* `numbers` and the dictionary are */
    bool map;      /* `inner` is */
} shapes[COLUMN_SHAPES] = {
    [COLUMN_U8] = {"UInt8", 1, false, false, false},
    [COLUMN_BOOL] = {"Bool", 1, false, false, false},
    [COLUMN_U32] = {"UInt32", 4, false, false, false},
    [COLUMN_I32] = {"Int32", 4, false, false, false},
    [COLUMN_U64] = {"UInt64", 8, false, false, false},
    [COLUMN_F64] = {"Float64", 8, false, false, false},
    [COLUMN_TIME] = {"DateTime64(9)", 8, false, false, false},
    [COLUMN_STRING] = {"String", 0, false, false, false},
    [COLUMN_LOW] = {"LowCardinality(String)", 0, false, true, false},
    [COLUMN_MAP] = {"Map(LowCardinality(String), String)", 0, false, true, true},
    [COLUMN_ARRAY_U64] = {"Array(UInt64)", 8, true, false, false},
    [COLUMN_ARRAY_F64] = {"Array(Float64)", 8, true, false, false},
    [COLUMN_ARRAY_TIME] = {"Array(DateTime64(9))", 8, true, false, false},
    [COLUMN_ARRAY_STRING] = {"Array(String)", 0, true, false, false},
    [COLUMN_ARRAY_LOW] = {"Array(LowCardinality(String))", 0, true, true, false},
    [COLUMN_ARRAY_MAP] = {"Array(Map(LowCardinality(String), String))", 0, true, true, true},
};

const char *column_type(enum column_shape shape)
{
    return shapes[shape].type;
}

void column_init(struct column *c, enum column_shape shape, size_t max_bytes)
{
    *c = (struct column){.shape = shape};
    c->outer = c->inner = c->numbers = c->values = buf_make(max_bytes);
}

void column_fini(struct column *c)
{
    buf_free(&c->outer);
    buf_free(&c->inner);
    buf_free(&c->numbers);
    buf_free(&c->values);
    dictionary_fini(&c->words);
    attributes_order_fini(&c->order);
}

void column_clear(struct column *c)
{
    buf_clear(&c->outer);
    buf_clear(&c->inner);
    buf_clear(&c->numbers);
    buf_clear(&c->values);
    dictionary_clear(&c->words);
    c->order.count = 0;
    c->rows = c->items = c->entries = 0;
    c->failed = false;
}

/* ---- a row ---- */

void column_row(struct column *c)
{
    c->last.items = c->items;
    c->last.entries = c->entries;
    c->last.inner = c->inner.len;
    c->last.numbers = c->numbers.len;
    c->last.values = c->values.len;
}

static bool is_filled(const struct column *c)
{
    return c->values.len > c->last.values || c->numbers.len > c->last.numbers;
}

static void fill_default(struct column *c)
{
    struct slice empty = {0};
    const struct shape *shape = &shapes[c->shape];
    if (shape->width)
        column_number(c, 0);
    else if (shape->map)
        native_u64(&c->inner, c->entries);
    else
        column_text(c, empty);
}

static void note_failure(struct column *c)
{
    c->failed |= !buf_ok(&c->outer) || !buf_ok(&c->inner) || !buf_ok(&c->numbers) ||
                 !buf_ok(&c->values);
}

void column_row_end(struct column *c)
{
    if (c->off)
        return;
    if (shapes[c->shape].array)
        native_u64(&c->outer, c->items);
    else if (!is_filled(c) && c->inner.len == c->last.inner)
        fill_default(c);
    c->rows++;
    note_failure(c);
}

/* Appends what stands behind `from` once more. Returns how many bytes that is. */
static size_t append_again(struct buf *b, size_t from)
{
    size_t len = b->len - from;
    uint8_t *at = len ? buf_reserve(b, len) : NULL;
    if (!at)
        return 0;
    memcpy(at, b->data + from, len);
    b->len += len;
    return len;
}

/* Ends of maps are cumulative: those of the last row, as many entries further. */
static void append_ends_again(struct column *c, size_t from, uint64_t more)
{
    size_t to = c->inner.len;
    for (size_t at = from; at < to && buf_ok(&c->inner); at += sizeof(uint64_t)) {
        uint64_t end = wire_load64(c->inner.data + at);
        native_u64(&c->inner, end + more);
    }
}

void column_repeat(struct column *c)
{
    if (c->off)
        return;
    size_t inner = c->last.inner, numbers = c->last.numbers, values = c->last.values;
    uint64_t items = c->items - c->last.items, entries = c->entries - c->last.entries;
    column_row(c);
    append_ends_again(c, inner, entries);
    append_again(&c->numbers, numbers);
    append_again(&c->values, values);
    c->items += items;
    c->entries += entries;
    if (shapes[c->shape].array)
        native_u64(&c->outer, c->items);
    c->rows++;
    note_failure(c);
}

void column_number(struct column *c, uint64_t value)
{
    if (c->off)
        return;
    switch (shapes[c->shape].width) {
    case 1:
        buf_byte(&c->values, (uint8_t)value);
        break;
    case 4:
        native_u32(&c->values, (uint32_t)value);
        break;
    default:
        native_u64(&c->values, value);
        break;
    }
    c->items++;
}

static uint32_t last_number(const struct column *c)
{
    uint32_t number;
    memcpy(&number, c->numbers.data + c->numbers.len - sizeof number, sizeof number);
    return number;
}

static void add_number(struct column *c, uint32_t number)
{
    if (number == DICTIONARY_NONE)
        c->failed = true;
    else
        buf_append(&c->numbers, &number, sizeof number);
}

static void low_text(struct column *c, struct slice text)
{
    uint32_t number = c->numbers.len ? last_number(c) : 0;
    if (!c->numbers.len || !dictionary_is(&c->words, number, text))
        number = dictionary_add(&c->words, text);
    add_number(c, number);
}

void column_text(struct column *c, struct slice text)
{
    if (c->off)
        return;
    if (shapes[c->shape].low)
        low_text(c, text);
    else
        native_string(&c->values, text);
    c->items++;
}

void column_hex(struct column *c, struct slice bytes)
{
    if (c->off)
        return;
    native_varuint(&c->values, 2 * (uint64_t)bytes.len);
    buf_hex(&c->values, bytes);
    c->items++;
}

/* The numbers of the keys, in c->order.numbers. True: they are those of the last map. */
static bool number_keys(struct column *c, const struct attributes *a)
{
    struct attributes_order *o = &c->order;
    bool same = o->count == a->count;
    for (size_t i = 0; i < a->count; i++) {
        if (i < o->count && dictionary_is(&c->words, o->numbers[i], a->list[i].key))
            continue;
        uint32_t number = dictionary_add(&c->words, a->list[i].key);
        if (number == DICTIONARY_NONE) {
            c->failed = true;
            number = 0;
        }
        o->numbers[i] = number;
        same = false;
    }
    return same;
}

static void map_value(struct column *c, const struct otlp_value *value, struct buf *scratch)
{
    if (value->kind == OTLP_VALUE_STRING) {
        native_string(&c->values, value->is.bytes);
        return;
    }
    buf_clear(scratch);
    otlp_value_text(value, scratch);
    native_string(&c->values, buf_slice(scratch));
    c->failed |= !buf_ok(scratch);
}

void column_map(struct column *c, struct attributes *a, struct buf *scratch)
{
    if (c->off)
        return;
    struct attributes_order *o = &c->order;
    c->failed |= a->failed;
    if (a->count && !attributes_order_reserve(o, a->count)) {
        c->failed = true;
        return;
    }
    if (!number_keys(c, a))
        attributes_sort(a, o);
    o->count = a->count;
    for (size_t n = 0; n < a->count; n++) {
        uint32_t place = o->places[n];
        add_number(c, o->numbers[place]);
        map_value(c, &a->list[place].value, scratch);
    }
    c->entries += a->count;
    c->items++;
    native_u64(&c->inner, c->entries);
}

/* ---- the whole ---- */

size_t column_bytes(const struct column *c)
{
    return c->off ? 0
                  : c->outer.len + c->inner.len + c->numbers.len / 2 + c->values.len +
                        c->words.text.len + 64;
}

static void write_numbers(const struct column *c, unsigned width, struct buf *out)
{
    size_t count = c->numbers.len / sizeof(uint32_t);
    uint8_t *at = buf_reserve(out, count << width);
    if (!at)
        return;
    for (size_t i = 0; i < count; i++) {
        uint32_t n;
        memcpy(&n, c->numbers.data + i * sizeof n, sizeof n);
        for (unsigned byte = 0; byte < 1u << width; byte++)
            *at++ = (uint8_t)(n >> 8 * byte);
    }
    out->len += count << width;
}

/* The body of a LowCardinality: nothing when there is no value. */
static void write_low(const struct column *c, struct buf *out)
{
    size_t count = c->numbers.len / sizeof(uint32_t);
    if (!count)
        return;
    unsigned width = c->words.count <= UINT8_MAX ? 0 : c->words.count <= UINT16_MAX ? 1 : 2;
    native_u64(out, LOW_WITH_KEYS + width);
    native_u64(out, c->words.count);
    buf_slice_append(out, buf_slice(&c->words.text));
    native_u64(out, count);
    write_numbers(c, width, out);
}

void column_write(const struct column *c, struct buf *out)
{
    if (shapes[c->shape].low)
        native_u64(out, LOW_STATE_VERSION); /* in front of everything, however deep the dictionary is */
    buf_slice_append(out, buf_slice(&c->outer));
    buf_slice_append(out, buf_slice(&c->inner));
    if (shapes[c->shape].low)
        write_low(c, out);
    buf_slice_append(out, buf_slice(&c->values));
}
