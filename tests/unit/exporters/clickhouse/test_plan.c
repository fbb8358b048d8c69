// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/plan.h"

#include "tests/support/suite.h"

static struct plan *new_plan(uint32_t rows, uint64_t bytes)
{
    const struct plan_limits limits = {.version = PLAN_VERSION, .rows = rows, .bytes = bytes};
    struct plan *plan = plan_new(&limits);
    ck_assert_ptr_nonnull(plan);
    return plan;
}

static void add(struct plan *plan, enum table_kind table, uint32_t day, size_t bytes)
{
    ck_assert_int_eq(plan_add(plan, table, day, bytes), 0);
}

static void expect(const struct plan *plan, const struct plan_part *parts, size_t count)
{
    size_t found;
    const struct plan_part *p = plan_parts(plan, &found);
    ck_assert_uint_eq(found, count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(p[i].table, parts[i].table);
        ck_assert_uint_eq(p[i].day, parts[i].day);
        ck_assert_uint_eq(p[i].first, parts[i].first);
        ck_assert_uint_eq(p[i].last, parts[i].last);
        ck_assert_uint_eq(p[i].rows, parts[i].rows);
        ck_assert_uint_eq(p[i].bytes, parts[i].bytes);
    }
}

START_TEST(parts_are_of_one_table_and_day)
{
    struct plan *plan = new_plan(100, 1000);
    add(plan, TABLE_GAUGE, 5, 1);
    add(plan, TABLE_SUM, 5, 2);
    add(plan, TABLE_GAUGE, 6, 3);
    add(plan, TABLE_GAUGE, 5, 4);
    add(plan, TABLE_SUM, 5, 5);
    const struct plan_part parts[] = {{TABLE_GAUGE, 5, 0, 3, 2, 5}, {TABLE_SUM, 5, 1, 4, 2, 7}, {TABLE_GAUGE, 6, 2, 2, 1, 3}};
    expect(plan, parts, 3);
    plan_free(&plan);
    ck_assert_ptr_null(plan);
    plan_free(&plan);
}
END_TEST

START_TEST(parts_have_so_many_rows)
{
    struct plan *plan = new_plan(2, 1000);
    for (int i = 0; i < 5; i++)
        add(plan, TABLE_LOGS, 1, 1);
    const struct plan_part parts[] = {{TABLE_LOGS, 1, 0, 1, 2, 2}, {TABLE_LOGS, 1, 2, 3, 2, 2}, {TABLE_LOGS, 1, 4, 4, 1, 1}};
    expect(plan, parts, 3);
    plan_free(&plan);
}
END_TEST

START_TEST(parts_have_so_many_bytes)
{
    struct plan *plan = new_plan(100, 10);
    static const size_t bytes[] = {4, 6, 1, 11, 1, 10, UINT32_MAX};
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++)
        add(plan, TABLE_LOGS, 1, bytes[i]);
    const struct plan_part parts[] = {{TABLE_LOGS, 1, 0, 1, 2, 10}, {TABLE_LOGS, 1, 2, 2, 1, 1},
                                      {TABLE_LOGS, 1, 3, 3, 1, 11}, {TABLE_LOGS, 1, 4, 4, 1, 1},
                                      {TABLE_LOGS, 1, 5, 5, 1, 10}, {TABLE_LOGS, 1, 6, 6, 1, UINT32_MAX}};
    expect(plan, parts, 6);
    plan_free(&plan);
}
END_TEST

START_TEST(nothing_makes_no_part)
{
    struct plan *plan = new_plan(1, 1);
    expect(plan, NULL, 0);
    plan_free(&plan);
}
END_TEST

/* Each day of all that there are, in each table, and once more: every record is in one part. */
START_TEST(days_may_be_many)
{
    enum { DAYS = 49711 };
    struct plan *plan = new_plan(3, 1000000);
    size_t count;
    for (unsigned round = 0; round < 2; round++)
        for (uint32_t day = 0; day < DAYS; day++)
            for (enum table_kind table = TABLE_GAUGE; table <= TABLE_SUMMARY; table++)
                add(plan, table, day, 1);
    const struct plan_part *parts = plan_parts(plan, &count);
    ck_assert_uint_eq(count, DAYS * 5);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(parts[i].rows, 2);
        ck_assert_uint_eq(parts[i].first, i);
        ck_assert_uint_eq(parts[i].last, i + count);
        ck_assert_uint_eq(parts[i].day, i / 5);
    }
    plan_free(&plan);
}
END_TEST

START_TEST(unknown_versions_are_refused)
{
    const struct plan_limits limits = {.version = PLAN_VERSION + 1, .rows = 1, .bytes = 1};
    ck_assert(plan_knows(PLAN_VERSION));
    ck_assert(!plan_knows(PLAN_VERSION + 1));
    ck_assert(!plan_knows(0));
    ck_assert_ptr_null(plan_new(&limits));
}
END_TEST

SUITE_MAIN("plan", parts_are_of_one_table_and_day, parts_have_so_many_rows, parts_have_so_many_bytes,
           nothing_makes_no_part, days_may_be_many, unknown_versions_are_refused)
