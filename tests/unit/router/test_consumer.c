// SPDX-License-Identifier: Apache-2.0
#include "router/store/consumer.h"

#include "tests/support/suite.h"

/* Every batch has 10 records and 100 bytes. */
static struct position at(uint64_t sequence)
{
    return (struct position){sequence, (sequence - 1) * 10, (sequence - 1) * 100};
}

static struct cursor cursor_with(const uint64_t *bounds, unsigned groups)
{
    struct cursor c = {0};
    cursor_begin(&c, at(bounds[0]));
    for (unsigned i = 0; i < groups; i++) {
        struct group g = {.start = at(bounds[i]),
                          .next = at(bounds[i + 1]),
                          .generation = 1,
                          .digest = i + 1,
                          .attempts = 1,
                          .state = GROUP_SENT};
        ck_assert_int_eq(cursor_push(&c, &g), 0);
    }
    return c;
}

static void check(const struct cursor *c, uint64_t end)
{
    struct position pending;
    cursor_pending(c, at(end), &pending);
    ck_assert_uint_eq(at(end).records - c->start.records,
                      c->delivered + c->rejected + cursor_lost(c) + pending.records);
    ck_assert_uint_eq(pending.bytes, pending.records * 10);
    ck_assert_uint_eq(pending.sequence * 10, pending.records);
    uint64_t expect = c->at.sequence;
    for (uint32_t i = 0; i < c->count; i++) { /* side by side, the first one pending */
        ck_assert_uint_eq(c->groups[i].start.sequence, expect);
        expect = c->groups[i].next.sequence;
    }
    ck_assert_uint_eq(c->next.sequence, expect);
    if (c->count)
        ck_assert_int_ne(c->groups[0].state, GROUP_DONE);
}

static const uint64_t bounds[] = {1, 4, 7, 10};

START_TEST(the_cursor_passes_the_contiguous_prefix_only)
{
    struct cursor c = cursor_with(bounds, 3);
    ck_assert(cursor_done(&c, 4, 5));
    ck_assert_uint_eq(c.at.sequence, 1);
    check(&c, 12);
    ck_assert(!cursor_done(&c, 4, 0));
    ck_assert(!cursor_done(&c, 2, 0)); /* inside a group is not the group */
    ck_assert(cursor_done(&c, 1, 1000));
    ck_assert_uint_eq(c.at.sequence, 7);
    ck_assert_uint_eq(c.rejected, 35);
    ck_assert_uint_eq(c.delivered, 25);
    check(&c, 12);
    ck_assert(cursor_lose_group(&c, 7, STORE_LOSS_GAVE_UP));
    ck_assert_uint_eq(c.count, 0);
    check(&c, 12);
    cursor_clear(&c);
}
END_TEST

START_TEST(a_group_must_begin_where_the_last_one_ends)
{
    struct cursor c = cursor_with(bounds, 3);
    static const uint64_t wrong[][2] = {{9, 12}, {11, 12}, {10, 10}, {10, 9}};
    for (size_t i = 0; i < 4; i++) {
        struct group g = {.start = at(wrong[i][0]), .next = at(wrong[i][1])};
        ck_assert_int_eq(cursor_push(&c, &g), GW_ERR_INVALID);
    }
    check(&c, 12);
    cursor_clear(&c);
}
END_TEST

static void count_retired(void *ctx, const struct group *group)
{
    unsigned *count = ctx;
    ck_assert_int_ne(group->state, GROUP_DONE);
    (*count)++;
}

