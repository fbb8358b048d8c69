// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/standard_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "tests/support/suite.h"

START_TEST(what_is_closed_is_filled_and_cannot_be_written)
{
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    ck_assert_int_eq(standard_files_prepare(), GW_OK);
    int next = open("/dev/zero", O_RDONLY);
    ck_assert_int_gt(next, STDERR_FILENO);
    ck_assert_int_eq(write(STDOUT_FILENO, "x", 1), -1);
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(what_is_open_stays)
{
    int out[2];
    char byte;
    ck_assert_int_eq(pipe(out), 0);
    ck_assert_int_eq(dup2(out[1], STDOUT_FILENO), STDOUT_FILENO);
    ck_assert_int_eq(standard_files_prepare(), GW_OK);
    ck_assert_int_eq(write(STDOUT_FILENO, "x", 1), 1);
    ck_assert_int_eq(read(out[0], &byte, 1), 1);
    ck_assert_int_eq(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK, 0); /* it is not ours to change */
}
END_TEST

START_TEST(a_full_stderr_blocks_nobody_and_its_owner_notices_nothing)
{
    int err[2];
    ck_assert_int_eq(pipe(err), 0);
    ck_assert_int_eq(dup2(err[1], STDERR_FILENO), STDERR_FILENO);
    ck_assert_int_eq(standard_files_prepare(), GW_OK);
    ck_assert_int_eq(fcntl(err[1], F_GETFL) & O_NONBLOCK, 0);
    char text[1000] = "";
    ssize_t n = 1;
    for (int i = 0; i < 1000 && n > 0; i++)
        n = write(STDERR_FILENO, text, sizeof text);
    ck_assert_int_eq(n, -1);
    ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

SUITE_MAIN("receiver/master/standard_files", what_is_closed_is_filled_and_cannot_be_written, what_is_open_stays,
           a_full_stderr_blocks_nobody_and_its_owner_notices_nothing)
