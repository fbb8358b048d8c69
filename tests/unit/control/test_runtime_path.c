// SPDX-License-Identifier: Apache-2.0
#include "shared/control/runtime_path.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/suite.h"

START_TEST(what_was_asked_for_comes_before_every_rule)
{
    char path[RUNTIME_PATH_BYTES];
    setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
    ck_assert_int_eq(runtime_path("/var/lib/mine", path), GW_OK);
    ck_assert_str_eq(path, "/var/lib/mine");
}
END_TEST

START_TEST(the_default_is_root_s_or_the_user_s)
{
    char path[RUNTIME_PATH_BYTES], expected[64], far[RUNTIME_PATH_BYTES];
    bool root = geteuid() == 0;
    setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
    ck_assert_int_eq(runtime_path("", path), GW_OK);
    ck_assert_str_eq(path, root ? "/run/masques" : "/run/user/7/masques");
    snprintf(expected, sizeof expected, "/tmp/masques-%u", geteuid());
    memset(far, 'x', sizeof far - 1);
    far[0] = '/';
    far[sizeof far - 1] = '\0';
    const char *const useless[] = {"", "relative", far};
    for (size_t i = 0; i < sizeof useless / sizeof useless[0]; i++) {
        setenv("XDG_RUNTIME_DIR", useless[i], 1);
        ck_assert_int_eq(runtime_path("", path), GW_OK);
        ck_assert_str_eq(path, root ? "/run/masques" : expected);
    }
}
END_TEST

START_TEST(a_path_that_is_too_long_is_refused)
{
    char wanted[RUNTIME_PATH_BYTES + 1], path[RUNTIME_PATH_BYTES];
    memset(wanted, 'x', sizeof wanted - 1);
    wanted[sizeof wanted - 1] = '\0';
    ck_assert_int_eq(runtime_path(wanted, path), GW_ERR_TOO_LARGE);
    wanted[RUNTIME_PATH_BYTES - 1] = '\0';
    ck_assert_int_eq(runtime_path(wanted, path), GW_OK);
    ck_assert_str_eq(path, wanted);
}
END_TEST

SUITE_MAIN("control/runtime_path", what_was_asked_for_comes_before_every_rule, the_default_is_root_s_or_the_user_s,
           a_path_that_is_too_long_is_refused)
