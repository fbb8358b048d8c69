// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/column.h"

#include "tests/support/suite.h"
#include "tests/unit/otlp/message.h"

#define COLUMN_MAX ((size_t)4 << 20)

/* Numbers of 8 bytes. */
#define N0 "\0\0\0\0\0\0\0\0"
#define N1 "\1\0\0\0\0\0\0\0"
#define N2 "\2\0\0\0\0\0\0\0"
#define N3 "\3\0\0\0\0\0\0\0"
#define N4 "\4\0\0\0\0\0\0\0"
#define N5 "\5\0\0\0\0\0\0\0"
#define WIDTH_8 "\0\6\0\0\0\0\0\0"

struct desk {
    int fault;
    struct column column;
    struct attributes attributes;
    struct words words;
    struct buf batch; /* what the attributes point into */
};

static void open_desk(struct desk *d, enum column_shape shape, size_t max_bytes)
{
    *d = (struct desk){0};
    column_init(&d->column, shape, max_bytes, &d->fault);
    words_init(&d->words, COLUMN_MAX);
    d->batch = message();
}

static void close_desk(struct desk *d)
{
    column_fini(&d->column);
    attributes_fini(&d->attributes);
    words_fini(&d->words);
    buf_free(&d->batch);
}

/* "k=v,l=w" as a map. */
static void add_map(struct desk *d, const char *pairs)
{
    char text[256], key[64], value[64];
    int used;
    snprintf(text, sizeof text, "%s", pairs);
    buf_clear(&d->batch);
    for (const char *at = text; sscanf(at, "%63[^=]=%63[^,]%n", key, value, &used) == 2; at += used + (at[used] == ','))
        put_attribute(&d->batch, 1, key, value);
    struct otlp_view view = otlp_view_of(buf_slice(&d->batch));
    attributes_add_all(&d->attributes, &view, 1);
    column_map(&d->column, &d->attributes, &d->words);
    attributes_clear(&d->attributes);
}

static void text(struct desk *d, const char *word)
{
    column_text(&d->column, slice_of(word));
}

static void expect(struct desk *d, const char *bytes, size_t len)
{
    struct buf out = buf_make(COLUMN_MAX);
    column_write(&d->column, &out);
    ck_assert(!d->fault);
    ck_assert_uint_eq(out.len, len);
    ck_assert_mem_eq(out.data, bytes, len);
    buf_free(&out);
}

#define EXPECT(d, literal) expect(d, literal, sizeof(literal) - 1)

START_TEST(numbers_have_their_width_and_the_low_byte_first)
{
    static const struct {
        enum column_shape shape;
        const char *type;
        uint64_t value;
        struct slice bytes;
    } cases[] = {
        {COLUMN_U8, "UInt8", 0x1ff, {(const uint8_t *)"\xff", 1}},
        {COLUMN_BOOL, "Bool", 1, {(const uint8_t *)"\1", 1}},
        {COLUMN_U32, "UInt32", 0x1020304, {(const uint8_t *)"\4\3\2\1", 4}},
        {COLUMN_I32, "Int32", (uint32_t)-2, {(const uint8_t *)"\xfe\xff\xff\xff", 4}},
        {COLUMN_U64, "UInt64", 0x102030405060708, {(const uint8_t *)"\x08\7\6\5\4\3\2\1", 8}},
        {COLUMN_F64, "Float64", 0x3ff8000000000000, {(const uint8_t *)"\0\0\0\0\0\0\xf8\x3f", 8}},
        {COLUMN_TIME, "DateTime64(9)", 256, {(const uint8_t *)"\0\1\0\0\0\0\0\0", 8}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct desk d;
        open_desk(&d, cases[i].shape, COLUMN_MAX);
        ck_assert_str_eq(column_type(cases[i].shape), cases[i].type);
        ck_assert(!column_is_array(cases[i].shape));
        column_number(&d.column, cases[i].value);
        expect(&d, (const char *)cases[i].bytes.data, cases[i].bytes.len);
        close_desk(&d);
    }
}
END_TEST

START_TEST(strings_stand_behind_their_lengths)
{
    struct desk d;
    static const uint8_t id[] = {0, 0x1f, 0xab};
    char long_text[301];
    open_desk(&d, COLUMN_STRING, COLUMN_MAX);
    ck_assert_str_eq(column_type(COLUMN_STRING), "String");
    text(&d, "ab");
    text(&d, "");
    column_text(&d.column, slice_make("\0\xff", 2));
    column_hex(&d.column, slice_make(id, sizeof id));
    EXPECT(&d, "\2ab" "\0" "\2\0\xff" "\006001fab");
    memset(long_text, 'x', 300);
    long_text[300] = 0;
    column_clear(&d.column);
    text(&d, long_text);
    struct buf out = buf_make(COLUMN_MAX);
    column_write(&d.column, &out);
    ck_assert_uint_eq(out.len, 302);
    ck_assert_mem_eq(out.data, "\xac\2xxx", 5);
    ck_assert_mem_eq(out.data + 2, long_text, 300);
    buf_free(&out);
    close_desk(&d);
}
END_TEST

/* Copying without memcpy() must be right at every length. */
START_TEST(strings_of_all_lengths_arrive_whole)
{
    uint8_t bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + 1);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        uint8_t room[sizeof bytes + NATIVE_VARUINT_MAX_BYTES] = {0};
        uint8_t *end = native_put_string(room, slice_make(bytes, len));
        size_t head = len < 0x80 ? 1 : 2;
        ck_assert_uint_eq(end - room, head + len);
        ck_assert_mem_eq(room + head, bytes, len);
        ck_assert_uint_eq(*end, 0);
    }
}
END_TEST

