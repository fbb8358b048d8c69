// SPDX-License-Identifier: Apache-2.0
#include "shared/base/backoff.h"
#include "tests/support/suite.h"

START_TEST(first_restart_is_at_once_then_waits_double_to_the_cap)
{
    static const uint32_t expected[] = {0, 50, 100, 200, 400, 800, 1000, 1000};
    struct backoff b = backoff_make(50, 1000, 60000);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        ck_assert_uint_eq(backoff_after_failure(&b, 10), expected[i]);
}
END_TEST

START_TEST(a_stable_while_forgets_the_failures)
{
    struct backoff b = backoff_make(50, 1000, 60000);
    for (int i = 0; i < 6; i++)
        backoff_after_failure(&b, 10);
    ck_assert_uint_eq(backoff_after_failure(&b, 59999), 1000);
    ck_assert_uint_eq(backoff_after_failure(&b, 60000), 0);
    ck_assert_uint_eq(backoff_after_failure(&b, 10), 50);
}
END_TEST

SUITE_MAIN("base/backoff", first_restart_is_at_once_then_waits_double_to_the_cap,
           a_stable_while_forgets_the_failures)
