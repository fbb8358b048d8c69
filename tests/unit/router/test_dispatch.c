// SPDX-License-Identifier: Apache-2.0
/* Deliveries, as exporters meet them. */
#include <inttypes.h>

#include "tests/unit/router/house.h"

#define LOGS 1u
#define TRACES 3u
#define DONE MASQUES__BUS__OUTCOME__DONE
#define RETRY MASQUES__BUS__OUTCOME__RETRY
#define CORRUPT MASQUES__BUS__OUTCOME__CORRUPT

static const struct peer_id worker = {.name = "worker/1", .worker = true, .incarnation = 1};
static const struct peer_id local = {.name = "a", .local = true};

/* A router with the durable exporter "a" for logs and a worker. */
static void begin(struct house *h, struct test_peer *w)
{
    house_make(h);
    house_subscribe(h, "a", 1u << LOGS, false);
    house_start(h);
    peer_join(w, h, &worker);
}

static void end(struct house *h, struct test_peer *w)
{
    peer_close(w);
    house_end(h);
}

START_TEST(local_exporter_gets_extents_and_its_done_is_confirmed)
{
    struct house h;
    struct test_peer w, e;
    begin(&h, &w);
    exporter_join(&e, &h, &local);
    worker_store(&w, 1, 3, LOGS, 5, 1000);
    const Masques__Bus__Deliver *d = peer_wait(&e, BODY(DELIVER))->deliver;
    ck_assert_str_eq(d->id->exporter, "a");
    ck_assert_int_eq(d->id->signal, MASQUES__BUS__SIGNAL__LOGS);
    ck_assert_uint_eq(d->id->store.len, STORE_UUID_BYTES);
    ck_assert_uint_eq(d->id->generation, 1);
    ck_assert_uint_eq(d->id->last - d->id->first, 2);
    ck_assert_uint_eq(d->attempt, 1);
    ck_assert_uint_eq(d->records, 15);
    ck_assert_uint_eq(d->bytes, 3000);
    ck_assert_uint_eq(e.payload_frames, 0);
    ck_assert_uint_eq(d->n_extents, 1);
    ck_assert_uint_eq(d->extents[0]->n_offset, 3);
    ck_assert_uint_eq(d->extents[0]->n_checksum, 3);
    ck_assert_uint_eq(d->extents[0]->length[2], 1000);
    ck_assert_uint_eq(d->extents[0]->records[2], 5);
    ck_assert_uint_eq(d->extents[0]->received_ns[2], 1003);
    /* The bytes are where it says. */
    char path[256];
    uint8_t byte = 0;
    snprintf(path, sizeof path, "%s/logs/%016" PRIx64 ".seg", h.store_dir, d->extents[0]->segment);
    int fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)pread(fd, &byte, 1, (off_t)d->extents[0]->offset[2]), 1);
    ck_assert_uint_eq(byte, 3);
    close(fd);
    struct kept_id kept;
    keep_id(&kept, d);
    exporter_done(&e, &kept);
    struct house_queue q = house_queue(&h, "a", LOGS);
    ck_assert_uint_eq(q.delivered, 15);
    ck_assert_uint_eq(q.records, 0);
    ck_assert_str_eq(q.state, "running");
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(remote_exporter_gets_the_bytes_a_frame_for_each_batch)
{
    struct house h;
    struct test_peer w, e;
    struct peer_id remote = local;
    remote.local = false;
    begin(&h, &w);
    exporter_join(&e, &h, &remote);
    worker_store(&w, 1, 3, LOGS, 5, 1000);
    const Masques__Bus__Deliver *d = peer_wait(&e, BODY(DELIVER))->deliver;
    ck_assert_uint_eq(d->n_extents, 0);
    ck_assert_uint_eq(e.payload_frames, 3);
    ck_assert_uint_eq(e.payload_len, 3000);
    for (size_t i = 0; i < 3000; i++)
        ck_assert_uint_eq(e.payload[i], i / 1000 + 1);
    ck_assert_uint_eq(d->n_received_ns, 3);
    ck_assert_uint_eq(d->received_ns[1], 1002);
    ck_assert_uint_eq(d->n_batch_records, 3);
    ck_assert_uint_eq(d->batch_records[1], 5);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(delivery_of_very_many_batches_keeps_each_of_them_apart)
{
    struct house h;
    struct test_peer w, e;
    struct peer_id remote = local;
    remote.local = false;
    begin(&h, &w);
    for (uint64_t i = 0; i < 40; i++)
        worker_store(&w, 1 + i * 50, 50, LOGS, 1, 10);
    exporter_join(&e, &h, &remote);
    const Masques__Bus__Deliver *d = peer_wait(&e, BODY(DELIVER))->deliver;
    ck_assert_uint_eq(d->records, 2000);
    ck_assert_uint_eq(e.payload_len, 20000);
    ck_assert_uint_eq(e.payload_frames, 2000);
    ck_assert_uint_eq(d->n_batch_records, 2000);
    ck_assert_uint_eq(d->batch_records[1999], 1);
    ck_assert_uint_eq(d->received_ns[1], 1002);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(nothing_is_sent_before_credit_is_granted)
{
    struct house h;
    struct test_peer w, e;
    begin(&h, &w);
    peer_join(&e, &h, &local);
    worker_store(&w, 1, 1, LOGS, 1, 100);
    exporter_sync(&e);
    ck_assert_uint_eq(e.seen[BODY(DELIVER)], 0);
    exporter_credit(&e, 1000);
    exporter_take(&e);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(credit_bounds_what_is_out)
{
    struct house h;
    struct test_peer w, e;
    struct peer_id id = local;
    id.max_bytes = 150000;
    id.in_flight = 10;
    begin(&h, &w);
    worker_store(&w, 1, 10, LOGS, 1, 100000); /* a delivery each */
    peer_join(&e, &h, &id);
    exporter_credit(&e, 350000);
    struct kept_id first = exporter_take(&e);
    exporter_take(&e);
    exporter_take(&e);
    exporter_sync(&e);
    ck_assert_uint_eq(e.seen[BODY(DELIVER)], 3);
    exporter_done(&e, &first);
    exporter_take(&e);
    exporter_sync(&e);
    ck_assert_uint_eq(e.seen[BODY(DELIVER)], 4);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(untouched_credit_takes_one_delivery_of_any_size)
{
    struct house h;
    struct test_peer w, e;
    begin(&h, &w);
    worker_store(&w, 1, 2, LOGS, 1, 1000000);
    peer_join(&e, &h, &local);
    exporter_credit(&e, 1);
    for (int i = 0; i < 2; i++) {
        struct kept_id kept = exporter_take(&e);
        ck_assert_uint_eq(kept.bytes, 1000000);
        exporter_sync(&e);
        ck_assert_uint_eq(e.seen[BODY(DELIVER)], (unsigned)i + 1);
        exporter_done(&e, &kept);
    }
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(deliveries_of_before_keep_to_the_credit_of_now)
{
    struct house h;
    struct test_peer w, e;
    struct peer_id id = local;
    id.max_bytes = 1;
    begin(&h, &w);
    worker_store(&w, 1, 3, LOGS, 1, 100000);
    exporter_join(&e, &h, &id);
    for (int i = 0; i < 3; i++)
        exporter_take(&e);
    peer_close(&e);
    id.attempt = 2;
    peer_join(&e, &h, &id);
    exporter_credit(&e, 250000);
    struct kept_id first = exporter_take(&e);
    exporter_take(&e);
    exporter_sync(&e);
    ck_assert_uint_eq(e.seen[BODY(DELIVER)], 2);
    exporter_says(&e, &first, DONE, 0, 0); /* the confirmation may come behind the delivery */
    exporter_take(&e);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(wish_for_deliveries_at_a_time_is_kept)
{
    struct house h;
    struct test_peer w, e;
    struct peer_id id = local;
    id.in_flight = 2;
    id.max_bytes = 1;
    begin(&h, &w);
    worker_store(&w, 1, 5, LOGS, 1, 100);
    exporter_join(&e, &h, &id);
    struct kept_id kept = exporter_take(&e);
    exporter_take(&e);
    exporter_sync(&e);
    ck_assert_uint_eq(e.seen[BODY(DELIVER)], 2);
    exporter_done(&e, &kept);
    exporter_take(&e);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(lingering_delivery_waits_for_company_but_not_beyond_its_time)
{
    struct house h;
    struct test_peer w, patient, hasty;
    struct peer_id long_id = local, short_id = local;
    long_id.max_records = short_id.max_records = 10;
    long_id.linger_ms = NEVER_MS;
    short_id.linger_ms = 200;
    short_id.name = "b";
    house_make(&h);
    house_subscribe(&h, "a", 1u << LOGS, false);
    house_subscribe(&h, "b", 1u << LOGS, false);
    house_start(&h);
    peer_join(&w, &h, &worker);
    exporter_join(&patient, &h, &long_id);
    exporter_join(&hasty, &h, &short_id);
    worker_store(&w, 1, 1, LOGS, 1, 100);
    struct kept_id alone = exporter_take(&hasty); /* nobody came */
    ck_assert_uint_eq(alone.records, 1);
    exporter_sync(&patient);
    ck_assert_uint_eq(patient.seen[BODY(DELIVER)], 0);
    worker_store(&w, 2, 9, LOGS, 1, 100);
    struct kept_id together = exporter_take(&patient);
    ck_assert_uint_eq(together.records, 10);
    peer_close(&patient);
    peer_close(&hasty);
    end(&h, &w);
}
END_TEST

START_TEST(as_many_records_as_it_wishes_linger_for_nobody)
{
    struct house h;
    struct test_peer w, e;
    struct peer_id id = local;
    id.linger_ms = NEVER_MS;
    id.max_records = 10;
    begin(&h, &w);
    exporter_join(&e, &h, &id);
    worker_store(&w, 1, 10, LOGS, 1, 100);
    struct kept_id kept = exporter_take(&e);
    ck_assert_uint_eq(kept.records, 10);
    exporter_done(&e, &kept);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(restarted_exporter_gets_the_same_delivery_under_the_same_id)
{
    struct house h;
    struct test_peer w, e;
    struct peer_id again = local;
    again.attempt = 2;
    begin(&h, &w);
    exporter_join(&e, &h, &local);
    worker_store(&w, 1, 3, LOGS, 5, 1000);
    struct kept_id first = exporter_take(&e);
    peer_close(&e);
    worker_store(&w, 4, 3, LOGS, 5, 1000);
    exporter_join(&e, &h, &again);
    struct kept_id second = exporter_take(&e);
    ck_same_delivery(&first, &second);
    ck_assert_uint_eq(second.attempt, 2);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(restarted_router_delivers_the_same_under_the_same_id)
{
    struct house h;
    struct test_peer w, e;
    begin(&h, &w);
    exporter_join(&e, &h, &local);
    worker_store(&w, 1, 3, LOGS, 5, 1000);
    struct kept_id first = exporter_take(&e);
    exporter_notes(&e, &first, "half done");
    peer_wait(&e, BODY(PROGRESS_OK));
    peer_close(&e);
    house_restart(&h);
    exporter_join(&e, &h, &local);
    const Masques__Bus__Deliver *d = peer_wait(&e, BODY(DELIVER))->deliver;
    ck_assert_uint_eq(d->progress.len, 9);
    ck_assert_mem_eq(d->progress.data, "half done", 9);
    struct kept_id second;
    keep_id(&second, d);
    ck_same_delivery(&first, &second);
    exporter_done(&e, &second);
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).delivered, 15);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

/* Joins again with one delivery in HELLO, answered or not. */
static void join_with(struct test_peer *e, struct house *h, struct kept_id *kept,
                      Masques__Bus__Outcome outcome, uint32_t after_ms)
{
    Masques__Bus__DeliveryState state = MASQUES__BUS__DELIVERY_STATE__INIT;
    Masques__Bus__DeliveryState *states[] = {&state};
    Masques__Bus__DeliveryVerdict verdict = MASQUES__BUS__DELIVERY_VERDICT__INIT;
    struct peer_id id = local;
    static uint64_t attempt = 1;
    state.id = id_of(kept);
    verdict.id = state.id;
    verdict.outcome = outcome;
    verdict.after_ms = after_ms;
    state.verdict = outcome == MASQUES__BUS__OUTCOME__OUTCOME_UNSPECIFIED ? NULL : &verdict;
    id.deliveries = states;
    id.delivery_count = 1;
    id.attempt = ++attempt;
    exporter_join(e, h, &id);
}

START_TEST(verdict_repeated_after_reconnecting_is_confirmed_and_counted_once)
{
    struct house h;
    struct test_peer w, e;
    begin(&h, &w);
    exporter_join(&e, &h, &local);
    worker_store(&w, 1, 3, LOGS, 5, 1000);
    struct kept_id kept = exporter_take(&e);
    exporter_done(&e, &kept);
    peer_close(&e);
    for (int restart = 0; restart < 2; restart++) {
        join_with(&e, &h, &kept, DONE, 0);
        peer_wait(&e, BODY(VERDICT_OK));
        exporter_says(&e, &kept, DONE, 0, 0); /* the runtime says it again behind WELCOME */
        peer_wait(&e, BODY(VERDICT_OK));
        ck_assert_uint_eq(house_queue(&h, "a", LOGS).delivered, 15);
        ck_assert_uint_eq(e.seen[BODY(DELIVER)], 0);
        peer_close(&e);
        if (restart == 0)
            house_restart(&h);
    }
    end(&h, &w);
}
END_TEST

START_TEST(verdict_that_nobody_heard_counts_when_hello_brings_it)
{
    struct house h;
    struct test_peer w, e;
    begin(&h, &w);
    exporter_join(&e, &h, &local);
    worker_store(&w, 1, 3, LOGS, 5, 1000);
    struct kept_id kept = exporter_take(&e);
    peer_close(&e);
    house_restart(&h);
    join_with(&e, &h, &kept, DONE, 0);
    peer_wait(&e, BODY(VERDICT_OK));
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).delivered, 15);
    exporter_sync(&e);
    ck_assert_uint_eq(e.seen[BODY(DELIVER)], 0);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(delivery_in_progress_is_left_to_its_exporter)
{
    struct house h;
    struct test_peer w, e;
    begin(&h, &w);
    exporter_join(&e, &h, &local);
    worker_store(&w, 1, 3, LOGS, 5, 1000);
    struct kept_id kept = exporter_take(&e);
    peer_close(&e);
    join_with(&e, &h, &kept, MASQUES__BUS__OUTCOME__OUTCOME_UNSPECIFIED, 0);
    exporter_sync(&e);
    ck_assert_uint_eq(e.seen[BODY(DELIVER)], 0);
    ck_assert_uint_eq(e.seen[BODY(VERDICT_OK)], 0); /* it gave none */
    exporter_done(&e, &kept);
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).delivered, 15);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(delivery_of_another_store_is_answered_under_its_own_id)
{
    struct house h;
    struct test_peer w, e;
    begin(&h, &w);
    exporter_join(&e, &h, &local);
    worker_store(&w, 1, 3, LOGS, 5, 1000);
    struct kept_id kept = exporter_take(&e), other = kept;
    other.store[0] ^= 1;
    peer_close(&e);
    join_with(&e, &h, &other, DONE, 0);
    const Masques__Bus__VerdictOk *ok = peer_wait(&e, BODY(VERDICT_OK))->verdict_ok;
    ck_assert_mem_eq(ok->id->store.data, other.store, STORE_UUID_BYTES);
    exporter_take(&e);
    peer_close(&e);
    join_with(&e, &h, &other, MASQUES__BUS__OUTCOME__OUTCOME_UNSPECIFIED, 0);
    const Masques__Bus__Cancel *cancel = peer_wait(&e, BODY(CANCEL))->cancel;
    ck_assert_mem_eq(cancel->id->store.data, other.store, STORE_UUID_BYTES);
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).delivered, 0);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

/* Behind one that is done, and (`out`) behind one that is not. How long it took from being stored, in ms. */
static uint64_t wait_behind(struct test_peer *w, struct test_peer *e, uint64_t *sequence, bool out)
{
    worker_store(w, ++*sequence, 1, LOGS, 1, 100);
    struct kept_id before = exporter_take(e);
    if (!out)
        exporter_done(e, &before);
    uint64_t begun = clock_mono_ms();
    worker_store(w, ++*sequence, 1, LOGS, 1, 100);
    struct kept_id kept = exporter_take(e);
    uint64_t waited = clock_mono_ms() - begun;
    ck_assert_uint_eq(kept.records, 1);
    if (out)
        exporter_done(e, &before);
    exporter_done(e, &kept);
    return waited;
}

START_TEST(small_delivery_close_behind_another_waits_a_little)
{
    struct house h;
    struct test_peer w, e;
    uint64_t sequence = 0;
    begin(&h, &w);
    exporter_join(&e, &h, &local);
    exporter_sync(&e); /* its backlog was asked for */
    for (int out = 0; out < 2; out++) {
        uint64_t longest = 0; /* the loop counts from the begin of its turn, which was before now and then */
        for (int i = 0; i < 10; i++) {
            uint64_t waited = wait_behind(&w, &e, &sequence, out);
            longest = waited > longest ? waited : longest;
        }
        ck_assert_uint_ge(longest, 4);
    }
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(delivery_that_never_was_is_cancelled)
{
    struct house h;
    struct test_peer w, e;
    begin(&h, &w);
    exporter_join(&e, &h, &local);
    worker_store(&w, 1, 3, LOGS, 5, 1000);
    struct kept_id kept = exporter_take(&e), other = kept;
    other.id.last++;
    peer_close(&e);
    join_with(&e, &h, &other, MASQUES__BUS__OUTCOME__OUTCOME_UNSPECIFIED, 0);
    ck_assert_uint_eq(peer_wait(&e, BODY(CANCEL))->cancel->id->last, other.id.last);
    struct kept_id again = exporter_take(&e);
    ck_same_delivery(&kept, &again);
    /* Its verdict settles nothing either, and may be forgotten. */
    exporter_done(&e, &other);
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).delivered, 0);
    exporter_done(&e, &kept);
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).delivered, 15);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(retry_comes_again_when_its_time_is_over_and_not_before)
{
    struct house h;
    struct test_peer w, e;
    begin(&h, &w);
    exporter_join(&e, &h, &local);
    worker_store(&w, 1, 3, LOGS, 5, 1000);
    struct kept_id waits = exporter_take(&e);
    exporter_says(&e, &waits, RETRY, NEVER_MS, 0);
    peer_wait(&e, BODY(VERDICT_OK));
    worker_store(&w, 4, 2, LOGS, 5, 1000);
    struct kept_id first = exporter_take(&e);
    exporter_says(&e, &first, RETRY, 150, 0);
    peer_wait(&e, BODY(VERDICT_OK));
    exporter_says(&e, &first, RETRY, NEVER_MS, 0); /* said again: no news */
    peer_wait(&e, BODY(VERDICT_OK));
    struct kept_id second = exporter_take(&e);
    ck_same_delivery(&first, &second);
    ck_assert_uint_eq(second.attempt, 2);
    exporter_done(&e, &second);
    exporter_sync(&e);
    ck_assert_uint_eq(e.seen[BODY(DELIVER)], 3); /* the one that waits is none of them */
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).delivered, 10);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(retry_gives_its_credit_back_while_it_waits)
{
    struct house h;
    struct test_peer w, e;
    struct peer_id id = local;
    id.max_bytes = 1;
    begin(&h, &w);
    worker_store(&w, 1, 2, LOGS, 1, 100000);
    peer_join(&e, &h, &id);
    exporter_credit(&e, 100000);
    struct kept_id first = exporter_take(&e);
    exporter_says(&e, &first, RETRY, NEVER_MS, 0);
    struct kept_id second = exporter_take(&e);
    ck_assert_uint_gt(second.id.first, first.id.last);
    exporter_done(&e, &second);
    /* A verdict while it waits is welcome, too. */
    exporter_done(&e, &first);
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).delivered, 2);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(rejected_records_are_counted_apart)
{
    struct house h;
    struct test_peer w, e;
    begin(&h, &w);
    house_hush(&h);
    exporter_join(&e, &h, &local);
    worker_store(&w, 1, 3, LOGS, 5, 1000);
    struct kept_id kept = exporter_take(&e);
    exporter_says(&e, &kept, DONE, 0, 4);
    peer_wait(&e, BODY(VERDICT_OK));
    struct house_queue q = house_queue(&h, "a", LOGS);
    ck_assert_uint_eq(q.delivered, 11);
    ck_assert_uint_eq(q.rejected, 4);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(corrupt_batch_is_lost_alone_and_the_rest_comes_under_a_new_id)
{
    struct house h;
    struct test_peer w, e;
    begin(&h, &w);
    house_hush(&h);
    exporter_join(&e, &h, &local);
    worker_store(&w, 1, 3, LOGS, 5, 1000);
    const Masques__Bus__Deliver *d = peer_wait(&e, BODY(DELIVER))->deliver;
    struct kept_id kept;
    keep_id(&kept, d);
    char path[256];
    snprintf(path, sizeof path, "%s/logs/%016" PRIx64 ".seg", h.store_dir, d->extents[0]->segment);
    int fd = open(path, O_WRONLY);
    ck_assert_int_eq((int)pwrite(fd, "x", 1, (off_t)d->extents[0]->offset[1]), 1);
    close(fd);
    exporter_says(&e, &kept, CORRUPT, 0, 0);
    for (uint64_t delivered = 0; delivered < 10;) {
        struct kept_id rest = exporter_take(&e);
        ck_assert(rest.id.first != kept.id.first || rest.id.last != kept.id.last);
        exporter_says(&e, &rest, DONE, 0, 0);
        delivered += rest.records;
    }
    exporter_sync(&e);
    struct house_queue q = house_queue(&h, "a", LOGS);
    ck_assert_uint_eq(q.delivered, 10);
    ck_assert_uint_eq(q.lost, 5);
    ck_assert_uint_eq(q.records, 0);
    ck_assert_uint_ge(e.seen[BODY(CANCEL)], 1);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(delivery_wrongly_called_corrupt_comes_again)
{
    struct house h;
    struct test_peer w, e;
    begin(&h, &w);
    house_hush(&h);
    exporter_join(&e, &h, &local);
    worker_store(&w, 1, 3, LOGS, 5, 1000);
    struct kept_id first = exporter_take(&e);
    exporter_says(&e, &first, CORRUPT, 0, 0);
    struct kept_id second = exporter_take(&e);
    ck_same_delivery(&first, &second);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(overrun_lossy_exporter_is_told_to_forget_what_is_gone)
{
    struct house h;
    struct test_peer w, e;
    house_make(&h);
    h.settings.max_bytes = 8u << 20;
    h.settings.max_batch = 1u << 20;
    house_subscribe(&h, "a", 1u << LOGS, true);
    house_start(&h);
    peer_join(&w, &h, &worker);
    exporter_join(&e, &h, &local);
    worker_store(&w, 1, 1, LOGS, 1, 256 * 1024);
    struct kept_id kept = exporter_take(&e);
    for (uint64_t number = 2; number < 100; number++)
        worker_store(&w, number, 1, LOGS, 1, 256 * 1024);
    ck_assert_uint_eq(peer_wait(&e, BODY(CANCEL))->cancel->id->first, kept.id.first);
    struct house_queue q = house_queue(&h, "a", LOGS);
    ck_assert_uint_gt(q.lost, 0);
    ck_assert_uint_eq(q.lost + q.records, 99);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(live_exporter_begins_now_and_is_forgotten_when_it_leaves)
{
    struct house h;
    struct test_peer w, e;
    struct peer_id live = {
        .name = "tail", .signals = 1u << LOGS | 1u << TRACES, .mode = MASQUES__BUS__MODE__LIVE};
    begin(&h, &w);
    worker_store(&w, 1, 1, LOGS, 7, 100);
    exporter_join(&e, &h, &live);
    worker_store(&w, 2, 1, LOGS, 5, 100);
    struct kept_id kept = exporter_take(&e);
    ck_assert_uint_eq(kept.records, 5);
    ck_assert(house_queue(&h, "tail", TRACES).found);
    worker_store(&w, 3, 1, TRACES, 1, 100); /* wanted now */
    peer_bye(&e);
    worker_publish(&w, 4, 1, TRACES, 1, 100);
    while (worker_verdict(&w, 4) == 0) /* BYE travels on another socket */
        worker_publish(&w, 4, 1, TRACES, 1, 100);
    ck_assert(!house_queue(&h, "tail", LOGS).found);
    ck_assert_uint_eq(house_queue(&h, "a", LOGS).records, 12);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(attached_durable_exporter_keeps_its_place_while_it_is_away)
{
    struct house h;
    struct test_peer w, e;
    struct peer_id durable = {.name = "extra",
                              .signals = 1u << TRACES,
                              .mode = MASQUES__BUS__MODE__DURABLE,
                              .start = MASQUES__BUS__START__NOW};
    begin(&h, &w);
    exporter_join(&e, &h, &durable);
    peer_bye(&e);
    peer_close(&e);
    worker_store(&w, 1, 1, TRACES, 5, 100);
    peer_close(&w);
    house_restart(&h);
    struct house_queue q = house_queue(&h, "extra", TRACES);
    ck_assert_uint_eq(q.records, 5);
    ck_assert_str_eq(q.state, "away");
    peer_join(&w, &h, &worker);
    ck_assert_uint_eq(w.wanted, 1u << LOGS | 1u << TRACES);
    exporter_join(&e, &h, &durable);
    struct kept_id kept = exporter_take(&e);
    ck_assert_uint_eq(kept.records, 5);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(exporter_gone_from_the_configuration_is_orphaned_and_owned_again_when_it_is_back)
{
    struct house h;
    struct test_peer w, e;
    house_make(&h);
    house_hush(&h);
    house_subscribe(&h, "a", 1u << LOGS, false);
    house_subscribe(&h, "lossy", 1u << LOGS, true);
    house_start(&h);
    peer_join(&w, &h, &worker);
    worker_store(&w, 1, 3, LOGS, 5, 100);
    peer_close(&w);
    h.settings.n_subscriptions = 0;
    for (int restart = 0; restart < 2; restart++) { /* it stays one */
        house_restart(&h);
        struct house_queue q = house_queue(&h, "a", LOGS);
        ck_assert_str_eq(q.state, "orphaned");
        ck_assert_uint_eq(q.records, 15);
        ck_assert(!house_queue(&h, "lossy", LOGS).found);
        peer_join(&w, &h, &worker);
        ck_assert_uint_eq(w.wanted, 0);
        peer_close(&w);
    }
    h.settings.n_subscriptions = 1;
    house_restart(&h);
    ck_assert_str_eq(house_queue(&h, "a", LOGS).state, "away");
    exporter_join(&e, &h, &local);
    struct kept_id kept = exporter_take(&e);
    ck_assert_uint_eq(kept.records, 15);
    peer_close(&e);
    house_end(&h);
}
END_TEST

START_TEST(every_exporter_gets_everything_once)
{
    enum { EXPORTERS = 3, BATCHES = 200 };
    static const char *const names[EXPORTERS] = {"a", "b", "c"};
    struct house h;
    struct test_peer w, e[EXPORTERS];
    house_make(&h);
    for (int i = 0; i < EXPORTERS; i++)
        house_subscribe(&h, names[i], 1u << LOGS, false);
    house_start(&h);
    peer_join(&w, &h, &worker);
    for (int i = 0; i < EXPORTERS; i++) {
        struct peer_id id = {.name = names[i], .local = i != 1, .max_bytes = 5000};
        exporter_join(&e[i], &h, &id);
    }
    for (uint64_t i = 0; i < BATCHES / 10; i++)
        worker_publish(&w, 1 + i * 10, 10, LOGS, 2, 1000);
    for (int i = 0; i < EXPORTERS; i++) {
        uint64_t records = 0, next = 0;
        while (records < BATCHES * 2) {
            struct kept_id kept = exporter_take(&e[i]);
            ck_assert_msg(next == 0 || kept.id.first == next, "%s: a gap or a repetition",
                          names[i]);
            next = kept.id.last + 1;
            records += kept.records;
            exporter_says(&e[i], &kept, DONE, 0, 0);
        }
        ck_assert_uint_eq(records, BATCHES * 2);
        exporter_sync(&e[i]);
        ck_assert_uint_eq(house_queue(&h, names[i], LOGS).delivered, BATCHES * 2);
        peer_close(&e[i]);
    }
    end(&h, &w);
}
END_TEST

static void do_drain(void *arg)
{
    struct house *h = arg;
    router_drain(h->router, NEVER_MS);
}

static void wait_until_drained(struct house *h)
{
    for (uint64_t limit = clock_mono_ms() + LIMIT_MS; !h->drained && clock_mono_ms() < limit;)
        house_call(h, house_do_nothing, NULL);
    ck_assert(h->drained);
}

START_TEST(drain_waits_for_an_exporter_of_the_configuration_that_is_still_coming)
{
    struct house h;
    struct test_peer w, e;
    begin(&h, &w); /* "a" is configured and has not come yet */
    worker_store(&w, 1, 3, LOGS, 5, 1000);
    house_call(&h, do_drain, &h);
    house_call(&h, house_do_nothing, NULL);
    ck_assert(!h.drained);
    exporter_join(&e, &h, &local);
    struct kept_id kept = exporter_take(&e);
    exporter_done(&e, &kept);
    wait_until_drained(&h);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

START_TEST(drain_ends_when_those_who_are_there_have_everything)
{
    struct house h;
    struct test_peer w, e, gone;
    struct peer_id id = local, away = local;
    id.linger_ms = NEVER_MS;
    away.name = "away";
    house_make(&h);
    house_subscribe(&h, "a", 1u << LOGS, false);
    house_subscribe(&h, "away", 1u << LOGS, false);
    house_start(&h);
    peer_join(&w, &h, &worker);
    exporter_join(&gone, &h, &away);
    peer_bye(&gone);
    exporter_join(&e, &h, &id);
    worker_store(&w, 1, 3, LOGS, 5, 1000);
    house_call(&h, do_drain, &h);
    struct kept_id kept = exporter_take(&e); /* nothing lingers any more */
    house_call(&h, house_do_nothing, NULL);
    ck_assert(!h.drained);
    exporter_done(&e, &kept);
    wait_until_drained(&h);
    ck_assert_uint_eq(house_queue(&h, "away", LOGS).records, 15);
    peer_close(&gone);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

static void do_short_drain(void *arg)
{
    struct house *h = arg;
    router_drain(h->router, 50);
}

START_TEST(drain_ends_when_its_time_is_over)
{
    struct house h;
    struct test_peer w, e;
    begin(&h, &w);
    exporter_join(&e, &h, &local);
    worker_store(&w, 1, 3, LOGS, 5, 1000);
    exporter_take(&e);
    house_call(&h, do_short_drain, &h);
    wait_until_drained(&h);
    peer_close(&e);
    end(&h, &w);
}
END_TEST

SUITE_MAIN("router/dispatch", local_exporter_gets_extents_and_its_done_is_confirmed,
           remote_exporter_gets_the_bytes_a_frame_for_each_batch,
           delivery_of_very_many_batches_keeps_each_of_them_apart,
           nothing_is_sent_before_credit_is_granted, credit_bounds_what_is_out,
           untouched_credit_takes_one_delivery_of_any_size,
           deliveries_of_before_keep_to_the_credit_of_now, wish_for_deliveries_at_a_time_is_kept,
           lingering_delivery_waits_for_company_but_not_beyond_its_time,
           as_many_records_as_it_wishes_linger_for_nobody,
           restarted_exporter_gets_the_same_delivery_under_the_same_id,
           restarted_router_delivers_the_same_under_the_same_id,
           verdict_repeated_after_reconnecting_is_confirmed_and_counted_once,
           verdict_that_nobody_heard_counts_when_hello_brings_it,
           delivery_in_progress_is_left_to_its_exporter,
           delivery_of_another_store_is_answered_under_its_own_id,
           small_delivery_close_behind_another_waits_a_little, delivery_that_never_was_is_cancelled,
           retry_comes_again_when_its_time_is_over_and_not_before,
           retry_gives_its_credit_back_while_it_waits, rejected_records_are_counted_apart,
           corrupt_batch_is_lost_alone_and_the_rest_comes_under_a_new_id,
           delivery_wrongly_called_corrupt_comes_again,
           overrun_lossy_exporter_is_told_to_forget_what_is_gone,
           live_exporter_begins_now_and_is_forgotten_when_it_leaves,
           attached_durable_exporter_keeps_its_place_while_it_is_away,
           exporter_gone_from_the_configuration_is_orphaned_and_owned_again_when_it_is_back,
           every_exporter_gets_everything_once,
           drain_waits_for_an_exporter_of_the_configuration_that_is_still_coming, drain_ends_when_those_who_are_there_have_everything,
           drain_ends_when_its_time_is_over)
