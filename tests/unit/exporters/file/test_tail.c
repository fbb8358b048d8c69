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

static void fill(const char *file, size_t len, uint64_t offset, const char *wanted, int rc, const char *after)
{
    char got[16] = "";
    int fd = file_of(file, len);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_APPEND), 0);
    ck_assert_int_eq(tail_fill(fd, offset, slice_of(wanted)), rc);
    ck_assert_int_eq(pread(fd, got, sizeof got, 0), (ssize_t)len);
    ck_assert_mem_eq(got, after, len);
    ck_assert_int_eq(fcntl(fd, F_GETFL) & O_APPEND, O_APPEND);
    close(fd);
}

START_TEST(zeros_are_filled_and_nothing_else_is)
{
    fill("xxab\0\0ef", 8, 2, "abcdef", 0, "xxabcdef");
    fill("xx\0bc\0", 6, 2, "abcd", 0, "xxabcd");
    fill("xxabcd", 6, 2, "abcd", 0, "xxabcd");
    fill("xx\0bcz", 6, 2, "abcd", GW_ERR_NOT_FOUND, "xx\0bcz");
    fill("xxab\0", 5, 2, "abcd", GW_ERR_NOT_FOUND, "xxab\0");
}
END_TEST

START_TEST(a_hole_between_what_is_read_at_a_time_is_filled)
{
    static char wanted[200001], file[200000], got[200000];
    memset(wanted, 'x', sizeof wanted - 1);
    memset(file, 'x', sizeof file);
    memset(file + 60000, 0, 80000);
    int fd = file_of(file, sizeof file);
    ck_assert_int_eq(tail_fill(fd, 0, slice_of(wanted)), 0);
    ck_assert_int_eq(pread(fd, got, sizeof got, 0), (ssize_t)sizeof got);
    ck_assert_mem_eq(got, wanted, sizeof got);
    close(fd);
}
END_TEST

SUITE_MAIN("tail", a_line_is_whole_when_it_has_its_end,
           a_frame_is_whole_when_all_of_its_length_is_there,
           bytes_match_as_far_as_they_are_the_same_and_may_be_looked_at,
           zeros_are_filled_and_nothing_else_is, a_hole_between_what_is_read_at_a_time_is_filled)
