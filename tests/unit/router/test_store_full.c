// SPDX-License-Identifier: Apache-2.0
/* Who gives way when the store is full. */
#include "store_fixture.h"
#include "tests/support/suite.h"

#define MAX_BYTES (64 * KIB)
#define PAYLOAD 1000u
#define MANY 400u /* several times what the store holds */

/* Puts batches until the store refuses one, `most` at most; `current` takes each at once. Returns how many went in;
 * *number is the next one's. */
static unsigned fill(struct store *store, unsigned signal, struct store_consumer *current, unsigned most,
                     uint64_t *number)
{
    for (unsigned i = 0; i < most; i++) {
        int err = put(store, *number, signal, PAYLOAD);
        if (err == GW_ERR_FULL)
            return i;
        ck_assert_int_eq(err, 0);
        ck_assert_uint_le(stored_bytes(store), MAX_BYTES);
        ++*number;
        if (current)
            ck_assert_uint_eq(drain(store, current, signal), 1);
    }
    return most;
}

START_TEST(one_that_is_dead_loses_its_oldest_as_long_as_another_is_current)
{
    char path[64];
    uint64_t number = 1;
    struct store_options o = options_for(path, sizeof path, MAX_BYTES, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *dead = join(store, "dead", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    struct store_consumer *current = join(store, "current", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    ck_assert_uint_eq(fill(store, LOGS, current, MANY, &number), MANY);
    struct store_counts lost = counts(store, dead, LOGS);
    ck_assert_uint_gt(lost.lost_by[STORE_LOSS_SHARE], 0);
    ck_assert_uint_eq(lost.lost, lost.lost_by[STORE_LOSS_SHARE]);
    ck_assert_uint_eq(counts(store, current, LOGS).lost, 0);
    store = reopen(&store, &o);
    dead = store_consumer_find(store, "dead");
    ck_assert_uint_eq(counts(store, dead, LOGS).lost, lost.lost);
    unsigned rest = drain(store, dead, LOGS);
    ck_assert_uint_gt(rest, 20); /* it loses no more than has to go */
    ck_assert_uint_eq(counts(store, dead, LOGS).lost, lost.lost);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(data_is_refused_when_none_is_current)
{
    char path[64];
    uint64_t number = 1;
    struct store_options o = options_for(path, sizeof path, MAX_BYTES, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *a = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    struct store_consumer *b = join(store, "b", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    struct store_consumer *lossy = join(store, "debug", BIT(LOGS), STORE_LOSSY, STORE_OLDEST);
    unsigned went = fill(store, LOGS, NULL, MANY, &number);
    ck_assert_uint_lt(went, MANY);
    ck_assert_uint_gt(went, 40);
    drain(store, lossy, LOGS); /* a lossy one that is current is no reason to lose anything */
    ck_assert_uint_eq(fill(store, LOGS, NULL, 1, &number), 0);
    ck_assert_uint_eq(counts(store, a, LOGS).lost + counts(store, b, LOGS).lost, 0);
    ck_assert_uint_eq(drain(store, a, LOGS), went); /* now one is current: it goes on */
    ck_assert_uint_eq(fill(store, LOGS, a, MANY, &number), MANY);
    ck_assert_uint_gt(counts(store, b, LOGS).lost_by[STORE_LOSS_SHARE], 0);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(one_that_must_lose_nothing_has_data_refused)
{
    char path[64];
    uint64_t number = 1;
    struct store_options o = options_for(path, sizeof path, MAX_BYTES, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *dead = join(store, "dead", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    struct store_consumer *current = join(store, "current", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    store_consumer_set_share(store, dead, 0, true);
    ck_assert_uint_lt(fill(store, LOGS, current, MANY, &number), MANY);
    ck_assert_uint_eq(counts(store, dead, LOGS).lost, 0);
    store_consumer_set_share(store, dead, 0, false);
    ck_assert_uint_eq(fill(store, LOGS, current, MANY, &number), MANY);
    ck_assert_uint_gt(counts(store, dead, LOGS).lost, 0);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(a_share_is_what_the_configuration_says)
{
    char path[64];
    uint64_t number = 1;
    struct store_options o = options_for(path, sizeof path, MAX_BYTES, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *slow = join(store, "slow", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    struct store_consumer *current = join(store, "current", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    store_consumer_set_share(store, slow, MAX_BYTES, false); /* it may fill the whole store */
    ck_assert_uint_lt(fill(store, LOGS, current, MANY, &number), MANY);
    ck_assert_uint_eq(counts(store, slow, LOGS).lost, 0);
    store_consumer_set_share(store, slow, 10 * PAYLOAD, false);
    ck_assert_uint_eq(fill(store, LOGS, current, MANY, &number), MANY);
    ck_assert_uint_gt(counts(store, slow, LOGS).lost_by[STORE_LOSS_SHARE], 0);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(each_signal_that_somebody_takes_has_room_for_itself)
{
    char path[64];
    uint64_t number = 1;
    struct store_options o = options_for(path, sizeof path, MAX_BYTES, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *a = join(store, "a", BIT(LOGS) | BIT(TRACES), STORE_DURABLE, STORE_OLDEST);
    ck_assert_uint_lt(fill(store, TRACES, NULL, MANY, &number), MANY);
    ck_assert_uint_gt(fill(store, LOGS, NULL, 5, &number), 4);
    ck_assert_uint_eq(fill(store, TRACES, NULL, 1, &number), 0);
    ck_assert_uint_eq(counts(store, a, LOGS).lost + counts(store, a, TRACES).lost, 0);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(one_signal_makes_no_other_lose_what_it_is_sure_to_have)
{
    char path[64];
    uint64_t number = 1;
    struct store_options o = options_for(path, sizeof path, MAX_BYTES, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *dead =
        join(store, "dead", BIT(LOGS) | BIT(TRACES), STORE_DURABLE, STORE_OLDEST);
    struct store_consumer *current = join(store, "current", BIT(TRACES), STORE_DURABLE, STORE_OLDEST);
    ck_assert_uint_eq(fill(store, LOGS, NULL, 4, &number), 4);
    ck_assert_uint_eq(fill(store, TRACES, current, MANY, &number), MANY);
    ck_assert_uint_eq(counts(store, dead, LOGS).lost, 0);
    ck_assert_uint_gt(counts(store, dead, TRACES).lost, 0);
    ck_assert_uint_eq(drain(store, dead, LOGS), 4);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(a_signal_at_its_guarantee_gives_nothing_to_another)
{
    char path[64];
    uint64_t number = 1;
    struct store_options o = options_for(path, sizeof path, MAX_BYTES, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *dead = join(store, "dead", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    struct store_consumer *current = join(store, "current", BIT(TRACES), STORE_DURABLE, STORE_OLDEST);
    store_consumer_set_share(store, dead, 1, false);
    store_consumer_set_share(store, current, MAX_BYTES, false); /* current, whatever it holds */
    ck_assert_uint_eq(fill(store, LOGS, NULL, 4, &number), 4);
    ck_assert_uint_lt(fill(store, TRACES, NULL, MANY, &number), MANY);
    ck_assert_uint_eq(counts(store, dead, LOGS).lost + counts(store, current, TRACES).lost, 0);
    ck_assert_uint_eq(drain(store, dead, LOGS), 4);
    store_close(&store);
    remove_dir(path);
}
END_TEST

SUITE_MAIN("store, full", one_that_is_dead_loses_its_oldest_as_long_as_another_is_current,
          data_is_refused_when_none_is_current, one_that_must_lose_nothing_has_data_refused,
          a_share_is_what_the_configuration_says, each_signal_that_somebody_takes_has_room_for_itself,
          one_signal_makes_no_other_lose_what_it_is_sure_to_have,
          a_signal_at_its_guarantee_gives_nothing_to_another)
