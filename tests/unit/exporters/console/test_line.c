// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "exporters/console/line.h"
#include "tests/support/suite.h"

static struct buf out;
static struct line line;

static void begin(bool color)
{
    out = buf_make(1u << 20);
    line_init(&line, &out, color);
    line_begin(&line);
}

/* What stands in the line, which ends. */
static const char *text(void)
{
    static char copy[2048];
    snprintf(copy, sizeof copy, "%.*s", (int)out.len, (const char *)out.data);
    line_fini(&line);
    buf_free(&out);
    return copy;
}

START_TEST(what_a_terminal_would_obey_is_escaped)
{
    static const struct {
        const char *why;
        const char *in;
        const char *shown;
    } cases[] = {
        {"plain", "héllo 😀", "héllo 😀"},
        {"newline", "a\nb\rc\td", "a\\nb\\rc\\td"},
        {"escape sequence", "\x1b[2J", "\\x1b[2J"},
        {"bell and delete", "\a\x7f", "\\x07\\x7f"},
        {"C1 CSI as UTF-8", "\xc2\x9b" "2J", "\\u009b2J"},
        {"no UTF-8", "a\xff\xc3", "a\\xff\\xc3"},
        {"text turned around", "a\xe2\x80\xae" "b", "a\\u202eb"},
        {"line separator", "\xe2\x80\xa8", "\\u2028"},
        {"byte order mark", "\xef\xbb\xbf", "\\ufeff"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(false);
        line_word(&line, LINE_PLAIN, cases[i].in);
        ck_assert_msg(strcmp(text(), cases[i].shown) == 0, "%s", cases[i].why);
    }
}
END_TEST

START_TEST(a_nul_in_the_middle_hides_nothing)
{
    begin(false);
    line_text(&line, LINE_PLAIN, slice_make("a\0b", 3));
    ck_assert_str_eq(text(), "a\\x00b");
}
END_TEST

START_TEST(what_is_over_the_limit_becomes_an_ellipsis)
{
    static const struct {
        const char *why;
        uint32_t limit;
        const char *in;
        const char *shown;
    } cases[] = {
        {"it fits exactly", 5, "abcde", "abcde"},
        {"one too many", 5, "abcdef", "abcd…"},
        {"characters count, not bytes", 3, "äöüß", "äö…"},
        {"no escape is cut in half", 6, "abc\x1b" "d", "abc…"},
        {"an escape that fits", 7, "abc\x1b", "abc\\x1b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(false);
        line_limit(&line, cases[i].limit);
        line_word(&line, LINE_PLAIN, cases[i].in);
        const char *shown = text();
        ck_assert_msg(strcmp(shown, cases[i].shown) == 0, "%s: %s", cases[i].why, shown);
    }
}
END_TEST

START_TEST(behind_the_ellipsis_of_the_line_nothing_comes)
{
    begin(false);
    line_limit(&line, 4);
    line_word(&line, LINE_PLAIN, "abcdef");
    line_to_column(&line, 20);
    line_word(&line, LINE_PLAIN, "more");
    line_end(&line);
    ck_assert_str_eq(text(), "abc…\n");
}
END_TEST

START_TEST(a_text_with_a_limit_of_its_own_leaves_the_line_open)
{
    begin(false);
    line_limit(&line, 20);
    line_text_max(&line, LINE_PLAIN, slice_of("abcdef"), 4);
    line_word(&line, LINE_PLAIN, "|more");
    ck_assert_str_eq(text(), "abc…|more");
}
END_TEST

START_TEST(columns_are_reached_or_kept_two_apart)
{
    begin(false);
    line_word(&line, LINE_PLAIN, "ab");
    line_to_column(&line, 5);
    line_word(&line, LINE_PLAIN, "cde");
    line_to_column(&line, 6);
    line_to_column(&line, 0); /* the gap is there already */
    line_word(&line, LINE_PLAIN, "f");
    line_to_column(&line, 50); /* and nothing comes */
    line_end(&line);
    ck_assert_str_eq(text(), "ab   cde  f\n");
}
END_TEST

START_TEST(colours_stand_around_the_text_only)
{
    begin(true);
    line_word(&line, LINE_RED, "bad");
    line_to_column(&line, 5);
    line_word(&line, LINE_PLAIN, "plain");
    ck_assert_str_eq(text(), "\x1b[31mbad\x1b[0m  plain");
}
END_TEST

START_TEST(times_are_local_with_milliseconds)
{
    setenv("TZ", "Asia/Kolkata", 1);
    tzset();
    begin(false);
    line_time(&line, 1700000000123999999u);
    line_word(&line, LINE_PLAIN, "|");
    line_time(&line, 1700000001000000000u);
    ck_assert_str_eq(text(), "03:43:20.123|03:43:21.000");
}
END_TEST

START_TEST(attributes_are_quoted_only_where_they_would_be_misread)
{
    static const struct {
        const char *value;
        const char *shown;
    } cases[] = {
        {"plain", "k=plain"},        {"", "k=\"\""},           {"two words", "k=\"two words\""},
        {"a=b", "k=\"a=b\""},        {"say \"hi\"", "k=\"say \\\"hi\\\"\""},
        {"a\nb", "k=\"a\\nb\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct otlp_value v = {.kind = OTLP_VALUE_STRING, .is.bytes = slice_of(cases[i].value)};
        begin(false);
        line_attribute(&line, slice_of("k"), &v);
        ck_assert_str_eq(text(), cases[i].shown);
    }
}
END_TEST

START_TEST(durations_read_well_at_every_size)
{
    static const struct {
        double ms;
        const char *shown;
    } cases[] = {
        {0, "0ms"},       {0.126, "0.13ms"},   {2.5, "2.50ms"}, {26, "26ms"},      {999.4, "999ms"},
        {999.6, "1.0s"},  {1234, "1.2s"},      {59949, "59.9s"}, {59950, "1m00s"}, {125000, "2m05s"},
        {3600000, "60m00s"}, {119400, "1m59s"}, {-5, "-5ms"}, {1e300, "1e+300ms"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(false);
        line_duration_ms(&line, LINE_PLAIN, cases[i].ms);
        ck_assert_str_eq(text(), cases[i].shown);
    }
}
END_TEST

SUITE_MAIN("exporters/console/line", what_a_terminal_would_obey_is_escaped,
           a_nul_in_the_middle_hides_nothing, what_is_over_the_limit_becomes_an_ellipsis,
           behind_the_ellipsis_of_the_line_nothing_comes,
           a_text_with_a_limit_of_its_own_leaves_the_line_open,
           columns_are_reached_or_kept_two_apart, colours_stand_around_the_text_only,
           times_are_local_with_milliseconds,
           attributes_are_quoted_only_where_they_would_be_misread,
           durations_read_well_at_every_size)
