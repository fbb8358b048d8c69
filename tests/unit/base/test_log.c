// SPDX-License-Identifier: Apache-2.0
#include "shared/base/log.h"

#include <string.h>
#include <sys/socket.h>
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

START_TEST(text_that_people_read_stays_and_bytes_that_are_none_do_not)
{
    char text[5000];
    logged(text, sizeof text, LOG_LEVEL_ERROR, "\xc3\xa9 \xe2\x82\xac \xff \xc2\x9b" "31m \xe2\x82");
    ck_assert_msg(strstr(text, ": \xc3\xa9 \xe2\x82\xac \\xff \\xc2\\x9b31m \\xe2\\x82\n"), "%s", text);
}
END_TEST

/* A pipe or a socket that nobody reads: nothing waits for it, and what is missing is told later. */
static void fill_and_go_on(int fds[2])
{
    char text[200000];
    struct log log = {"test", LOG_LEVEL_INFO, fds[1]};
    for (int i = 0; i < 20000; i++)
        log_info(&log, "a line of a certain length, number %d", i);
    ssize_t n = 0;
    for (ssize_t got = 1; got > 0 && (size_t)n < sizeof text; n += got > 0 ? got : 0)
        got = recv(fds[0], text + n, sizeof text - (size_t)n, MSG_DONTWAIT);
    if (n == 0)
        n = read(fds[0], text, sizeof text);
    ck_assert_int_gt(n, 1000);
    log_info(&log, "after that");
    n = read(fds[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    ck_assert_msg(strstr(text, " line(s) of this log were dropped: nobody took them\n"), "%s", text);
    ck_assert_msg(strstr(text, "after that\n"), "%s", text);
    log_info(&log, "and again");
    n = read(fds[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    ck_assert_msg(strstr(text, "dropped") == NULL, "%s", text);
}

START_TEST(a_pipe_that_nobody_reads_stops_nobody)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    fill_and_go_on(fds);
}
END_TEST

START_TEST(a_socket_that_nobody_reads_stops_nobody)
{
    int fds[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    fill_and_go_on(fds);
}
END_TEST

START_TEST(a_reader_that_has_gone_is_no_signal)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    close(fds[0]);
    struct log log = {"test", LOG_LEVEL_INFO, fds[1]};
    log_info(&log, "nobody hears it"); /* SIGPIPE would end the test */
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
           text_that_people_read_stays_and_bytes_that_are_none_do_not, a_pipe_that_nobody_reads_stops_nobody,
           a_socket_that_nobody_reads_stops_nobody, a_reader_that_has_gone_is_no_signal,
           levels_below_are_silent_and_long_lines_end, the_gate_counts_what_it_holds_back,
           level_names_are_read_back)
