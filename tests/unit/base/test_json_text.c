// SPDX-License-Identifier: Apache-2.0
#include "shared/base/json_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/suite.h"

#define MAX_BYTES 100000u

static struct buf text_of_string(struct slice text)
{
    struct buf out = buf_make(MAX_BYTES);
    json_text_string(&out, text);
    buf_byte(&out, 0);
    return out;
}

START_TEST(strings_are_escaped)
{
    static const struct {
        const char *why;
        struct slice text;
        const char *json;
    } cases[] = {
        {"empty", {NULL, 0}, "\"\""},
        {"plain", {(const uint8_t *)"plain text", 10}, "\"plain text\""},
        {"quote and backslash", {(const uint8_t *)"a\"b\\c", 5}, "\"a\\\"b\\\\c\""},
        {"those with a letter", {(const uint8_t *)"\n\r\t", 3}, "\"\\n\\r\\t\""},
        {"the other controls", {(const uint8_t *)"\0\b\f\x1f", 4},
         "\"\\u0000\\u0008\\u000c\\u001f\""},
        {"what needs none", {(const uint8_t *)"</>&\x7f'", 6}, "\"</>&\x7f'\""},
        {"UTF-8 as it is", {(const uint8_t *)"\xc3\xa9\xe2\x80\xa8\xf0\x9f\x9a\x80", 9},
         "\"\xc3\xa9\xe2\x80\xa8\xf0\x9f\x9a\x80\""},
        {"bytes that are none, each", {(const uint8_t *)"\xff\xc3", 2},
         "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"an escape between long plain runs", {(const uint8_t *)"0123456789\"0123456789", 21},
         "\"0123456789\\\"0123456789\""},
        {"an escape near the end", {(const uint8_t *)"0123456789\n12", 13}, "\"0123456789\\n12\""},
        {"an escape at the end", {(const uint8_t *)"0123456789ab\n", 13}, "\"0123456789ab\\n\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = text_of_string(cases[i].text);
        ck_assert_msg(strcmp((char *)out.data, cases[i].json) == 0, "%s: %s", cases[i].why,
                      (char *)out.data);
        buf_free(&out);
    }
}
END_TEST

/* Every place of a special character in texts around all lengths where the way of writing
 * changes. */
START_TEST(strings_of_every_length_are_whole)
{
    static const size_t lengths[] = {1, 7, 8, 9, 15, 16, 17, 31, 1023, 1024, 1025, 2048, 3000};
    static const char *const specials[] = {"\"", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x9a\x80"};
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
        size_t len = lengths[l];
        for (size_t at = len > 40 ? len - 40 : 0; at < len; at++) {
            for (size_t s = 0; s < 4; s++) {
                struct buf text = buf_make(MAX_BYTES);
                struct buf wanted = buf_make(MAX_BYTES);
                buf_byte(&wanted, '"');
                for (size_t i = 0; i < len; i++) {
                    buf_text(&text, i == at ? specials[s] : "x");
                    buf_text(&wanted, i != at ? "x" : s == 0 ? "\\\"" : specials[s]);
                }
                buf_text(&wanted, "\"");
                buf_byte(&wanted, 0);
                struct buf out = text_of_string(buf_slice(&text));
                ck_assert_str_eq((char *)out.data, (char *)wanted.data);
                buf_free(&out);
                buf_free(&text);
                buf_free(&wanted);
            }
        }
    }
}
END_TEST

START_TEST(strings_fit_exactly_or_fail)
{
    struct slice text = slice_of("0123456789\n\x01");
    size_t need = 10 + 2 + 6 + 2;
    for (size_t max = 0; max <= need; max++) {
        struct buf out = buf_make(max);
        json_text_string(&out, text);
        ck_assert(buf_ok(&out) == (max == need));
        ck_assert_uint_le(out.len, max);
        buf_free(&out);
    }
}
END_TEST

