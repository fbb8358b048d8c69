// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "exporters/clickhouse/division.h"
#include "tests/support/suite.h"

#define ROWS_MAX 300u

/* Divides until all is taken or rejected; `bad[n]`: row n is refused. Returns the number of sendings. */
static unsigned run(uint32_t rows, const bool *bad, bool *taken)
{
    struct division d = {.rows = rows};
    unsigned sent = 0;
    memset(taken, 0, ROWS_MAX * sizeof *taken);
    for (uint32_t next; (next = division_next(&d)) > 0; sent++) {
        bool refused = false;
        ck_assert_uint_le(d.position + next, rows);
        for (uint32_t i = 0; i < next; i++)
            refused |= bad[d.position + i];
        if (!refused) {
            for (uint32_t i = 0; i < next; i++) {
                ck_assert(!taken[d.position + i]);
                taken[d.position + i] = true;
            }
            division_taken(&d);
        } else if (!division_halve(&d)) {
            division_reject(&d, 1);
        }
        ck_assert_uint_lt(sent, 10 * rows + 10);
    }
    ck_assert_uint_eq(d.position, rows);
    return sent;
}

static void check(uint32_t rows, const bool *bad)
{
    bool taken[ROWS_MAX];
    run(rows, bad, taken);
    for (uint32_t i = 0; i < rows; i++)
        ck_assert_msg(taken[i] == !bad[i], "row %u of %u", i, rows);
}

START_TEST(every_row_is_taken_unless_it_is_bad)
{
    bool bad[ROWS_MAX] = {false};
    for (uint32_t rows = 1; rows < 70; rows++)
        for (uint32_t at = 0; at < rows; at++) {
            bad[at] = true;
            check(rows, bad);
            bad[(at * 7 + 3) % rows] = true;
            check(rows, bad);
            memset(bad, 0, sizeof bad);
        }
    memset(bad, 1, sizeof bad);
    check(ROWS_MAX, bad);
}
END_TEST

START_TEST(one_bad_row_costs_few_sendings)
{
    bool bad[ROWS_MAX] = {false}, taken[ROWS_MAX];
    ck_assert_uint_eq(run(256, bad, taken), 1);
    for (uint32_t at = 0; at < 256; at++) {
        bad[at] = true;
        ck_assert_uint_le(run(256, bad, taken), 3 * 8);
        bad[at] = false;
    }
}
END_TEST

/* Whoever goes on from any state meets the same spans. */
START_TEST(the_way_is_a_function_of_the_state)
{
    struct division d = {.rows = 100};
    ck_assert(division_halve(&d));
    ck_assert_uint_eq(d.span, 64);
    ck_assert(division_halve(&d));
    ck_assert_uint_eq(d.span, 32);
    division_taken(&d);
    ck_assert(d.position == 32 && d.span == 32);
    division_taken(&d);
    ck_assert(d.position == 64 && d.span == 64 && division_next(&d) == 36);
    ck_assert(division_halve(&d));
    division_taken(&d);
    ck_assert(d.position == 96 && d.span == 32 && division_next(&d) == 4);
    ck_assert(division_halve(&d));
    ck_assert_uint_eq(d.span, 2);
    ck_assert(division_halve(&d));
    ck_assert(!division_halve(&d));
    division_reject(&d, 1);
    ck_assert(d.position == 97 && d.span == 1);
    division_taken(&d);
    ck_assert(d.position == 98 && d.span == 2);
}
END_TEST

SUITE_MAIN("division", every_row_is_taken_unless_it_is_bad, one_bad_row_costs_few_sendings,
           the_way_is_a_function_of_the_state)
