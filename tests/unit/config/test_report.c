// SPDX-License-Identifier: Apache-2.0
#include "shared/config/report.h"
#include "shared/base/utf8.h"
#include "tests/support/suite.h"

#include <string.h>

START_TEST(an_error_says_file_line_column_and_path)
{
    struct config_error error = {.line = 0};
    struct report r = {.file = "a.yaml", .error = &error};
    int rc = report_error(&r, (struct place){3, 5}, "x::y", "got %d", 7);
    ck_assert_int_eq(rc, GW_ERR_INVALID);
    ck_assert_str_eq(error.text, "a.yaml:3:5: x::y: got 7");
    ck_assert_uint_eq(error.line, 3);
    ck_assert_uint_eq(error.column, 5);
}
END_TEST

START_TEST(only_the_first_error_is_kept)
{
    struct config_error error = {.line = 0};
    struct report r = {.file = "a", .error = &error};
    (void)report_error(&r, (struct place){0, 0}, NULL, "first");
    ck_assert_int_eq(report_error(&r, (struct place){1, 1}, NULL, "second"), GW_ERR_INVALID);
    ck_assert_str_eq(error.text, "a: first");
    ck_assert_uint_eq(error.line, 0);
}
END_TEST

START_TEST(messages_are_cut_between_characters_and_hold_no_control_characters)
{
    static char text[4 * CONFIG_ERROR_BYTES];
    struct config_error error = {.line = 0};
    struct report r = {.file = "a\n", .error = &error};
    for (size_t i = 0; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa4", 2);
    (void)report_error(&r, (struct place){0, 0}, NULL, "\x1b[2J%s", text);
    ck_assert_uint_ge(strlen(error.text), CONFIG_ERROR_BYTES - 3);
    ck_assert_uint_lt(strlen(error.text), CONFIG_ERROR_BYTES);
    ck_assert_int_eq(strncmp(error.text, "a?: ?[2J\xc3\xa4", 10), 0);
    ck_assert_int_eq(memcmp(error.text + strlen(error.text) - 2, "\xc3\xa4", 2), 0);
}
END_TEST

START_TEST(a_file_name_that_is_no_utf8_does_not_hide_the_message)
{
    struct config_error error = {.line = 0};
    struct report r = {.file = "a\xff", .error = &error};
    (void)report_error(&r, (struct place){0, 0}, NULL, "what is wrong");
    ck_assert_str_eq(error.text, "a\xff: what is wrong");
}
END_TEST

START_TEST(warnings_are_gathered_up_to_a_bound)
{
    struct config_error error = {.line = 0};
    struct report r = {.file = "a", .error = &error};
    for (unsigned i = 0; i < 150; i++)
        ck_assert_int_eq(report_warning(&r, (struct place){1, i}, "p", "number %u", i), 0);
    ck_assert_uint_eq(r.warning_count, 100);
    ck_assert_str_eq(r.warnings[99], "a:1:99: p: number 99");
    ck_assert_str_eq(error.text, "");
    report_free(&r);
    ck_assert_uint_eq(r.warning_count, 0);
}
END_TEST

START_TEST(quotes_tame_and_cut)
{
    static const char long_text[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789";
    ck_assert_str_eq(report_quote(slice_of("plain")).text, "\"plain\"");
    ck_assert_str_eq(report_quote(slice_of("a\x1b" "b\n")).text, "\"a\\x1bb\\x0a\"");
    ck_assert_str_eq(report_quote(slice_of(long_text)).text,
                     "\"0123456789012345678901234567890123456789012345678901234567890123...\"");
}
END_TEST

START_TEST(trails_join_keys_and_never_overflow)
{
    struct trail t = {.len = 0};
    size_t top = trail_push(&t, slice_of("a"));
    size_t inside = trail_push(&t, slice_of("b"));
    ck_assert_str_eq(t.text, "a::b");
    trail_cut(&t, inside);
    ck_assert_str_eq(t.text, "a");
    for (int i = 0; i < 100; i++)
        trail_push(&t, slice_of("a key that is long"));
    ck_assert_uint_lt(t.len, sizeof t.text);
    ck_assert_uint_eq(strlen(t.text), t.len);
    trail_cut(&t, top);
    ck_assert_str_eq(t.text, "");
    for (int i = 0; i < 100; i++)
        trail_push(&t, slice_of("\xc3\xa4\xc3\xa4\xc3\xa4"));
    ck_assert_uint_eq(utf8_valid_prefix(slice_of(t.text)), t.len);
}
END_TEST

SUITE_MAIN("report", an_error_says_file_line_column_and_path, only_the_first_error_is_kept,
           messages_are_cut_between_characters_and_hold_no_control_characters,
           a_file_name_that_is_no_utf8_does_not_hide_the_message,
           warnings_are_gathered_up_to_a_bound, quotes_tame_and_cut,
           trails_join_keys_and_never_overflow)
