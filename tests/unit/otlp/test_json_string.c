// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/json_string.h"

#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/otlp/message.h"

/* Reads `text`, which stands behind an opening quote, from a block of exactly its size, and checks
 * that it means `len` bytes at `want`. */
static void check_string(const char *text, const char *want, size_t len, bool sound)
{
    struct json_string s;
    const char *why = NULL;
    uint8_t *copy = exact_copy(slice_of(text));
    uint8_t *to = malloc(len ? len : 1);
    int64_t read = json_string_read(slice_make(copy, strlen(text)), &s, &why);
    ck_assert_msg(read == (int64_t)strlen(text), "%s: %s", text, why ? why : "");
    ck_assert_msg(s.len == len, "%s: %zu", text, s.len);
    ck_assert_msg(json_string_put_utf8(&s, to) == sound, "%s", text);
    ck_assert_msg(memcmp(to, want, len) == 0, "%s", text);
    free(to);
    free(copy);
}

START_TEST(strings_mean_what_json_says)
{
    static const struct {
        const char *text;
        const char *want;
        size_t len;
        bool sound;
    } cases[] = {
        {"\"", "", 0, true},
        {"abc\"", "abc", 3, true},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8, true},
        {"\\u0000\"", "\0", 1, true},
        {"\\u007F\\u0080\\u07ff\\u0800\\uFFFF\"", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf",
         11, true},
        {"\\ud800\\udc00\\uDBFF\\uDFFF\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8, true},
        {"\\ud800\"", "\xef\xbf\xbd", 3, false},
        {"\\udc00\\ud800\"", "\xef\xbf\xbd\xef\xbf\xbd", 6, false},
        {"\\udc00\\udc00\"", "\xef\xbf\xbd\xef\xbf\xbd", 6, false},
        {"\\ud800\\u0041\"", "\xef\xbf\xbd" "A", 4, false},
        {"\\ud800\\\\udc00\"", "\xef\xbf\xbd\\udc00", 9, false},
        {"\x7f\"", "\x7f", 1, true},
        {"\xf4\x8f\xbf\xbf\"", "\xf4\x8f\xbf\xbf", 4, true},
        {"\xf4\x90\x80\x80\"", "????", 4, false},
        {"\xc0\x80 \xfe\"", "?? ?", 4, false},
        {"seven..\xc3\xa9\"", "seven..\xc3\xa9", 9, true},
        {"seven..\xc3\"", "seven..?", 8, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_string(cases[i].text, cases[i].want, cases[i].len, cases[i].sound);
}
END_TEST

/* Strings are looked at eight bytes at a time: what is special must be found at every place. */
START_TEST(special_bytes_are_found_at_every_place)
{
    static const char *const specials[] = {"\"", "\\n", "\x1f", "\xc3\xa9", "\xff", "\x01", "\n"};
    for (size_t kind = 0; kind < sizeof specials / sizeof specials[0]; kind++) {
        for (size_t at = 0; at < 20; at++) {
            char text[64];
            struct json_string s;
            const char *why = NULL;
            memset(text, 'x', sizeof text);
            memcpy(text + at, specials[kind], strlen(specials[kind]));
            text[40] = '"';
            int64_t got = json_string_read(slice_make(text, sizeof text), &s, &why);
            bool control = (uint8_t)*specials[kind] < 0x20;
            int64_t want = control ? GW_ERR_MALFORMED : kind == 0 ? (int64_t)at + 1 : 41;
            ck_assert_msg(got == want, "%zu at %zu: %lld", kind, at, (long long)got);
            if (control)
                ck_assert_uint_eq(s.raw.len, at);
            ck_assert(s.ascii == (kind != 3 && kind != 4));
            ck_assert(s.escapes == (kind == 1));
            ck_assert_uint_eq(s.len, control || kind == 0 ? at : kind == 1 ? 39 : 40);
        }
    }
}
END_TEST

START_TEST(what_is_no_string_is_refused_where_it_breaks)
{
    static const struct {
        const char *text;
        size_t at;
    } cases[] = {{"", 0},         {"abc", 3},       {"a\\x\"", 1},      {"a\\", 1},
                 {"\\u12\"", 0},  {"\\u123", 0},    {"ab\\u123g\"", 2}, {"a\tb\"", 1},
                 {"\\U0041\"", 0}, {"\\\xc3\"", 0}, {"a\\\"", 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_string s;
        const char *why = NULL;
        uint8_t *copy = exact_copy(slice_of(cases[i].text));
        struct slice text = slice_make(copy, strlen(cases[i].text));
        ck_assert_int_eq(json_string_read(text, &s, &why), GW_ERR_MALFORMED);
        ck_assert_ptr_nonnull(why);
        ck_assert_msg(s.raw.len == cases[i].at, "%s: %zu", cases[i].text, s.raw.len);
        free(copy);
    }
}
END_TEST

START_TEST(what_follows_a_string_is_not_taken_for_part_of_it)
{
    struct json_string s;
    const char *why;
    ck_assert_int_eq(json_string_read(slice_of("abc\"\xff\xff\xff\xff"), &s, &why), 4);
    ck_assert(s.ascii);
}
END_TEST

START_TEST(a_string_without_escapes_is_not_copied)
{
    struct json_string s;
    const char *why;
    uint8_t spare[4];
    ck_assert_int_gt(json_string_read(slice_of("abcdef\""), &s, &why), 0);
    ck_assert_ptr_eq(json_string_text(&s, spare, sizeof spare).data, s.raw.data);
    ck_assert_int_gt(json_string_read(slice_of("\\u0061bcd\""), &s, &why), 0);
    ck_assert(slice_is(json_string_text(&s, spare, sizeof spare), "abcd"));
    ck_assert_int_gt(json_string_read(slice_of("\\u0061bcde\""), &s, &why), 0);
    ck_assert_ptr_null(json_string_text(&s, spare, sizeof spare).data);
}
END_TEST

SUITE_MAIN("json_string", strings_mean_what_json_says, special_bytes_are_found_at_every_place,
           what_is_no_string_is_refused_where_it_breaks,
           what_follows_a_string_is_not_taken_for_part_of_it,
           a_string_without_escapes_is_not_copied)
