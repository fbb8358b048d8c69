// SPDX-License-Identifier: Apache-2.0
#include "router/retry.h"
#include "tests/support/suite.h"

START_TEST(by_default_waits_grow_by_half_from_one_second_to_thirty_give_or_take_half)
{
    static const struct {
        uint32_t attempt;
        uint64_t wait_ms;
    } cases[] = {{0, 1000}, {1, 1000}, {2, 1500}, {3, 2250}, {4, 3375}, {9, 25624},
                 {10, 30000}, {4000000000u, 30000}};
    struct retry retry = retry_from(NULL);
    ck_assert(!retry.disabled);
    ck_assert_uint_eq(retry.max_elapsed_ms, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t wait = cases[i].wait_ms;
        uint64_t jitter = wait / 2;
        ck_assert_uint_eq(retry_wait_ms(&retry, cases[i].attempt, 0, 0), wait - jitter);
        ck_assert_uint_eq(retry_wait_ms(&retry, cases[i].attempt, 0, 2 * jitter), wait + jitter);
        ck_assert_uint_le(retry_wait_ms(&retry, cases[i].attempt, 0, UINT64_MAX), wait + jitter);
    }
}
END_TEST

START_TEST(the_configuration_says_all_of_it)
{
    Masques__Control__Retry said = MASQUES__CONTROL__RETRY__INIT;
    said.initial_ms = 100;
    said.max_ms = 700;
    said.multiplier_permille = 2000;
    struct retry retry = retry_from(&said);
    static const uint64_t waits[] = {100, 200, 400, 700, 700};
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_uint_eq(retry_wait_ms(&retry, i + 1, 0, 12345), waits[i]);
    said.multiplier_permille = 10; /* no wait is shorter than the one before */
    retry = retry_from(&said);
    ck_assert_uint_eq(retry_wait_ms(&retry, 4000000000u, 0, 0), 100);
    said.initial_ms = 5000; /* more than the longest */
    retry = retry_from(&said);
    ck_assert_uint_eq(retry_wait_ms(&retry, 1, 0, 0), 700);
}
END_TEST

START_TEST(what_the_exporter_asks_for_is_the_least)
{
    struct retry retry = retry_from(NULL);
    ck_assert_uint_eq(retry_wait_ms(&retry, 1, 20000, 0), 20000);
    ck_assert_uint_eq(retry_wait_ms(&retry, 1, 100, 0), 500);
    ck_assert_uint_eq(retry_wait_ms(&retry, 1, UINT32_MAX, 0), RETRY_AFTER_MAX_MS);
}
END_TEST

START_TEST(it_gives_up_only_when_it_is_told_to)
{
    Masques__Control__Retry said = MASQUES__CONTROL__RETRY__INIT;
    struct retry retry = retry_from(&said);
    ck_assert(!retry_gives_up(&retry, 0, UINT64_MAX / 2, 1000));
    said.max_elapsed_ms = 5000;
    retry = retry_from(&said);
    ck_assert(!retry_gives_up(&retry, 1000, 4000, 2000));
    ck_assert(retry_gives_up(&retry, 1000, 4001, 2000));
    ck_assert(!retry_gives_up(&retry, 9000, 4001, 2000)); /* begun "later" */
    said.disabled = true;
    said.max_elapsed_ms = 0;
    retry = retry_from(&said);
    ck_assert(retry_gives_up(&retry, 0, 0, 0));
}
END_TEST

START_TEST(the_first_try_counts_until_the_delivery_is_over)
{
    struct retry_since since = {0};
    for (uint64_t first = 1; first <= 20; first++)
        ck_assert_uint_eq(retry_since_ms(&since, first, first * 10), first * 10);
    for (uint64_t first = 1; first <= 20; first++)
        ck_assert_uint_eq(retry_since_ms(&since, first, 9999), first * 10);
    retry_since_forget(&since, 7);
    retry_since_forget(&since, 700);
    ck_assert_uint_eq(retry_since_ms(&since, 7, 9999), 9999);
    ck_assert_uint_eq(retry_since_ms(&since, 20, 9999), 200);
    ck_assert_uint_eq(since.count, 20);
    retry_since_fini(&since);
}
END_TEST

SUITE_MAIN("router/retry", by_default_waits_grow_by_half_from_one_second_to_thirty_give_or_take_half,
           the_configuration_says_all_of_it, what_the_exporter_asks_for_is_the_least,
           it_gives_up_only_when_it_is_told_to, the_first_try_counts_until_the_delivery_is_over)