static void text_of_double(double value, char *text)
{
    struct buf out = buf_make(100);
    json_text_double(&out, value);
    memcpy(text, out.data, out.len);
    text[out.len] = 0;
    buf_free(&out);
}

START_TEST(doubles_look_as_in_go)
{
    static const struct {
        double value;
        const char *json;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {100, "100"},
        {1500, "1500"},
        {0.000001, "0.000001"},
        {0.00000123456789, "0.00000123456789"},
        {0.0000009, "9e-7"},
        {1e-7, "1e-7"},
        {1.5e-10, "1.5e-10"},
        {1e15, "1000000000000000"},
        {123456789012345680, "123456789012345680"},
        {1e20, "100000000000000000000"},
        {999999999999999900000.0, "999999999999999900000"},
        {1e21, "1e+21"},
        {1.5e300, "1.5e+300"},
        {4.35, "4.35"},
        {2.5e-5, "0.000025"},
        {0.30000000000000004, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {123456.789, "123456.789"},
        {9007199254740992, "9007199254740992"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {5e-324, "5e-324"},
        {1.5e-323, "1.5e-323"},
        {5.684341886080802e-14, "5.684341886080802e-14"},
            /* 2^-44, whose nearest 16 digits are another number */
        {2.98023223876953125e-8, "2.9802322387695312e-8"},
        {NAN, "\"NaN\""},
        {INFINITY, "\"Infinity\""},
        {-INFINITY, "\"-Infinity\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        text_of_double(cases[i].value, text);
        ck_assert_str_eq(text, cases[i].json);
    }
}
END_TEST

/* xorshift64: the same numbers in every run. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

START_TEST(doubles_read_back_and_have_no_shorter_form)
{
    uint64_t state = 20260501;
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = next_random(&state);
        double value;
        char text[64];
        if (i % 2) /* what people measure: few digits */
            value = (double)(bits % 10000000) / (double)(1 + bits % 7 * 1000);
        else
            memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        text_of_double(value, text);
        double back = strtod(text, NULL);
        ck_assert_msg(memcmp(&back, &value, sizeof value) == 0, "%s", text);
        int digits = 0; /* that carry meaning */
        int zeros = 0;
        for (const char *p = text; *p && *p != 'e'; p++) {
            if (*p == '0')
                zeros += digits > 0;
            else if (*p >= '1' && *p <= '9') {
                digits += 1 + zeros;
                zeros = 0;
            }
        }
        if (digits > 1) {
            char shorter[64];
            snprintf(shorter, sizeof shorter, "%.*e", digits - 2, value);
            ck_assert_msg(strtod(shorter, NULL) != value, "%s, but %s does", text, shorter);
        }
    }
}
END_TEST

START_TEST(integers_are_written_in_decimal)
{
    static const uint64_t values[] = {0, 9, 10, 99, 100, 101, 12345, 9999999999, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char wanted[32];
        uint8_t text[JSON_TEXT_U64_ROOM + 1];
        snprintf(wanted, sizeof wanted, "%llu", (unsigned long long)values[i]);
        *json_text_put_u64(text, values[i]) = 0;
        ck_assert_str_eq((char *)text, wanted);
    }
    uint64_t power = 1;
    for (unsigned digits = 1; digits <= 19; digits++, power *= 10) { /* where a digit more begins */
        uint8_t text[JSON_TEXT_U64_ROOM];
        ck_assert_uint_eq(json_text_put_u64(text, power) - text, digits);
        ck_assert_uint_eq(json_text_put_u64(text, power * 10 - 1) - text, digits);
        ck_assert_int_eq(text[0], '9');
    }
}
END_TEST

SUITE_MAIN("base/json_text", strings_are_escaped, strings_of_every_length_are_whole,
           strings_fit_exactly_or_fail, doubles_look_as_in_go,
           doubles_read_back_and_have_no_shorter_form, integers_are_written_in_decimal)
