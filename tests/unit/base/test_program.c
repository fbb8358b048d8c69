// SPDX-License-Identifier: Apache-2.0
#include "shared/base/program.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/suite.h"

START_TEST(programs_are_found_or_named)
{
    char directory[] = "/tmp/masques-program-XXXXXX";
    char path[512], why[512] = "", expected[128], plain[128];
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(expected, sizeof expected, "%s/masques-router", directory);
    snprintf(plain, sizeof plain, "%s/masques-plain", directory);
    close(open(expected, O_CREAT | O_WRONLY | O_CLOEXEC, 0700));
    close(open(plain, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ck_assert_int_eq(program_find(directory, "masques-router", path, why), GW_OK);
    ck_assert_str_eq(path, expected);
    ck_assert_int_eq(program_find(directory, "masques-nothing", path, why), GW_ERR_NOT_FOUND);
    ck_assert_msg(strstr(why, "masques-nothing") && strstr(why, directory), "%s", why);
    /* What cannot be executed is no program. */
    ck_assert_int_eq(program_find(directory, "masques-plain", path, why), GW_ERR_NOT_FOUND);
    ck_assert_int_eq(program_find(NULL, "masques-nothing", path, why), GW_ERR_NOT_FOUND);
    ck_assert_msg(strstr(why, "is not installed") != NULL, "%s", why);
    /* Beside ourselves. */
    ck_assert_int_eq(program_find(NULL, "test-base-program", path, why), GW_OK);
    unlink(expected);
    unlink(plain);
    rmdir(directory);
}
END_TEST

SUITE_MAIN("base/program", programs_are_found_or_named)
