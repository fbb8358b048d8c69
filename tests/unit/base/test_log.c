// SPDX-License-Identifier: Apache-2.0
#include "shared/base/log.h"

#include <string.h>
#include <unistd.h>

#include "tests/support/suite.h"

static void logged(char *text, size_t room, enum log_level level, const char *message)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    struct log log = {"test", LOG_LEVEL_INFO, fds[1]};
    log_write(&log, level, "%s", message);
    close(fds[1]);
    ssize_t n = read(fds[0], text, room - 1);
    text[n > 0 ? n : 0] = '\0';
    close(fds[0]);
}

START_TEST(a_line_has_time_level_and_name)
{
    char text[5000];
    logged(text, sizeof text, LOG_LEVEL_WARN, "hello");
    ck_assert_msg(strlen(text) > 25 && strcmp(text + 24, " warn  test: hello\n") == 0, "%s", text);
    ck_assert_int_eq(text[23], 'Z');
}
END_TEST

START_TEST(what_could_fake_a_line_is_escaped)
{
    char text[5000];
    logged(text, sizeof text, LOG_LEVEL_ERROR, "a\nb\x1b[31m");
    ck_assert_msg(strstr(text, "a\\x0ab\\x1b[31m\n"), "%s", text);
}
END_TEST

START_TEST(levels_below_are_silent_and_long_lines_end)
{
    char text[9000];
    char longest[8000];
    logged(text, sizeof text, LOG_LEVEL_DEBUG, "not said");
    ck_assert_str_eq(text, "");
    memset(longest, '\x01', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    logged(text, sizeof text, LOG_LEVEL_INFO, longest);
    ck_assert_uint_le(strlen(text), 4096);
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
}
END_TEST

START_TEST(the_gate_counts_what_it_holds_back)
{
    struct log_gate gate = {0};
    ck_assert_uint_eq(log_gate_pass(&gate, 1000, 10000), 1);
    ck_assert_uint_eq(log_gate_pass(&gate, 1001, 10000), 0);
    ck_assert_uint_eq(log_gate_pass(&gate, 10999, 10000), 0);
    ck_assert_uint_eq(log_gate_pass(&gate, 11000, 10000), 3);
}
END_TEST

START_TEST(level_names_are_read_back)
{
    for (int i = 0; i <= LOG_LEVEL_DEBUG; i++)
        ck_assert_int_eq(log_level_parse(log_level_name((enum log_level)i)), i);
    ck_assert_int_eq(log_level_parse("loud"), -1);
}
END_TEST

SUITE_MAIN("base/log", a_line_has_time_level_and_name, what_could_fake_a_line_is_escaped,
           levels_below_are_silent_and_long_lines_end, the_gate_counts_what_it_holds_back,
           level_names_are_read_back)