START_TEST(lows_are_numbers_into_a_dictionary)
{
    struct desk d;
    open_desk(&d, COLUMN_LOW, COLUMN_MAX);
    ck_assert_str_eq(column_type(COLUMN_LOW), "LowCardinality(String)");
    text(&d, "x");
    text(&d, "x");
    text(&d, "");
    text(&d, "yy");
    text(&d, "x");
    EXPECT(&d, N1 WIDTH_8 N3 "\0\1x\2yy" N5 "\1\1\0\2\1");
    column_clear(&d.column);
    text(&d, "");
    EXPECT(&d, N1 WIDTH_8 N1 "\0" N1 "\0");
    close_desk(&d);
}
END_TEST

/* 256 words fit into numbers of 8 bits, 65536 into 16. */
START_TEST(numbers_of_lows_widen)
{
    static const struct {
        unsigned words; /* and the empty one */
        uint64_t kind;
        size_t width;
    } cases[] = {{255, 0x600, 1}, {256, 0x601, 2}, {65535, 0x601, 2}, {65536, 0x602, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct desk d;
        char word[16];
        open_desk(&d, COLUMN_LOW, COLUMN_MAX);
        for (unsigned n = 0; n < cases[i].words; n++) {
            snprintf(word, sizeof word, "w%u", n);
            text(&d, word);
        }
        struct buf out = buf_make(COLUMN_MAX);
        column_write(&d.column, &out);
        ck_assert(!d.fault);
        ck_assert_uint_eq(wire_load64(out.data + 8), cases[i].kind);
        ck_assert_uint_eq(wire_load64(out.data + 16), cases[i].words + 1);
        uint64_t last = 0; /* the last number is that of the last word */
        memcpy(&last, out.data + out.len - cases[i].width, cases[i].width);
        ck_assert_uint_eq(last, cases[i].words);
        buf_free(&out);
        close_desk(&d);
    }
}
END_TEST

START_TEST(maps_are_ends_keys_and_values)
{
    struct desk d;
    open_desk(&d, COLUMN_MAP, COLUMN_MAX);
    ck_assert_str_eq(column_type(COLUMN_MAP), "Map(LowCardinality(String), String)");
    add_map(&d, "b=1,a=2");
    add_map(&d, "");
    add_map(&d, "a=3");
    EXPECT(&d, N1 N2 N2 N3 WIDTH_8 N3 "\0\1a\1b" N3 "\1\2\1" "\0012\0011\0013");
    close_desk(&d);
}
END_TEST

START_TEST(maps_without_entries_have_no_dictionary)
{
    struct desk d;
    open_desk(&d, COLUMN_MAP, COLUMN_MAX);
    add_map(&d, "");
    add_map(&d, "");
    EXPECT(&d, N1 N0 N0);
    close_desk(&d);
}
END_TEST

START_TEST(doubled_keys_are_kept_as_they_came)
{
    struct desk d;
    open_desk(&d, COLUMN_MAP, COLUMN_MAX);
    add_map(&d, "k=2,a=x,k=1");
    EXPECT(&d, N1 N3 WIDTH_8 N3 "\0\1a\1k" N3 "\1\2\2" "\1x\0012\0011");
    close_desk(&d);
}
END_TEST

/* Kinds of records that take turns. */
START_TEST(orders_of_keys_do_not_mix)
{
    struct desk d;
    open_desk(&d, COLUMN_MAP, COLUMN_MAX);
    for (int i = 0; i < 2; i++) {
        add_map(&d, "b=1,a=2");
        add_map(&d, "a=3,b=4");
        add_map(&d, "b=5");
    }
    EXPECT(&d, N1 N2 N4 N5 "\7\0\0\0\0\0\0\0" "\x09\0\0\0\0\0\0\0" "\x0a\0\0\0\0\0\0\0" WIDTH_8 N3
                   "\0\1a\1b" "\x0a\0\0\0\0\0\0\0" "\1\2\1\2\2\1\2\1\2\2"
                   "\0012\0011\0013\0014\0015\0012\0011\0013\0014\0015");
    column_clear(&d.column); /* the numbers are others now, the orders are not */
    add_map(&d, "b=5");
    add_map(&d, "b=1,a=2");
    EXPECT(&d, N1 N1 N3 WIDTH_8 N3 "\0\1b\1a" N3 "\1\2\1" "\0015\0012\0011");
    close_desk(&d);
}
END_TEST

START_TEST(arrays_are_ends_and_items)
{
    struct desk d;
    open_desk(&d, COLUMN_ARRAY_U64, COLUMN_MAX);
    ck_assert_str_eq(column_type(COLUMN_ARRAY_U64), "Array(UInt64)");
    ck_assert_str_eq(column_type(COLUMN_ARRAY_F64), "Array(Float64)");
    ck_assert_str_eq(column_type(COLUMN_ARRAY_TIME), "Array(DateTime64(9))");
    ck_assert(column_is_array(COLUMN_ARRAY_U64));
    column_number(&d.column, 4);
    column_number(&d.column, 5);
    column_end_array(&d.column);
    column_end_array(&d.column);
    column_number(&d.column, 3);
    column_end_array(&d.column);
    EXPECT(&d, N2 N2 N3 N4 N5 N3);
    column_clear(&d.column);
    column_number(&d.column, 3);
    column_end_array(&d.column);
    EXPECT(&d, N1 N3);
    close_desk(&d);

    open_desk(&d, COLUMN_ARRAY_STRING, COLUMN_MAX);
    ck_assert_str_eq(column_type(COLUMN_ARRAY_STRING), "Array(String)");
    column_end_array(&d.column);
    text(&d, "a");
    text(&d, "");
    column_end_array(&d.column);
    EXPECT(&d, N0 N2 "\1a\0");
    close_desk(&d);
}
END_TEST

/* The dictionary's version stands in front of all ends. */
START_TEST(arrays_of_lows_and_maps)
{
    struct desk d;
    open_desk(&d, COLUMN_ARRAY_LOW, COLUMN_MAX);
    ck_assert_str_eq(column_type(COLUMN_ARRAY_LOW), "Array(LowCardinality(String))");
    column_end_array(&d.column);
    EXPECT(&d, N1 N0);
    text(&d, "a");
    text(&d, "a");
    column_end_array(&d.column);
    EXPECT(&d, N1 N0 N2 WIDTH_8 N2 "\0\1a" N2 "\1\1");
    close_desk(&d);

    open_desk(&d, COLUMN_ARRAY_MAP, COLUMN_MAX);
    ck_assert_str_eq(column_type(COLUMN_ARRAY_MAP), "Array(Map(LowCardinality(String), String))");
    add_map(&d, "k=v");
    add_map(&d, "");
    column_end_array(&d.column);
    add_map(&d, "k=w,j=x");
    column_end_array(&d.column);
    EXPECT(&d, N1 N2 N3 N1 N1 N3 WIDTH_8 N3 "\0\1k\1j" N3 "\1\2\1" "\1v\1x\1w");
    close_desk(&d);
}
END_TEST

START_TEST(values_are_in_words)
{
    struct desk d;
    const struct otlp_value integer = {.kind = OTLP_VALUE_INT, .is.integer = INT64_MIN};
    const struct otlp_value truth = {.kind = OTLP_VALUE_BOOL, .is.boolean = true};
    const struct otlp_value nothing = {.kind = OTLP_VALUE_EMPTY};
    const struct otlp_value number = {.kind = OTLP_VALUE_DOUBLE, .is.number = 1.5};
    open_desk(&d, COLUMN_STRING, COLUMN_MAX);
    column_value(&d.column, &integer, &d.words);
    column_value(&d.column, &truth, &d.words);
    column_value(&d.column, &nothing, &d.words);
    column_value(&d.column, &number, &d.words);
    EXPECT(&d, "\x14-9223372036854775808" "\4true" "\0" "\0031.5");
    close_desk(&d);
    open_desk(&d, COLUMN_LOW, COLUMN_MAX);
    column_value(&d.column, &truth, &d.words);
    column_value(&d.column, &truth, &d.words);
    EXPECT(&d, N1 WIDTH_8 N2 "\0\4true" N2 "\1\1");
    close_desk(&d);
}
END_TEST

START_TEST(rows_are_repeated)
{
    struct desk d;
    open_desk(&d, COLUMN_MAP, COLUMN_MAX);
    add_map(&d, "z=0");
    column_mark(&d.column);
    add_map(&d, "b=1,a=2");
    size_t one = column_marked_bytes(&d.column);
    size_t before = column_bytes(&d.column);
    column_repeat(&d.column, 0);
    column_repeat(&d.column, 1);
    column_repeat(&d.column, 2);
    ck_assert_uint_eq(column_bytes(&d.column), before + 3 * one);
    ck_assert_uint_eq(column_marked_bytes(&d.column), one);
    EXPECT(&d, N1 N1 N3 N5 "\7\0\0\0\0\0\0\0" "\x09\0\0\0\0\0\0\0" WIDTH_8 N4 "\0\1z\1a\1b"
                   "\x09\0\0\0\0\0\0\0" "\1\2\3\2\3\2\3\2\3" "\0010\0012\0011\0012\0011\0012\0011\0012\0011");
    close_desk(&d);

    open_desk(&d, COLUMN_LOW, COLUMN_MAX);
    column_mark(&d.column);
    text(&d, "a");
    column_repeat(&d.column, 6);
    EXPECT(&d, N1 WIDTH_8 N2 "\0\1a" "\7\0\0\0\0\0\0\0" "\1\1\1\1\1\1\1");
    close_desk(&d);

    open_desk(&d, COLUMN_MAP, COLUMN_MAX);
    column_mark(&d.column);
    add_map(&d, "");
    column_repeat(&d.column, 2);
    EXPECT(&d, N1 N0 N0 N0);
    close_desk(&d);
}
END_TEST

START_TEST(what_is_off_costs_nothing)
{
    struct desk d;
    open_desk(&d, COLUMN_MAP, COLUMN_MAX);
    d.column.off = true;
    column_mark(&d.column);
    add_map(&d, "a=b");
    column_repeat(&d.column, 3);
    ck_assert_uint_eq(column_bytes(&d.column), 0);
    ck_assert_uint_eq(column_marked_bytes(&d.column), 0);
    ck_assert(!d.fault && !d.column.values.len && !d.column.numbers.len && !d.column.inner.len);
    close_desk(&d);
}
END_TEST

START_TEST(too_much_is_said)
{
    static const enum column_shape shapes[] = {COLUMN_U64, COLUMN_STRING, COLUMN_LOW, COLUMN_MAP, COLUMN_ARRAY_TIME};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct desk d;
        char long_word[200] = {0};
        memset(long_word, 'x', sizeof long_word - 1);
        open_desk(&d, shapes[i], 300);
        for (int n = 0; n < 200 && !d.fault; n++) {
            if (shapes[i] == COLUMN_MAP)
                add_map(&d, "k=v,l=w");
            else if (shapes[i] == COLUMN_STRING || shapes[i] == COLUMN_LOW)
                text(&d, long_word);
            else
                column_number(&d.column, 1);
            if (column_is_array(shapes[i]))
                column_end_array(&d.column);
        }
        ck_assert_msg(d.fault == GW_ERR_TOO_LARGE, "%s", column_type(shapes[i]));
        close_desk(&d);
    }
    struct desk d;
    open_desk(&d, COLUMN_STRING, 300);
    column_mark(&d.column);
    text(&d, "0123456789");
    column_repeat(&d.column, UINT64_MAX / 4);
    ck_assert_int_eq(d.fault, GW_ERR_TOO_LARGE);
    close_desk(&d);
}
END_TEST

SUITE_MAIN("column", numbers_have_their_width_and_the_low_byte_first, strings_stand_behind_their_lengths,
           strings_of_all_lengths_arrive_whole, lows_are_numbers_into_a_dictionary, numbers_of_lows_widen,
           maps_are_ends_keys_and_values, maps_without_entries_have_no_dictionary,
           doubled_keys_are_kept_as_they_came, orders_of_keys_do_not_mix, arrays_are_ends_and_items,
           arrays_of_lows_and_maps, values_are_in_words, rows_are_repeated, what_is_off_costs_nothing,
           too_much_is_said)
