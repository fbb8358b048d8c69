// SPDX-License-Identifier: Apache-2.0
/* What a worker's batches meet in the router. */
#include <stdatomic.h>
#include <sys/syscall.h>

#include "tests/unit/router/house.h"

#define LOGS 1u
#define METRICS 2u

static const struct peer_id worker = {.name = "worker/1", .worker = true, .incarnation = 1};

START_TEST(every_batch_of_a_publish_gets_its_verdict)
{
    struct house h;
    struct test_peer w;
    house_make(&h);
    house_subscribe(&h, "a", 1u << LOGS, false);
    house_start(&h);
    peer_join(&w, &h, &worker);
    worker_publish(&w, 1, 50, LOGS, 3, 100);
    const Masques__Bus__PublishVerdict *v = peer_wait(&w, BODY(PUBLISH_VERDICT))->publish_verdict;
    ck_assert_uint_eq(v->n_refused, 0);
    ck_assert_uint_eq(v->n_stored, 50); /* one message for all */
    for (size_t i = 0; i < 50; i++)
        ck_assert_uint_eq(v->stored[i], i + 1);
    struct house_queue q = house_queue(&h, "a", LOGS);
    ck_assert_uint_eq(q.records, 150);
    ck_assert_uint_eq(q.accepted, 150);
    ck_assert_uint_eq(q.refused, 0);
    ck_assert(q.accepting);
    peer_close(&w);
    house_end(&h);
}
END_TEST

START_TEST(republished_batch_is_answered_stored_and_stored_once)
{
    struct house h;
    struct test_peer w;
    house_make(&h);
    house_subscribe(&h, "a", 1u << LOGS, false);
    house_start(&h);
    peer_join(&w, &h, &worker);
    worker_store(&w, 1, 4, LOGS, 3, 100);
    worker_store(&w, 1, 4, LOGS, 3, 100);
    worker_store(&w, 3, 4, LOGS, 3, 100);
    peer_close(&w);
    house_restart(&h); /* what it knew it can rebuild */
    peer_join(&w, &h, &worker);
    worker_store(&w, 1, 7, LOGS, 3, 100);
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).records, 7 * 3);
    peer_close(&w);
    house_end(&h);
}
END_TEST

START_TEST(batch_twice_within_a_message_has_one_outcome)
{
    struct house h;
    struct test_peer w;
    house_make(&h);
    house_subscribe(&h, "a", 1u << LOGS, false);
    house_start(&h);
    peer_join(&w, &h, &worker);
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Publish publish = MASQUES__BUS__PUBLISH__INIT;
    Masques__Bus__Batch batch = MASQUES__BUS__BATCH__INIT;
    Masques__Bus__Batch *batches[] = {&batch, &batch};
    struct slice payloads[] = {slice_of("same"), slice_of("same")};
    batch.number = 1;
    batch.signal = MASQUES__BUS__SIGNAL__LOGS;
    batch.records = 2;
    publish.lowest_open = 1;
    publish.n_batches = 2;
    publish.batches = batches;
    frame.body_case = BODY(PUBLISH);
    frame.publish = &publish;
    peer_say(&w, &frame, payloads, 2);
    const Masques__Bus__PublishVerdict *v = peer_wait(&w, BODY(PUBLISH_VERDICT))->publish_verdict;
    ck_assert_uint_eq(v->n_stored, 2);
    ck_assert_uint_eq(v->n_refused, 0);
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).records, 2);
    peer_close(&w);
    house_end(&h);
}
END_TEST

START_TEST(same_number_of_a_new_incarnation_is_another_batch)
{
    struct house h;
    struct test_peer old, new;
    struct peer_id next = worker;
    next.pid = 200;
    next.incarnation = 2;
    next.replace = true;
    house_make(&h);
    house_subscribe(&h, "a", 1u << LOGS, false);
    house_start(&h);
    peer_join(&old, &h, &worker);
    worker_store(&old, 1, 1, LOGS, 1, 100);
    peer_join(&new, &h, &next);
    worker_store(&new, 1, 1, LOGS, 1, 100);
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).records, 2);
    /* The displaced one is not heard. */
    worker_publish(&old, 2, 1, LOGS, 1, 100);
    peer_wait(&old, BODY(FENCED));
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).records, 2);
    peer_close(&old);
    /* Nor are its ids kept. */
    struct peer_id third = worker;
    third.pid = 300;
    third.replace = true;
    peer_join(&old, &h, &third);
    worker_store(&old, 1, 1, LOGS, 1, 100);
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).records, 3);
    peer_close(&old);
    peer_close(&new);
    house_end(&h);
}
END_TEST