START_TEST(losing_cuts_the_group_that_lies_across)
{
    static const struct {
        const char *why;
        uint64_t before, at;
        uint64_t records;
        unsigned retired, groups;
    } cases[] = {
        {"nothing", 1, 1, 0, 0, 3},
        {"in the first group", 3, 3, 20, 1, 3},
        {"at a border: the next one is answered", 4, 7, 30, 1, 1},
        {"in the second, which is answered", 6, 7, 30, 1, 1},
        {"in the third", 8, 8, 40, 2, 1},
        {"all groups", 10, 10, 60, 2, 0},
        {"beyond all groups", 12, 12, 80, 2, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cursor c = cursor_with(bounds, 3);
        unsigned retired = 0;
        uint64_t records;
        ck_assert_int_eq(cursor_note(&c, 1, (const uint8_t *)"x", 1), 0);
        ck_assert(cursor_done(&c, 4, 0));
        ck_assert(cursor_lose(&c, at(cases[i].before), 99, STORE_LOSS_SPACE, count_retired,
                              &retired, &records));
        ck_assert_msg(c.at.sequence == cases[i].at, "%s", cases[i].why);
        ck_assert_msg(records == cases[i].records, "%s", cases[i].why);
        ck_assert_msg(retired == cases[i].retired, "%s", cases[i].why);
        ck_assert_msg(c.count == cases[i].groups, "%s", cases[i].why);
        ck_assert_uint_eq(c.lost[STORE_LOSS_SPACE], records);
        check(&c, 14);
        if (cases[i].before == 3) {
            const struct group *rest = cursor_find(&c, 3);
            ck_assert_uint_eq(rest->digest, 99);
            ck_assert_int_eq(rest->state, GROUP_WAITING);
            ck_assert_ptr_null(rest->note);
            ck_assert(rest->maybe_twice);
            ck_assert_uint_eq(rest->attempts, 0);
        }
        cursor_clear(&c);
    }
}
END_TEST

START_TEST(pieces_take_the_place_of_a_group)
{
    struct cursor c = cursor_with(bounds, 3);
    unsigned retired = 0;
    struct group_piece pieces[] = {{at(5), 50, false}, {at(6), 0, true}, {at(7), 60, false}};
    ck_assert_int_eq(cursor_replace(&c, 4, pieces, 2, STORE_LOSS_CORRUPT, count_retired, &retired),
                     GW_ERR_INVALID);
    ck_assert_int_eq(cursor_replace(&c, 5, pieces, 3, STORE_LOSS_CORRUPT, count_retired, &retired),
                     GW_ERR_NOT_FOUND);
    ck_assert_uint_eq(retired, 0);
    ck_assert_int_eq(cursor_replace(&c, 4, pieces, 3, STORE_LOSS_CORRUPT, count_retired, &retired),
                     0);
    ck_assert_uint_eq(retired, 1);
    ck_assert_uint_eq(c.count, 5);
    ck_assert_uint_eq(c.lost[STORE_LOSS_CORRUPT], 10);
    ck_assert_uint_eq(cursor_find(&c, 4)->digest, 50);
    ck_assert_uint_eq(cursor_find(&c, 6)->digest, 60);
    ck_assert_ptr_null(cursor_find(&c, 5));
    check(&c, 12);
    struct group_piece lost = {at(4), 0, true};
    ck_assert_int_eq(cursor_replace(&c, 1, &lost, 1, STORE_LOSS_MISSING, NULL, NULL), 0);
    ck_assert_uint_eq(c.at.sequence, 4);
    check(&c, 12);
    cursor_clear(&c);
}
END_TEST

START_TEST(a_signal_taken_up_again_keeps_its_counters)
{
    struct cursor c = cursor_with(bounds, 3);
    uint64_t records;
    ck_assert(cursor_done(&c, 1, 3));
    ck_assert(cursor_lose(&c, at(12), 0, STORE_LOSS_UNSUBSCRIBED, NULL, NULL, &records));
    check(&c, 12);
    cursor_begin(&c, at(20));
    check(&c, 20);
    check(&c, 25);
    ck_assert_uint_eq(c.rejected, 3);
    cursor_clear(&c);
}
END_TEST

SUITE_MAIN("consumer", the_cursor_passes_the_contiguous_prefix_only,
           a_group_must_begin_where_the_last_one_ends, losing_cuts_the_group_that_lies_across,
           pieces_take_the_place_of_a_group, a_signal_taken_up_again_keeps_its_counters)
