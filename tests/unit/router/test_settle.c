// SPDX-License-Identifier: Apache-2.0
#include "router/settle.h"
#include "tests/support/suite.h"

START_TEST(waits_grow_by_half_up_to_the_cap_give_or_take_half)
{
    static const struct {
        uint32_t attempt;
        uint64_t wait_ms;
    } cases[] = {{0, 5000},  {1, 5000},  {2, 7500},  {3, 11250},
                 {4, 16875}, {5, 25312}, {6, 30000}, {4000000000u, 30000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t wait = cases[i].wait_ms;
        ck_assert_uint_eq(settle_retry_ms(cases[i].attempt, 0), wait / 2);
        ck_assert_uint_eq(settle_retry_ms(cases[i].attempt, wait), wait / 2 + wait);
        ck_assert_uint_le(settle_retry_ms(cases[i].attempt, UINT64_MAX), wait / 2 + wait);
    }
}
END_TEST

SUITE_MAIN("router/settle", waits_grow_by_half_up_to_the_cap_give_or_take_half)
