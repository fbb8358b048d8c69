// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/words.h"

#include "tests/support/suite.h"
#include "tests/unit/otlp/message.h"

#define MAX_BYTES ((size_t)1 << 26)

static const struct {
    struct slice any;
    const char *text;
} cases[] = {
    {{(const uint8_t *)"", 0}, ""},
    {{(const uint8_t *)"\x0a\2hi", 4}, "hi"},
    {{(const uint8_t *)"\x10\1", 2}, "true"},
    {{(const uint8_t *)"\x18\0", 2}, "0"},
    {{(const uint8_t *)"\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\1", 11}, "-9223372036854775808"},
    {{(const uint8_t *)"\x18\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10}, "9223372036854775807"},
    {{(const uint8_t *)"\x21\0\0\0\0\0\0\xf0\xff", 9}, "-Infinity"},
    {{(const uint8_t *)"\x3a\1\xff", 3}, "/w=="},
    {{(const uint8_t *)"\x32\x12\x0a\7\x0a\1l\x12\2\x10\1\x0a\7\x0a\1k\x12\2\x2a\0", 20}, "{\"k\":[],\"l\":true}"},
};

START_TEST(values_are_the_same_both_ways)
{
    struct words w;
    words_init(&w, MAX_BYTES);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct otlp_view any = otlp_view_of(cases[i].any);
        struct otlp_value value;
        struct slice text;
        struct buf out = message();
        otlp_value_read(&any, &value);
        ck_assert_int_eq(words_of(&w, &value, &text), 0);
        ck_assert_msg(slice_is(text, cases[i].text), "%s: %.*s", cases[i].text, (int)text.len, text.data);
        ck_assert_int_eq(words_append(&w, &value, &out), 0);
        ck_assert_uint_eq(out.data[0], strlen(cases[i].text));
        ck_assert(slice_is(slice_make(out.data + 1, out.len - 1), cases[i].text));
        if (words_room(&value)) {
            uint8_t room[64];
            size_t len = (size_t)(words_put(room, &value) - room);
            ck_assert_uint_le(len, words_room(&value));
            ck_assert(slice_eq(slice_make(room, len), buf_slice(&out)));
        }
        buf_free(&out);
    }
    words_fini(&w);
}
END_TEST

START_TEST(long_values_are_given_back)
{
    struct words w;
    struct otlp_value value = {.kind = OTLP_VALUE_BYTES};
    struct slice text;
    uint8_t *bytes = calloc(1, 2u << 20);
    value.is.bytes = slice_make(bytes, 2u << 20);
    words_init(&w, MAX_BYTES);
    ck_assert_int_eq(words_of(&w, &value, &text), 0);
    ck_assert_uint_eq(text.len, ((2u << 20) + 2) / 3 * 4);
    words_trim(&w);
    ck_assert_uint_eq(w.text.cap, 0);
    words_fini(&w);
    free(bytes);
}
END_TEST

START_TEST(too_much_is_said)
{
    struct words w;
    const struct otlp_value integer = {.kind = OTLP_VALUE_INT, .is.integer = 1};
    const struct otlp_value bytes = {.kind = OTLP_VALUE_BYTES, .is.bytes = {(const uint8_t *)"0123456789", 10}};
    struct slice text;
    struct buf out = buf_make(5);
    words_init(&w, 5);
    ck_assert_int_eq(words_append(&w, &integer, &out), GW_ERR_TOO_LARGE);
    ck_assert_int_eq(words_of(&w, &bytes, &text), GW_ERR_TOO_LARGE);
    ck_assert_int_eq(words_append(&w, &bytes, &out), GW_ERR_TOO_LARGE);
    buf_free(&out);
    words_fini(&w);
}
END_TEST

SUITE_MAIN("words", values_are_the_same_both_ways, long_values_are_given_back, too_much_is_said)
