// SPDX-License-Identifier: Apache-2.0
/* Retry as the configuration has it, and that nobody waits for another's exporter. */
#include "tests/unit/router/house.h"

#define LOGS 1u
#define TRACES 3u
#define DONE MASQUES__BUS__OUTCOME__DONE
#define RETRY MASQUES__BUS__OUTCOME__RETRY

static const struct peer_id worker = {.name = "worker/1", .worker = true, .incarnation = 7};
static const struct peer_id local = {.name = "a", .local = true};

static void begin(struct house *h, struct test_peer *w, Masques__Control__Retry *retry)
{
    house_make(h);
    house_hush(h);
    house_subscribe(h, "a", 1u << LOGS, false);
    h->subs[0].retry = retry;
    house_start(h);
    peer_join(w, h, &worker);
}

static void end(struct house *h, struct test_peer *w)
{
    peer_close(w);
    house_end(h);
}

static Masques__Control__Retry retry_of(uint32_t initial_ms, uint32_t max_ms)
{
    Masques__Control__Retry retry = MASQUES__CONTROL__RETRY__INIT;
    retry.initial_ms = initial_ms;
    retry.max_ms = max_ms;
    retry.multiplier_permille = 2000;
    return retry;
}

/* Waits are short, and come to their end, or such that no test sees it: nothing here depends on a clock. How long they
 * are is for test_retry.c. */
START_TEST(waits_are_the_configurations_and_grow_with_the_attempts)
{
    static const struct {
        const char *why;
        uint32_t initial_ms, max_ms;
        uint32_t again; /* how often it comes again */
    } cases[] = {
        {"the first wait", NEVER_MS, NEVER_MS, 0},
        {"the second, a million times the first", 20, NEVER_MS, 1},
        {"the longest", 20, 40, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct house h;
        struct test_peer w, e;
        Masques__Control__Retry retry = retry_of(cases[i].initial_ms, cases[i].max_ms);
        retry.multiplier_permille = 1000000000;
        begin(&h, &w, &retry);
        exporter_join(&e, &h, &local);
        worker_store(&w, 1, 1, LOGS, 5, 1000);
        struct kept_id kept = exporter_take(&e);
        for (uint32_t k = 0; k < cases[i].again; k++) {
            exporter_says(&e, &kept, RETRY, 0, 0);
            struct kept_id again = exporter_take(&e);
            ck_same_delivery(&kept, &again);
            ck_assert_uint_eq(again.attempt, k + 2);
        }
        if (cases[i].max_ms == NEVER_MS) {
            exporter_says(&e, &kept, RETRY, 0, 0);
            exporter_sync(&e);
            ck_assert_msg(e.seen[BODY(DELIVER)] == cases[i].again + 1, "%s", cases[i].why);
        }
        exporter_done(&e, &kept);
        peer_close(&e);
        end(&h, &w);
    }
}
END_TEST

START_TEST(what_fails_once_is_given_up_where_retrying_is_off)
{
    struct house h;
    struct test_peer w, e;
    Masques__Control__Retry retry = retry_of(100, 400);
    retry.disabled = true;
    begin(&h, &w, &retry);
    exporter_join(&e, &h, &local);
    worker_store(&w, 1, 1, LOGS, 5, 1000);
    struct kept_id kept = exporter_take(&e);
    exporter_says(&e, &kept, RETRY, 0, 0);
    peer_wait(&e, BODY(VERDICT_OK));
    struct house_queue q = house_queue(&h, "a", LOGS);
    ck_assert_uint_eq(q.lost, 5);
    ck_assert_uint_eq(q.records, 0);
    worker_store(&w, 2, 1, LOGS, 3, 1000);
    kept = exporter_take(&e);
    exporter_done(&e, &kept);
    /* In the journal, too. */
    peer_close(&e);
    peer_close(&w);
    house_restart(&h);
    q = house_queue(&h, "a", LOGS);
    ck_assert_uint_eq(q.lost, 5);
    ck_assert_uint_eq(q.delivered, 3);
    peer_join(&w, &h, &worker);
    end(&h, &w);
}
END_TEST

START_TEST(after_max_elapsed_a_delivery_is_given_up_and_not_before)
{
    struct house h;
    struct test_peer w, e;
    Masques__Control__Retry retry = retry_of(1, 1);
    retry.max_elapsed_ms = 3000; /* within which its first verdict comes, also on a slow machine */
    begin(&h, &w, &retry);
    exporter_join(&e, &h, &local);
    worker_store(&w, 1, 1, LOGS, 5, 1000);
    struct kept_id kept = exporter_take(&e);
    uint64_t over_ms = clock_mono_ms() + retry.max_elapsed_ms;
    exporter_says(&e, &kept, RETRY, 0, 0);
    peer_wait(&e, BODY(VERDICT_OK));
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).lost, 0);
    peer_close(&e);
    while (clock_mono_ms() <= over_ms)
        usleep(10000);
    house_call(&h, house_do_nothing, NULL); /* a turn that may have begun before … */
    house_call(&h, house_do_nothing, NULL); /* … and a later one */
    /* The session's end does not begin its time anew. */
    struct peer_id again = local;
    again.attempt = 2;
    exporter_join(&e, &h, &again);
    exporter_take(&e);
    exporter_says(&e, &kept, RETRY, 0, 0);
    peer_wait(&e, BODY(VERDICT_OK));
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).lost, 5);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(an_exporter_that_says_nothing_holds_back_no_other)
{
    struct house h;
    struct test_peer w, dead, live;
    struct peer_id first = {.name = "a"}, second = {.name = "b"};
    house_make(&h);
    house_subscribe(&h, "a", 1u << LOGS, false);
    house_subscribe(&h, "b", 1u << LOGS, false);
    h.settings.memory_bytes = 4u << 20; /* 2 MiB for payload in messages */
    h.settings.max_batch = 1u << 20;
    house_start(&h);
    peer_join(&w, &h, &worker);
    first.max_bytes = second.max_bytes = 256 * 1024;
    exporter_join(&dead, &h, &first);
    exporter_join(&live, &h, &second);
    uint64_t records = 0;
    for (uint64_t number = 1; number <= 64; number++) {
        worker_store(&w, number, 1, LOGS, 1, 256 * 1024);
        struct kept_id kept = exporter_take(&live);
        exporter_done(&live, &kept);
        records += kept.records;
    }
    ck_assert_uint_eq(records, 64);
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).records, 64);
    peer_close(&dead);
    peer_close(&live);
    end(&h, &w);
}
END_TEST

SUITE_MAIN("router/settle", waits_are_the_configurations_and_grow_with_the_attempts,
           what_fails_once_is_given_up_where_retrying_is_off,
           after_max_elapsed_a_delivery_is_given_up_and_not_before,
           an_exporter_that_says_nothing_holds_back_no_other)
