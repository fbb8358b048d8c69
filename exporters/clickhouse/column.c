// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/column.h"

#include <string.h>

#include "exporters/clickhouse/native.h"
#include "shared/otlp/wire.h"

#define LOW_STATE_VERSION UINT64_C(1)
#define LOW_WITH_KEYS UINT64_C(0x600) /* plus the width of the numbers: 0, 1, 2 for 8, 16, 32 bits */
#define KEPT_MAX_BYTES ((size_t)16 << 20) /* of a buffer, from block to block */

/* What a shape consists of. */
static const struct shape {
    const char *type;
    uint8_t width; /* bytes of a fixed value; 0: strings, or none */
    bool array;    /* `outer` is in use */
    bool low;      /* `numbers` and the dictionary are */
} shapes[COLUMN_SHAPES] = {
    [COLUMN_U8] = {"UInt8", 1, false, false},
    [COLUMN_BOOL] = {"Bool", 1, false, false},
    [COLUMN_U32] = {"UInt32", 4, false, false},
    [COLUMN_I32] = {"Int32", 4, false, false},
    [COLUMN_U64] = {"UInt64", 8, false, false},
    [COLUMN_F64] = {"Float64", 8, false, false},
    [COLUMN_TIME] = {"DateTime64(9)", 8, false, false},
    [COLUMN_STRING] = {"String", 0, false, false},
    [COLUMN_LOW] = {"LowCardinality(String)", 0, false, true},
    [COLUMN_MAP] = {"Map(LowCardinality(String), String)", 0, false, true},
    [COLUMN_ARRAY_U64] = {"Array(UInt64)", 8, true, false},
    [COLUMN_ARRAY_F64] = {"Array(Float64)", 8, true, false},
    [COLUMN_ARRAY_TIME] = {"Array(DateTime64(9))", 8, true, false},
    [COLUMN_ARRAY_STRING] = {"Array(String)", 0, true, false},
    [COLUMN_ARRAY_LOW] = {"Array(LowCardinality(String))", 0, true, true},
    [COLUMN_ARRAY_MAP] = {"Array(Map(LowCardinality(String), String))", 0, true, true},
};

const char *column_type(enum column_shape shape)
{
    return shapes[shape].type;
}

bool column_is_array(enum column_shape shape)
{
    return shapes[shape].array;
}

void column_init(struct column *c, enum column_shape shape, size_t max_bytes, int *fault)
{
    *c = (struct column){.shape = shape, .fault = fault};
    c->outer = c->inner = c->numbers = buf_make(max_bytes / COLUMN_FIXED_FRACTION);
    c->values = buf_make(shapes[shape].width ? max_bytes / COLUMN_FIXED_FRACTION : max_bytes);
}

void column_fini(struct column *c)
{
    buf_free(&c->outer);
    buf_free(&c->inner);
    buf_free(&c->numbers);
    buf_free(&c->values);
    dictionary_fini(&c->words);
    key_orders_fini(&c->orders);
}

static void empty(struct buf *b)
{
    buf_clear(b);
    if (b->cap > KEPT_MAX_BYTES)
        buf_free(b);
}

void column_clear(struct column *c)
{
    empty(&c->outer);
    empty(&c->inner);
    empty(&c->numbers);
    empty(&c->values);
    dictionary_clear(&c->words);
    key_orders_clear(&c->orders);
    c->items = c->entries = 0;
}

static void note_fault(struct column *c, int error)
{
    if (*c->fault == GW_OK)
        *c->fault = error;
}

static void check(struct column *c, const struct buf *b)
{
    if (!buf_ok(b))
        note_fault(c, buf_error(b));
}

/* ---- a row ---- */

void column_number(struct column *c, uint64_t value)
{
    uint8_t *at = c->off ? NULL : buf_reserve(&c->values, sizeof value);
    if (!at) {
        if (!c->off)
            check(c, &c->values);
        return;
    }
    uint8_t width = shapes[c->shape].width;
    if (width == 1)
        *at = (uint8_t)value;
    else if (width == 4)
        native_put_u32(at, (uint32_t)value);
    else
        native_put_u64(at, value);
    c->values.len += width;
    c->items++;
}

static void add_number(struct column *c, uint32_t number)
{
    uint8_t *at = buf_reserve(&c->numbers, sizeof number);
    if (!at || number == DICTIONARY_NONE) {
        note_fault(c, at ? GW_ERR_NOMEM : buf_error(&c->numbers));
        return;
    }
    memcpy(at, &number, sizeof number);
    c->numbers.len += sizeof number;
}

static void low_text(struct column *c, struct slice text)
{
    uint32_t number = 0;
    if (c->numbers.len) {
        memcpy(&number, c->numbers.data + c->numbers.len - sizeof number, sizeof number);
        if (dictionary_is(&c->words, number, text)) {
            add_number(c, number);
            return;
        }
    }
    add_number(c, dictionary_add(&c->words, text));
}

void column_text(struct column *c, struct slice text)
{
    if (c->off)
        return;
    if (shapes[c->shape].low)
        low_text(c, text);
    else if (!native_string(&c->values, text))
        check(c, &c->values);
    c->items++;
}

