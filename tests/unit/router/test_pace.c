// SPDX-License-Identifier: Apache-2.0
#include "router/pace.h"
#include "tests/support/suite.h"

#define NOW 10000u

/* A lane that got `bytes` in `records` just now, after a long pause. */
static struct subscriber exporter(uint64_t bytes, uint64_t records)
{
    struct subscriber sub = {.signals = 1u << 1,
                             .credit_known = true,
                             .credit = 64u << 20,
                             .max_bytes = 8u << 20,
                             .max_records = 10000,
                             .in_flight = 2};
    *subscriber_lane(&sub, 1) =
        (struct lane){.open_bytes = bytes, .open_records = records, .since_ms = NOW};
    return sub;
}

/* ---- cases ---- */

struct change {
    const char *why;
    uint64_t bytes, records;
    uint32_t linger_ms;
    uint64_t formed_ms;
    size_t out; /* deliveries that the exporter has */
    uint64_t out_bytes, pause_ms;
    bool ask, blocked, hurried;
    bool forms;
    uint64_t due_ms;
};

static const struct change changes[] = {
    {.why = "after a pause it goes out at once", .bytes = 1, .records = 1, .forms = true, .due_ms = NOW},
    {.why = "there is nothing", .forms = false},
    {.why = "the store may have more", .ask = true, .forms = true},
    {.why = "close behind another it waits", .bytes = 1, .records = 1, .formed_ms = NOW - 1, .due_ms = NOW + PACE_WORTH_MS},
    {.why = "one that is out is close", .bytes = 1, .records = 1, .out = 1, .due_ms = NOW + PACE_WORTH_MS},
    {.why = "worth its message", .bytes = PACE_WORTH_BYTES, .records = 1, .formed_ms = NOW - 1, .forms = true,
     .due_ms = NOW + PACE_WORTH_MS},
    {.why = "the exporter wishes to wait", .bytes = PACE_WORTH_BYTES, .records = 1, .linger_ms = 100, .due_ms = NOW + 100},
    {.why = "but not for more than it takes", .bytes = 8u << 20, .records = 1, .linger_ms = 100, .forms = true,
     .due_ms = NOW + 100},
    {.why = "nor for more records", .bytes = 1, .records = 10000, .linger_ms = 100, .forms = true, .due_ms = NOW + 100},
    {.why = "nor when somebody waits for the end", .bytes = 1, .records = 1, .linger_ms = 100, .hurried = true, .forms = true,
     .due_ms = NOW + 100},
    {.why = "it has as many as it wishes", .bytes = 8u << 20, .records = 1, .out = 2},
    {.why = "the credit is used up", .bytes = 8u << 20, .records = 1, .out_bytes = 64u << 20},
    {.why = "the store hands out no more", .bytes = 1, .records = 1, .ask = true, .blocked = true},
    {.why = "the journal failed", .bytes = 1, .records = 1, .ask = true, .pause_ms = NOW + 7, .due_ms = NOW + 7},
    {.why = "that is over", .bytes = 1, .records = 1, .ask = true, .pause_ms = NOW, .forms = true, .due_ms = NOW},
};

START_TEST(a_delivery_is_formed_when_it_is_worth_it)
{
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const struct change *c = &changes[i];
        const struct pace pace = {NOW, c->hurried};
        struct delivery list[2] = {{.state = DELIVERY_OUT}, {.state = DELIVERY_OUT}};
        struct subscriber sub = exporter(c->bytes, c->records);
        struct lane *lane = subscriber_lane(&sub, 1);
        sub.linger_ms = c->linger_ms;
        sub.out_bytes = c->out_bytes;
        lane->list = list;
        lane->count = c->out;
        lane->formed_ms = c->formed_ms;
        lane->pause_ms = c->pause_ms;
        lane->ask = c->ask;
        lane->blocked = c->blocked;
        ck_assert_msg(pace_may_form(&pace, &sub, lane) == c->forms, "%s", c->why);
        ck_assert_msg(pace_due_ms(&pace, &sub, lane) == c->due_ms, "%s: due %llu", c->why,
                      (unsigned long long)pace_due_ms(&pace, &sub, lane));
    }
}
END_TEST

START_TEST(a_retry_is_due_although_there_is_no_room)
{
    const struct pace pace = {.now_ms = NOW};
    struct subscriber sub = exporter(1, 1);
    struct lane *lane = subscriber_lane(&sub, 1);
    struct delivery list[2] = {{.state = DELIVERY_WAITING, .due_ms = NOW + 50},
                               {.state = DELIVERY_WAITING, .due_ms = NOW + 20}};
    lane->list = list;
    lane->count = 2;
    ck_assert_uint_eq(pace_due_ms(&pace, &sub, lane), NOW + 20);
}
END_TEST

START_TEST(a_group_is_as_large_as_exporter_and_credit_allow)
{
    const struct pace pace = {.now_ms = NOW};
    struct subscriber sub = exporter(1, 1);
    struct lane *lane = subscriber_lane(&sub, 1);
    struct store_wishes wishes = pace_wishes(&pace, &sub, lane);
    ck_assert_uint_eq(wishes.max_bytes, 8u << 20);
    ck_assert_uint_eq(wishes.max_records, 10000);
    ck_assert(wishes.linger_over);
    sub.out_bytes = sub.credit - 5;
    sub.linger_ms = 100;
    wishes = pace_wishes(&pace, &sub, lane);
    ck_assert_uint_eq(wishes.max_bytes, 5);
    ck_assert(!wishes.linger_over);
    sub.out_bytes = sub.credit + 5; /* one of any size may go out */
    ck_assert_uint_eq(pace_wishes(&pace, &sub, lane).max_bytes, 1);
}
END_TEST

START_TEST(never_is_later_than_any_time)
{
    uint64_t due_ms = 0;
    pace_earlier(&due_ms, 0);
    ck_assert_uint_eq(due_ms, 0);
    pace_earlier(&due_ms, 7);
    pace_earlier(&due_ms, 9);
    pace_earlier(&due_ms, 0);
    ck_assert_uint_eq(due_ms, 7);
}
END_TEST

SUITE_MAIN("router/pace", a_delivery_is_formed_when_it_is_worth_it, a_retry_is_due_although_there_is_no_room,
           a_group_is_as_large_as_exporter_and_credit_allow, never_is_later_than_any_time)
