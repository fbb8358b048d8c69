// SPDX-License-Identifier: Apache-2.0
#include "router/store/ids.h"

#include <string.h>

#include "tests/support/suite.h"

static uint8_t *worker(unsigned n)
{
    static uint8_t incarnation[IDS_INCARNATION_BYTES];
    memset(incarnation, 0, sizeof incarnation);
    incarnation[0] = (uint8_t)n;
    incarnation[1] = (uint8_t)(n >> 8);
    return incarnation;
}

START_TEST(numbers_join_into_runs_in_any_order)
{
    static const uint8_t orders[][5] = {
        {1, 2, 3, 4, 5}, {5, 4, 3, 2, 1}, {1, 5, 3, 2, 4}, {2, 4, 1, 5, 3}};
    for (size_t o = 0; o < 4; o++) {
        struct ids ids = {0};
        for (unsigned i = 0; i < 5; i++) {
            ck_assert(!ids_contains(&ids, worker(1), orders[o][i]));
            ck_assert_int_eq(ids_add(&ids, worker(1), orders[o][i], 0), 0);
            ck_assert_int_eq(ids_add(&ids, worker(1), orders[o][i], 0), 0);
            ck_assert(ids_contains(&ids, worker(1), orders[o][i]));
        }
        ck_assert_uint_eq(ids.runs, 1);
        ck_assert(!ids_contains(&ids, worker(1), 0));
        ck_assert(!ids_contains(&ids, worker(1), 6));
        ck_assert(!ids_contains(&ids, worker(2), 3));
        ids_fini(&ids);
    }
}
END_TEST

START_TEST(what_lies_below_the_lowest_open_number_is_forgotten)
{
    struct ids ids = {0};
    for (uint64_t n = 1; n < 100; n += 2)
        ck_assert_int_eq(ids_add(&ids, worker(1), n, 1), 0);
    ck_assert_uint_eq(ids.runs, 50);
    ck_assert_int_eq(ids_add(&ids, worker(1), 101, 91), 0);
    ck_assert_uint_eq(ids.runs, 6);
    ck_assert_uint_eq(ids_lowest(&ids, worker(1)), 91);
    ck_assert(!ids_contains(&ids, worker(1), 89));
    ck_assert(ids_contains(&ids, worker(1), 91));
    ck_assert_int_eq(ids_add(&ids, worker(1), 103, 5), 0); /* it never falls */
    ck_assert_uint_eq(ids_lowest(&ids, worker(1)), 91);
    ck_assert_uint_eq(ids_lowest(&ids, worker(2)), 0);
    ids_fini(&ids);
}
END_TEST

START_TEST(a_snapshot_gives_the_same_ids_and_adds_to_what_is_there)
{
    struct ids ids = {0}, copy = {0};
    struct buf out = buf_make(IDS_SNAPSHOT_MAX_BYTES);
    for (unsigned w = 1; w < 20; w++) {
        for (uint64_t n = w; n < 60; n += w)
            ck_assert_int_eq(ids_add(&ids, worker(w), n, w), 0);
    }
    ids_snapshot_put(&ids, &out);
    ck_assert(buf_ok(&out));
    ck_assert_int_eq(ids_add(&copy, worker(1), 70, 65), 0);
    ck_assert_int_eq(ids_snapshot_add(&copy, buf_slice(&out)), 0);
    for (unsigned w = 2; w < 20; w++) {
        for (uint64_t n = 1; n < 60; n++)
            ck_assert(ids_contains(&copy, worker(w), n) == ids_contains(&ids, worker(w), n));
    }
    ck_assert(ids_contains(&copy, worker(1), 70));
    ck_assert(!ids_contains(&copy, worker(1), 59)); /* below its lowest open number by now */
    for (size_t len = 0; len < out.len; len++) {
        struct ids part = {0};
        ck_assert_int_eq(ids_snapshot_add(&part, slice_make(out.data, len)), GW_ERR_MALFORMED);
        ids_fini(&part);
    }
    ids_fini(&ids);
    ids_fini(&copy);
    buf_free(&out);
}
END_TEST

START_TEST(memory_is_bounded_whatever_workers_do)
{
    struct ids ids = {0};
    uint64_t n = 1;
    while (ids_add(&ids, worker(1), n, 1) == 0)
        n += 2;
    ck_assert_uint_eq(ids.runs, IDS_RUNS_MAX);
    ck_assert(!ids_contains(&ids, worker(1), n));
    ids_forget(&ids, worker(1));
    ck_assert_uint_eq(ids.runs, 0);
    for (unsigned w = 0; w < IDS_WORKERS_MAX; w++)
        ck_assert_int_eq(ids_add(&ids, worker(w), 5, 1), 0);
    ck_assert_int_eq(ids_add(&ids, worker(0), 6, 1), 0); /* heard again */
    ck_assert_int_eq(ids_add(&ids, worker(IDS_WORKERS_MAX), 5, 1), 0);
    ck_assert_uint_eq(ids.count, IDS_WORKERS_MAX);
    ck_assert(ids_contains(&ids, worker(0), 6));
    ck_assert(!ids_contains(&ids, worker(1), 5)); /* the quietest gave way */
    struct buf out = buf_make(IDS_SNAPSHOT_MAX_BYTES);
    ids_snapshot_put(&ids, &out);
    ck_assert(buf_ok(&out));
    buf_free(&out);
    ids_clear(&ids);
    ck_assert(!ids_contains(&ids, worker(0), 6));
    ck_assert_uint_eq(ids_lowest(&ids, worker(0)), 0);
    ids_fini(&ids);
}
END_TEST

SUITE_MAIN("ids", numbers_join_into_runs_in_any_order,
           what_lies_below_the_lowest_open_number_is_forgotten,
           a_snapshot_gives_the_same_ids_and_adds_to_what_is_there,
           memory_is_bounded_whatever_workers_do)