START_TEST(signal_that_nobody_wants_is_refused_for_good)
{
    struct house h;
    struct test_peer w;
    house_make(&h);
    house_subscribe(&h, "a", 1u << LOGS, false);
    house_start(&h);
    peer_join(&w, &h, &worker);
    worker_publish(&w, 1, 1, METRICS, 5, 100);
    const Masques__Bus__PublishVerdict *v = peer_wait(&w, BODY(PUBLISH_VERDICT))->publish_verdict;
    ck_assert_uint_eq(v->n_stored, 0);
    ck_assert_uint_eq(v->n_refused, 1);
    ck_assert_int_eq(v->refused[0]->reason, MASQUES__BUS__REASON__UNWANTED);
    ck_assert_uint_eq(v->refused[0]->after_ms, 0);
    struct house_queue q = house_queue(&h, "a", METRICS);
    ck_assert_uint_eq(q.refused, 5);
    ck_assert(q.accepting);
    peer_close(&w);
    house_end(&h);
}
END_TEST

START_TEST(batch_over_the_limit_is_refused_for_good)
{
    struct house h;
    struct test_peer w;
    house_make(&h);
    h.settings.max_batch = 1000;
    house_subscribe(&h, "a", 1u << LOGS, false);
    house_start(&h);
    peer_join(&w, &h, &worker);
    ck_assert_uint_eq(w.max_batch, 1000);
    worker_publish(&w, 1, 1, LOGS, 1, 1001);
    ck_assert_int_eq(worker_verdict(&w, 1), MASQUES__BUS__REASON__TOO_LARGE);
    worker_store(&w, 2, 1, LOGS, 1, 1000);
    peer_close(&w);
    house_end(&h);
}
END_TEST

START_TEST(publish_without_its_payload_ends_the_session)
{
    struct house h;
    struct test_peer w;
    house_make(&h);
    house_subscribe(&h, "a", 1u << LOGS, false);
    house_start(&h);
    peer_join(&w, &h, &worker);
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Publish publish = MASQUES__BUS__PUBLISH__INIT;
    Masques__Bus__Batch batch = MASQUES__BUS__BATCH__INIT;
    Masques__Bus__Batch *batches[] = {&batch};
    publish.n_batches = 1;
    publish.batches = batches;
    frame.body_case = BODY(PUBLISH);
    frame.publish = &publish;
    peer_say(&w, &frame, NULL, 0);
    peer_wait(&w, BODY(RESET));
    peer_close(&w);
    house_end(&h);
}
END_TEST

/* Publishes until the store takes no more; returns the number that was refused. */
static uint64_t fill_up(struct test_peer *w)
{
    for (uint64_t number = 1; number < 1000; number++) {
        worker_publish(w, number, 1, LOGS, 1, 256 * 1024);
        const Masques__Bus__PublishVerdict *v =
            peer_wait(w, BODY(PUBLISH_VERDICT))->publish_verdict;
        if (v->n_refused == 0)
            continue;
        ck_assert_int_eq(v->refused[0]->reason, MASQUES__BUS__REASON__STORE_FULL);
        ck_assert_uint_gt(v->refused[0]->after_ms, 0);
        return number;
    }
    ck_abort_msg("never full");
}

START_TEST(full_store_refuses_says_so_and_recovers_by_itself)
{
    struct house h;
    struct test_peer w, e;
    struct peer_id durable = {.name = "a", .local = true, .in_flight = 1};
    house_make(&h);
    house_hush(&h);
    h.settings.max_bytes = 8u << 20;
    h.settings.max_batch = 1u << 20;
    house_subscribe(&h, "a", 1u << LOGS, false);
    house_start(&h);
    peer_join(&w, &h, &worker);
    uint64_t number = fill_up(&w);
    ck_assert(!house_queue(&h, "a", LOGS).accepting);
    while (peer_wait(&w, BODY(HEARTBEAT))->heartbeat->health != MASQUES__BUS__HEALTH__HEALTH_FULL)
        ;
    exporter_join(&e, &h, &durable);
    while (house_queue(&h, "a", LOGS).records) {
        struct kept_id kept = exporter_take(&e);
        exporter_done(&e, &kept);
    }
    /* Nobody publishes, and still it is seen. */
    while (peer_wait(&w, BODY(HEARTBEAT))->heartbeat->health != MASQUES__BUS__HEALTH__HEALTH_OK)
        ;
    ck_assert(house_queue(&h, "a", LOGS).accepting);
    worker_store(&w, number, 1, LOGS, 1, 256 * 1024);
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).lost, 0);
    peer_close(&w);
    peer_close(&e);
    house_end(&h);
}
END_TEST

/* Sends batch after batch, and the exporter has each at once, until one is refused. False: none was. */
static bool runs_into_refusal(struct test_peer *w, struct test_peer *e, uint64_t *number)
{
    for (unsigned i = 0; i < 100; i++) {
        worker_publish(w, *number, 1, LOGS, 1, 256 * 1024);
        if (worker_verdict(w, *number) != 0)
            return true;
        ++*number;
        struct kept_id kept = exporter_take(e);
        exporter_done(e, &kept);
    }
    return false;
}

/* Several times what the store holds goes by. The share is the configuration's, also after it has
 * changed while the router runs. */
