// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/tail.h"
#include "tests/support/suite.h"
#include "tests/unit/exporters/file/directory.h"

static int file_of(const void *bytes, size_t len)
{
    char path[] = "/tmp/masques-tail-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    unlink(path);
    ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
    return fd;
}

static uint64_t tail(const void *bytes, size_t len, uint64_t from, bool framed)
{
    int fd = file_of(bytes, len);
    uint64_t end = 12345;
    ck_assert_int_eq(tail_find(fd, from, len, framed, &end), 0);
    close(fd);
    return end;
}

START_TEST(a_line_is_whole_when_it_has_its_end)
{
    ck_assert_uint_eq(tail("", 0, 0, false), 0);
    ck_assert_uint_eq(tail("abc\n", 4, 0, false), 4);
    ck_assert_uint_eq(tail("abc\nde", 6, 0, false), 4);
    ck_assert_uint_eq(tail("abc", 3, 0, false), 0);
    ck_assert_uint_eq(tail("a\nbc", 4, 2, false), 2);
    ck_assert_uint_eq(tail("a\n\0\0\0", 5, 0, false), 2);
    static char large[300000]; /* more than is read at a time */
    memset(large, 'x', sizeof large);
    large[9] = '\n';
    ck_assert_uint_eq(tail(large, sizeof large, 0, false), 10);
    large[sizeof large - 1] = '\n';
    ck_assert_uint_eq(tail(large, sizeof large, 0, false), sizeof large);
}
END_TEST

START_TEST(a_frame_is_whole_when_all_of_its_length_is_there)
{
    static const uint8_t two[] = {0, 0, 0, 1, 'a', 0, 0, 0, 2, 'b', 'c'};
    ck_assert_uint_eq(tail(two, 11, 0, true), 11);
    for (size_t len = 5; len < 11; len++)
        ck_assert_uint_eq(tail(two, len, 0, true), 5);
    for (size_t len = 0; len < 5; len++)
        ck_assert_uint_eq(tail(two, len, 0, true), 0);
    ck_assert_uint_eq(tail(two, 10, 5, true), 5);
    static const uint8_t zeros[] = {0, 0, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 0};
    ck_assert_uint_eq(tail(zeros, sizeof zeros, 0, true), 5);
    static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 'a'};
    ck_assert_uint_eq(tail(huge, sizeof huge, 0, true), 0);
}
END_TEST

static uint64_t match(const char *file, uint64_t offset, uint64_t limit, const char *wanted)
{
    int fd = file_of(file, strlen(file));
    uint64_t matched;
    ck_assert_int_eq(tail_match(fd, offset, limit, slice_of(wanted), &matched), 0);
    close(fd);
    return matched;
}

START_TEST(bytes_match_as_far_as_they_are_the_same_and_may_be_looked_at)
{
    ck_assert_uint_eq(match("xxabc", 2, 5, "abc"), 3);
    ck_assert_uint_eq(match("xxabc", 2, 5, "abcd"), 3);
    ck_assert_uint_eq(match("xxabd", 2, 5, "abc"), 2);
    ck_assert_uint_eq(match("xxabc", 2, 4, "abc"), 2);
    ck_assert_uint_eq(match("xxabc", 2, 2, "abc"), 0);
    ck_assert_uint_eq(match("xxabc", 9, 99, "abc"), 0);
}
END_TEST

SUITE_MAIN("tail", a_line_is_whole_when_it_has_its_end,
           a_frame_is_whole_when_all_of_its_length_is_there,
           bytes_match_as_far_as_they_are_the_same_and_may_be_looked_at)
