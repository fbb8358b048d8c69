// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/ledger.h"

#include "tests/support/suite.h"

#define STEP ((uint64_t)LEDGER_FIRST_STEP_BYTES)

START_TEST(a_reservation_is_whole_or_nothing)
{
    struct ledger l;
    ledger_init(&l, 100);
    ck_assert(ledger_reserve(&l, 60));
    ck_assert(!ledger_reserve(&l, 41));
    ck_assert_uint_eq(l.used_bytes, 60);
    ck_assert_uint_eq(l.refusals, 1);
    ck_assert(ledger_reserve(&l, 40));
    ck_assert(!ledger_reserve(&l, 1));
    ck_assert(ledger_reserve(&l, 0));
}
END_TEST

START_TEST(sizes_that_would_wrap_find_no_room)
{
    struct ledger l;
    ledger_init(&l, 100);
    ck_assert(ledger_reserve(&l, 60));
    ck_assert(!ledger_reserve(&l, UINT64_MAX));
    ck_assert(!ledger_reserve(&l, UINT64_MAX - 59));
    ck_assert_uint_eq(l.used_bytes, 60);
}
END_TEST

START_TEST(what_is_released_can_be_reserved_again)
{
    struct ledger l;
    ledger_init(&l, 100);
    for (int i = 0; i < 3; i++) {
        ck_assert(ledger_reserve(&l, 100));
        ledger_release(&l, 30);
        ledger_release(&l, 70);
    }
    ck_assert_uint_eq(l.used_bytes, 0);
    ck_assert_uint_eq(l.refusals, 0);
}
END_TEST

START_TEST(the_peak_stays)
{
    struct ledger l;
    ledger_init(&l, 100);
    ck_assert(ledger_reserve(&l, 70));
    ledger_release(&l, 70);
    ck_assert(ledger_reserve(&l, 10));
    ck_assert_uint_eq(l.peak_bytes, 70);
}
END_TEST

START_TEST(a_body_of_unknown_size_grows_in_doubling_steps)
{
    static const struct {
        uint64_t held, need, limit, want;
        const char *why;
    } cases[] = {
        {0, 1, 1 << 20, STEP, "the first step"},
        {STEP, STEP, 1 << 20, STEP, "covered already"},
        {STEP, STEP + 1, 1 << 20, 2 * STEP, "doubled"},
        {STEP, 5 * STEP, 1 << 20, 5 * STEP, "a need beyond the double"},
        {STEP, STEP + 1, STEP + 7, STEP + 7, "not beyond the limit"},
        {0, 1, 100, 100, "a limit below the first step"},
        {1, 2, UINT64_MAX, STEP, "the first step is the least"},
        {0, 0, 100, 0, "nothing is needed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ledger l;
        ledger_init(&l, 10 << 20);
        uint64_t held = cases[i].held;
        ck_assert(ledger_reserve(&l, held));
        ck_assert_msg(ledger_grow(&l, &held, cases[i].need, cases[i].limit), "%s", cases[i].why);
        ck_assert_msg(held == cases[i].want, "%s: %llu", cases[i].why, (unsigned long long)held);
        ck_assert_uint_eq(l.used_bytes, held);
    }
}
END_TEST

START_TEST(the_last_to_ask_is_refused_and_keeps_what_it_has)
{
    struct ledger l;
    ledger_init(&l, 3 * STEP);
    uint64_t first = 0;
    uint64_t second = 0;
    ck_assert(ledger_grow(&l, &first, 1, 1 << 20));
    ck_assert(ledger_grow(&l, &second, 1, 1 << 20));
    ck_assert(ledger_grow(&l, &first, STEP + 1, 1 << 20));
    ck_assert(!ledger_grow(&l, &second, STEP + 1, 1 << 20));
    ck_assert_uint_eq(second, STEP);
    ck_assert_uint_eq(l.used_bytes, 3 * STEP);
    ck_assert_uint_eq(l.refusals, 1);
}
END_TEST

SUITE_MAIN("ledger", a_reservation_is_whole_or_nothing, sizes_that_would_wrap_find_no_room,
           what_is_released_can_be_reserved_again, the_peak_stays,
           a_body_of_unknown_size_grows_in_doubling_steps,
           the_last_to_ask_is_refused_and_keeps_what_it_has)