START_TEST(one_that_is_away_loses_or_refuses_as_the_configuration_says)
{
    struct house h;
    struct test_peer w, e;
    struct peer_id current = {.name = "current", .local = true, .in_flight = 1};
    uint64_t number = 1;
    house_make(&h);
    house_hush(&h);
    h.settings.max_bytes = 8u << 20;
    h.settings.max_batch = 1u << 20;
    house_subscribe(&h, "away", 1u << LOGS, false);
    house_subscribe(&h, "current", 1u << LOGS, false);
    h.subs[0].refuse_when_full = true;
    house_start(&h);
    peer_join(&w, &h, &worker);
    exporter_join(&e, &h, &current);
    ck_assert(runs_into_refusal(&w, &e, &number));
    ck_assert_uint_eq(house_queue(&h, "away", LOGS).lost, 0);
    h.subs[0].refuse_when_full = false;
    h.subs[0].max_lag_bytes = 64u << 20; /* more than the store: it is never over its share */
    house_reconfigure(&h);
    ck_assert(runs_into_refusal(&w, &e, &number));
    ck_assert_uint_eq(house_queue(&h, "away", LOGS).lost, 0);
    h.subs[0].max_lag_bytes = 2u << 20;
    house_reconfigure(&h);
    ck_assert(!runs_into_refusal(&w, &e, &number));
    struct house_queue away = house_queue(&h, "away", LOGS);
    ck_assert_uint_gt(away.lost, 90);
    ck_assert_uint_eq(away.lost + away.records, number - 1);
    ck_assert_uint_eq(house_queue(&h, "current", LOGS).lost, 0);
    ck_assert_uint_eq(house_queue(&h, "current", LOGS).delivered, number - 1);
    peer_close(&w);
    peer_close(&e);
    house_end(&h);
}
END_TEST

/* Takes the place of libc's. */
static atomic_uint syncs;

int fdatasync(int fd)
{
    atomic_fetch_add(&syncs, 1);
    return (int)syscall(SYS_fdatasync, fd);
}

START_TEST(a_client_that_sends_alone_costs_one_sync_a_request)
{
    enum { REQUESTS = 100 };
    struct house h;
    struct test_peer w, e;
    struct peer_id id = {.name = "a", .local = true, .in_flight = 4};
    house_make(&h);
    h.settings.fsync = MASQUES__CONTROL__FSYNC__FSYNC_ALWAYS;
    house_subscribe(&h, "a", 1u << LOGS, false);
    house_start(&h);
    peer_join(&w, &h, &worker);
    worker_store(&w, 1, 1, LOGS, 1, 1000); /* makes the segment */
    atomic_store(&syncs, 0);
    for (uint64_t number = 2; number < 2 + REQUESTS; number++)
        worker_store(&w, number, 1, LOGS, 1, 1000);
    ck_assert_uint_eq(atomic_load(&syncs), REQUESTS);
    exporter_join(&e, &h, &id);
    struct kept_id backlog = exporter_take(&e);
    exporter_done(&e, &backlog);
    atomic_store(&syncs, 0);
    for (uint64_t number = 2 + REQUESTS; number < 2 + 2 * REQUESTS; number++) {
        worker_store(&w, number, 1, LOGS, 1, 1000);
        struct kept_id kept = exporter_take(&e);
        exporter_done(&e, &kept);
    }
    /* the batch; that its delivery was made, before it is sent; what became of it, before that is
     * confirmed */
    ck_assert_uint_le(atomic_load(&syncs), 3 * REQUESTS);
    peer_close(&w);
    peer_close(&e);
    house_end(&h);
}
END_TEST

START_TEST(more_workers_have_less_credit_each_and_all_of_them_within_the_memory)
{
    enum { WORKERS = 8 };
    struct house h;
    struct test_peer w[WORKERS];
    house_make(&h);
    house_start(&h);
    uint64_t credit[WORKERS] = {0};
    for (int i = 0; i < WORKERS; i++) {
        char name[16];
        snprintf(name, sizeof name, "worker/%d", i + 1);
        struct peer_id id = {.name = name, .worker = true, .incarnation = (uint8_t)(i + 1)};
        peer_join(&w[i], &h, &id);
        credit[i] = w[i].credit;
    }
    for (int i = 0; i < WORKERS; i++) {
        while (credit[i] > credit[WORKERS - 1])
            credit[i] = peer_wait(&w[i], BODY(CREDIT))->credit->bytes;
        ck_assert_uint_gt(credit[i], 0);
        ck_assert_uint_le(credit[i] * WORKERS, h.settings.memory_bytes / 2);
        peer_close(&w[i]);
    }
    house_end(&h);
}
END_TEST

SUITE_MAIN("router/ingress", every_batch_of_a_publish_gets_its_verdict,
           republished_batch_is_answered_stored_and_stored_once,
           batch_twice_within_a_message_has_one_outcome,
           same_number_of_a_new_incarnation_is_another_batch,
           signal_that_nobody_wants_is_refused_for_good, batch_over_the_limit_is_refused_for_good,
           publish_without_its_payload_ends_the_session,
           full_store_refuses_says_so_and_recovers_by_itself,
           one_that_is_away_loses_or_refuses_as_the_configuration_says,
           a_client_that_sends_alone_costs_one_sync_a_request,
           more_workers_have_less_credit_each_and_all_of_them_within_the_memory)