void column_hex(struct column *c, struct slice bytes)
{
    if (c->off)
        return;
    native_varuint(&c->values, 2 * (uint64_t)bytes.len);
    buf_hex(&c->values, bytes);
    check(c, &c->values);
    c->items++;
}

void column_value(struct column *c, const struct otlp_value *value, struct words *words)
{
    struct slice text = {0};
    if (c->off)
        return;
    if (!shapes[c->shape].low) {
        note_fault(c, words_append(words, value, &c->values));
        c->items++;
        return;
    }
    note_fault(c, words_of(words, value, &text));
    column_text(c, text);
}

/* The values of a map, in the order of its keys; the short ones, which most are, without looking for room again. */
static void add_values(struct column *c, const struct attributes *a, const uint32_t *places,
                       struct words *words)
{
    struct buf *b = &c->values;
    uint8_t *at = buf_reserve(b, a->room);
    int rc = GW_OK;
    for (size_t n = 0; at && n < a->count; n++) {
        const struct otlp_value *value = &a->list[places[n]].value;
        if (words_room(value)) {
            at = words_put(at, value);
            continue;
        }
        b->len = (size_t)(at - b->data);
        rc = words_append(words, value, b);
        at = rc == GW_OK ? buf_reserve(b, a->room) : NULL;
    }
    if (at)
        b->len = (size_t)(at - b->data);
    note_fault(c, rc);
    check(c, b);
}

void column_map(struct column *c, const struct attributes *a, struct words *words)
{
    if (c->off)
        return;
    const struct key_order *order = key_orders_find(&c->orders, a, &c->words);
    note_fault(c, a->fault != GW_OK ? a->fault : order ? GW_OK : GW_ERR_NOMEM);
    if (!order)
        return;
    add_values(c, a, order->places, words);
    buf_append(&c->numbers, order->numbers, a->count * sizeof order->numbers[0]);
    c->entries += a->count;
    c->items++;
    native_u64(&c->inner, c->entries);
    check(c, &c->inner);
    check(c, &c->numbers);
}

void column_end_array(struct column *c)
{
    if (c->off)
        return;
    native_u64(&c->outer, c->items);
    check(c, &c->outer);
}

/* ---- a row again ---- */

void column_mark(struct column *c)
{
    c->mark.entries = c->entries;
    c->mark.inner = c->inner.len;
    c->mark.numbers = c->numbers.len;
    c->mark.values = c->values.len;
}

/* Appends what stands behind `*from` `count` times more, and moves `*from` to the last of them. What is there already is
 * copied from, so that the copies get longer. */
static void append_again(struct buf *b, size_t *from, uint64_t count)
{
    size_t piece = b->len - *from;
    const size_t first = *from;
    size_t left = piece && count > (b->max - b->len) / piece ? SIZE_MAX : piece * count;
    uint8_t *at = left ? buf_reserve(b, left) : NULL;
    if (!at)
        return;
    b->len += left;
    for (size_t n = piece; left; n *= 2) {
        n = n < left ? n : left;
        memcpy(at, b->data + first, n);
        at += n;
        left -= n;
    }
    *from = b->len - piece;
}

void column_repeat(struct column *c, uint64_t count)
{
    if (c->off || !count)
        return;
    uint64_t entries = c->entries - c->mark.entries;
    append_again(&c->numbers, &c->mark.numbers, count);
    append_again(&c->values, &c->mark.values, count);
    if (c->inner.len > c->mark.inner) { /* ends of maps are cumulative */
        uint8_t *at = buf_reserve(&c->inner, count * sizeof(uint64_t));
        for (uint64_t i = 0; at && i < count; i++)
            native_put_u64(at + i * sizeof(uint64_t), c->entries += entries);
        c->inner.len += at ? count * sizeof(uint64_t) : 0;
        c->mark.inner = c->inner.len - sizeof(uint64_t);
    }
    c->mark.entries = c->entries - entries;
    c->items += count;
    check(c, &c->numbers);
    check(c, &c->values);
    check(c, &c->inner);
}

size_t column_marked_bytes(const struct column *c)
{
    return c->off ? 0
                  : c->inner.len - c->mark.inner + (c->numbers.len - c->mark.numbers) / 2 + c->values.len -
                        c->mark.values;
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
    const uint32_t *numbers = (const void *)c->numbers.data;
    if (!at)
        return;
    for (size_t i = 0; width == 0 && i < count; i++)
        at[i] = (uint8_t)numbers[i];
    for (size_t i = 0; width == 1 && i < count; i++)
        native_put_u16(at + 2 * i, (uint16_t)numbers[i]);
    for (size_t i = 0; width == 2 && i < count; i++)
        native_put_u32(at + 4 * i, numbers[i]);
    out->len += count << width;
}

/* The body of a LowCardinality: nothing when there is no value. */
static void write_low(const struct column *c, struct buf *out)
{
    size_t count = c->numbers.len / sizeof(uint32_t);
    if (!count)
        return;
    unsigned width = c->words.count <= UINT8_MAX + 1u ? 0 : c->words.count <= UINT16_MAX + 1u ? 1 : 2;
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
