// SPDX-License-Identifier: Apache-2.0
/* Dead letters from the verdict that makes them to the one that ends them. */
#include <inttypes.h>
#include <sys/stat.h>

#include "tests/unit/router/asker.h"

#define LOGS 1u
#define DONE MASQUES__BUS__OUTCOME__DONE
#define RETRY MASQUES__BUS__OUTCOME__RETRY
#define LETTER_BIT (UINT64_C(1) << 63)

static const struct peer_id worker = {.name = "worker/1", .worker = true, .incarnation = 7};
static const struct peer_id local = {.name = "a", .local = true};

struct scene {
    struct house h;
    struct test_peer w, c, e;
    Masques__Control__Retry retry;
};

/* `retry_ms`: how long what got RETRY waits. */
static void begin_with(struct scene *s, uint32_t retry_ms)
{
    house_make(&s->h);
    house_hush(&s->h);
    house_subscribe(&s->h, "a", 1u << LOGS, false);
    masques__control__retry__init(&s->retry);
    s->retry.initial_ms = s->retry.max_ms = retry_ms;
    s->h.subs[0].retry = &s->retry;
    house_start(&s->h);
    peer_join(&s->w, &s->h, &worker);
    asker_join(&s->c, &s->h, "ctl/1");
    exporter_join(&s->e, &s->h, &local);
}

static void begin(struct scene *s)
{
    begin_with(s, 100);
}

static void close_peers(struct scene *s)
{
    peer_close(&s->w);
    peer_close(&s->c);
    peer_close(&s->e);
}

static void end(struct scene *s)
{
    close_peers(s);
    house_end(&s->h);
}

static void restart(struct scene *s)
{
    static uint64_t attempt = 1;
    struct peer_id id = local;
    close_peers(s);
    house_restart(&s->h);
    peer_join(&s->w, &s->h, &worker);
    asker_join(&s->c, &s->h, "ctl/1");
    id.attempt = ++attempt;
    exporter_join(&s->e, &s->h, &id);
}

/* One delivery of five records, two of which are rejected with these bytes. Returns the letter's number. */
static uint64_t reject(struct scene *s, uint64_t batch, const char *bytes)
{
    worker_store(&s->w, batch, 1, LOGS, 5, 1000);
    struct kept_id kept = exporter_take(&s->e);
    exporter_says_with(&s->e, &kept, DONE, 0, 2, bytes);
    peer_wait(&s->e, BODY(VERDICT_OK));
    const struct asked *a = ask_letters(&s->c, "a");
    ck_assert_uint_ge(a->letters, 1);
    return a->letter[a->letters - 1].number;
}

static struct kept_id take_letter(struct scene *s, uint64_t number, const char *bytes)
{
    struct kept_id kept = exporter_take(&s->e);
    ck_assert_uint_eq(kept.id.first, number | LETTER_BIT);
    ck_assert_uint_eq(kept.id.last, kept.id.first);
    ck_assert_uint_eq(kept.id.generation, number >> 32);
    ck_assert_uint_eq(kept.id.signal, LOGS);
    ck_assert_uint_eq(s->e.frame->deliver->n_extents, 0);
    ck_assert(slice_is(slice_make(s->e.payload, s->e.payload_len), bytes));
    return kept;
}

START_TEST(a_rejection_becomes_a_letter_before_its_verdict_is_confirmed)
{
    struct scene s;
    begin(&s);
    reject(&s, 1, "the bytes");
    for (unsigned round = 0; round < 2; round++) {
        const struct asked *a = ask_letters(&s.c, "");
        ck_assert_uint_eq(a->letters, 1);
        ck_assert_str_eq(a->letter[0].exporter, "a");
        ck_assert_str_eq(a->letter[0].reason, "bad");
        ck_assert_uint_eq(a->letter[0].records, 2);
        ck_assert_uint_eq(a->letter[0].bytes, 9);
        ck_assert_uint_eq(ask_letters(&s.c, "b")->letters, 0);
        struct house_queue q = house_queue(&s.h, "a", LOGS);
        ck_assert_uint_eq(q.delivered, 3);
        ck_assert_uint_eq(q.rejected, 2);
        restart(&s);
    }
    end(&s);
}
END_TEST

START_TEST(a_replayed_letter_that_is_delivered_is_gone)
{
    struct scene s;
    begin(&s);
    uint64_t number = reject(&s, 1, "the bytes");
    ck_assert_uint_eq(ask_replay(&s.c, "", number)->count, 1);
    struct kept_id kept = take_letter(&s, number, "the bytes");
    ck_assert_uint_eq(kept.records, 2);
    ck_assert_uint_eq(ask_letters(&s.c, "")->letters, 1);
    exporter_done(&s.e, &kept);
    ck_assert_uint_eq(ask_letters(&s.c, "")->letters, 0);
    exporter_done(&s.e, &kept); /* said again */
    /* The store's own counts are as before. */
    struct house_queue q = house_queue(&s.h, "a", LOGS);
    ck_assert_uint_eq(q.delivered, 3);
    ck_assert_uint_eq(q.rejected, 2);
    restart(&s);
    ck_assert_uint_eq(ask_letters(&s.c, "")->letters, 0);
    end(&s);
}
END_TEST

START_TEST(a_letter_has_the_same_id_and_bytes_after_a_restart)
{
    struct scene s;
    begin(&s);
    uint64_t number = reject(&s, 1, "the bytes");
    ask_replay(&s.c, "a", 0);
    struct kept_id first = take_letter(&s, number, "the bytes");
    restart(&s);
    ask_replay(&s.c, "a", 0);
    struct kept_id second = take_letter(&s, number, "the bytes");
    ck_same_delivery(&first, &second);
    exporter_done(&s.e, &second);
    ck_assert_uint_eq(ask_letters(&s.c, "")->letters, 0);
    end(&s);
}
END_TEST

START_TEST(a_letter_that_is_out_goes_out_again_in_the_next_session)
{
    struct scene s;
    begin(&s);
    uint64_t number = reject(&s, 1, "the bytes");
    ask_replay(&s.c, "a", 0);
    struct kept_id first = take_letter(&s, number, "the bytes");
    struct peer_id again = local;
    again.attempt = 100;
    exporter_notes(&s.e, &first, "half of it");
    peer_wait(&s.e, BODY(PROGRESS_OK));
    peer_close(&s.e);
    exporter_join(&s.e, &s.h, &again);
    struct kept_id second = take_letter(&s, number, "the bytes");
    ck_same_delivery(&first, &second);
    ck_assert_uint_eq(second.attempt, 2);
    const Masques__Bus__Deliver *d = s.e.frame->deliver;
    ck_assert(slice_is(slice_make(d->progress.data, d->progress.len), "half of it"));
    exporter_done(&s.e, &second);
    end(&s);
}
END_TEST

START_TEST(one_letter_is_out_at_a_time)
{
    struct scene s;
    begin(&s);
    uint64_t first = reject(&s, 1, "one"), second = reject(&s, 2, "two");
    ck_assert_uint_eq(ask_replay(&s.c, "a", 0)->count, 2);
    struct kept_id kept = take_letter(&s, first, "one");
    exporter_sync(&s.e);
    unsigned delivered = s.e.seen[BODY(DELIVER)];
    exporter_says(&s.e, &kept, DONE, 0, 0);
    kept = take_letter(&s, second, "two");
    ck_assert_uint_eq(s.e.seen[BODY(DELIVER)], delivered + 1);
    exporter_done(&s.e, &kept);
    ck_assert_uint_eq(ask_letters(&s.c, "")->letters, 0);
    end(&s);
}
END_TEST

START_TEST(a_letter_that_is_rejected_again_stays_under_a_new_number)
{
    struct scene s;
    begin(&s);
    uint64_t number = reject(&s, 1, "the bytes");
    ask_replay(&s.c, "a", 0);
    struct kept_id kept = take_letter(&s, number, "the bytes");
    exporter_says_with(&s.e, &kept, DONE, 0, 1, "bytes");
    peer_wait(&s.e, BODY(VERDICT_OK));
    for (unsigned round = 0; round < 2; round++) {
        const struct asked *a = ask_letters(&s.c, "");
        ck_assert_uint_eq(a->letters, 1);
        ck_assert_uint_gt(a->letter[0].number, number);
        ck_assert_uint_eq(a->letter[0].records, 1);
        ck_assert_uint_eq(a->letter[0].bytes, 5);
        number = a->letter[0].number - 1;
        restart(&s);
        exporter_sync(&s.e);
        ck_assert_uint_eq(s.e.seen[BODY(DELIVER)], 0); /* not by itself */
    }
    end(&s);
}
END_TEST

/* DONE with a rejection for each of two reasons. */
static void rejects_twice(struct test_peer *p, struct kept_id *kept)
{
    struct slice payloads[] = {slice_of("one"), slice_of("two")};
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__DeliveryVerdict verdict = MASQUES__BUS__DELIVERY_VERDICT__INIT;
    Masques__Bus__Rejected one = MASQUES__BUS__REJECTED__INIT, two = one;
    Masques__Bus__Rejected *rejects[] = {&one, &two};
    one.reason = (char *)(uintptr_t) "bad";
    two.reason = (char *)(uintptr_t) "worse";
    one.count = two.count = two.first = 1;
    verdict.id = id_of(kept);
    verdict.outcome = DONE;
    verdict.n_rejected = 2;
    verdict.rejected = rejects;
    frame.body_case = BODY(DELIVERY_VERDICT);
    frame.delivery_verdict = &verdict;
    peer_say(p, &frame, payloads, 2);
}

START_TEST(a_letter_whose_new_ones_cannot_be_written_stays_alone)
{
    struct scene s;
    char path[512];
    begin(&s);
    uint64_t number = reject(&s, 1, "the bytes");
    ask_replay(&s.c, "a", 0);
    struct kept_id kept = take_letter(&s, number, "the bytes");
    /* In the way of the second of the two. */
    snprintf(path, sizeof path, "%s/dead-letters/%016" PRIx64 ".tmp", s.h.store_dir, number + 2);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    rejects_twice(&s.e, &kept);
    peer_wait(&s.e, BODY(VERDICT_OK));
    const struct asked *a = ask_letters(&s.c, "");
    ck_assert_uint_eq(a->letters, 1);
    ck_assert_uint_eq(a->letter[0].number, number);
    ck_assert_int_eq(rmdir(path), 0);
    ask_replay(&s.c, "a", 0);
    kept = take_letter(&s, number, "the bytes");
    rejects_twice(&s.e, &kept);
    peer_wait(&s.e, BODY(VERDICT_OK));
    ck_assert_uint_eq(ask_letters(&s.c, "")->letters, 2);
    end(&s);
}
END_TEST

START_TEST(a_letter_that_cannot_be_read_there_is_not_sent_again_by_itself)
{
    struct scene s;
    begin(&s);
    uint64_t first = reject(&s, 1, "one"), second = reject(&s, 2, "two");
    ask_replay(&s.c, "a", 0);
    struct kept_id kept = take_letter(&s, first, "one");
    exporter_says(&s.e, &kept, MASQUES__BUS__OUTCOME__CORRUPT, 0, 0);
    kept = take_letter(&s, second, "two");
    uint64_t seen = s.e.seen[BODY(DELIVER)];
    exporter_done(&s.e, &kept);
    exporter_sync(&s.e);
    ck_assert_uint_eq(s.e.seen[BODY(DELIVER)], seen);
    ck_assert_uint_eq(ask_letters(&s.c, "")->letters, 1);
    end(&s);
}
END_TEST

START_TEST(a_letter_that_waits_lets_the_next_one_go_first)
{
    struct scene s;
    begin(&s);
    uint64_t first = reject(&s, 1, "one"), second = reject(&s, 2, "two");
    ask_replay(&s.c, "a", 0);
    struct kept_id kept = take_letter(&s, first, "one");
    exporter_says(&s.e, &kept, RETRY, 0, 0);
    kept = take_letter(&s, second, "two");
    exporter_done(&s.e, &kept);
    kept = take_letter(&s, first, "one");
    exporter_done(&s.e, &kept);
    ck_assert_uint_eq(ask_letters(&s.c, "")->letters, 0);
    end(&s);
}
END_TEST

START_TEST(retry_waits_and_the_letter_stays)
{
    struct scene s;
    begin_with(&s, NEVER_MS);
    uint64_t number = reject(&s, 1, "the bytes");
    ask_replay(&s.c, "a", 0);
    struct kept_id kept = take_letter(&s, number, "the bytes");
    unsigned delivered = s.e.seen[BODY(DELIVER)];
    exporter_says(&s.e, &kept, RETRY, 0, 0);
    exporter_sync(&s.e);
    ck_assert_uint_eq(s.e.seen[BODY(DELIVER)], delivered);
    ck_assert_uint_eq(ask_letters(&s.c, "")->letters, 1);
    end(&s);
    /* And comes again when that is over. */
    begin(&s);
    number = reject(&s, 1, "the bytes");
    ask_replay(&s.c, "a", 0);
    kept = take_letter(&s, number, "the bytes");
    exporter_says(&s.e, &kept, RETRY, 0, 0);
    kept = take_letter(&s, number, "the bytes");
    ck_assert_uint_eq(kept.attempt, 2);
    ck_assert_uint_eq(ask_letters(&s.c, "")->letters, 1);
    exporter_done(&s.e, &kept);
    end(&s);
}
END_TEST

START_TEST(a_dropped_letter_is_gone_also_while_it_is_out)
{
    struct scene s;
    begin(&s);
    uint64_t first = reject(&s, 1, "one"), second = reject(&s, 2, "two");
    ask_replay(&s.c, "", first);
    struct kept_id kept = take_letter(&s, first, "one");
    ck_assert_uint_eq(ask_drop(&s.c, "b", 0)->count, 0);
    ck_assert_ptr_nonnull(strstr(ask_drop(&s.c, "", 99)->error, "no dead letter 99"));
    ck_assert_uint_eq(ask_drop(&s.c, "a", 0)->count, 2);
    exporter_done(&s.e, &kept);
    ck_assert_uint_eq(ask_letters(&s.c, "")->letters, 0);
    ck_assert_ptr_nonnull(strstr(ask_replay(&s.c, "", second)->error, "no dead letter"));
    uint64_t third = reject(&s, 3, "three"); /* the next one goes out all the same */
    ask_replay(&s.c, "", third);
    kept = take_letter(&s, third, "three");
    exporter_done(&s.e, &kept);
    end(&s);
}
END_TEST

START_TEST(a_letter_without_bytes_can_only_be_read_and_dropped)
{
    struct scene s;
    begin(&s);
    uint64_t number = reject(&s, 1, NULL);
    const struct asked *a = ask_replay(&s.c, "a", 0);
    ck_assert_uint_eq(a->count, 0);
    ck_assert_ptr_nonnull(strstr(a->error, "did not give the bytes"));
    ck_assert_uint_eq(ask_drop(&s.c, "", number)->count, 1);
    end(&s);
}
END_TEST

START_TEST(an_exporter_in_the_middle_of_a_letter_goes_on_with_it)
{
    struct scene s;
    begin(&s);
    uint64_t number = reject(&s, 1, "the bytes");
    ask_replay(&s.c, "a", 0);
    struct kept_id kept = take_letter(&s, number, "the bytes");
    close_peers(&s);
    house_restart(&s.h);
    Masques__Bus__DeliveryState state = MASQUES__BUS__DELIVERY_STATE__INIT;
    Masques__Bus__DeliveryState *states[] = {&state};
    struct peer_id id = local;
    state.id = id_of(&kept);
    id.deliveries = states;
    id.delivery_count = 1;
    peer_join(&s.w, &s.h, &worker);
    asker_join(&s.c, &s.h, "ctl/1");
    exporter_join(&s.e, &s.h, &id);
    exporter_sync(&s.e);
    ck_assert_uint_eq(s.e.seen[BODY(DELIVER)], 0);
    exporter_done(&s.e, &kept);
    ck_assert_uint_eq(ask_letters(&s.c, "")->letters, 0);
    end(&s);
}
END_TEST

SUITE_MAIN("router/replay", a_rejection_becomes_a_letter_before_its_verdict_is_confirmed,
           a_replayed_letter_that_is_delivered_is_gone,
           a_letter_has_the_same_id_and_bytes_after_a_restart,
           a_letter_that_is_out_goes_out_again_in_the_next_session, one_letter_is_out_at_a_time,
           a_letter_that_is_rejected_again_stays_under_a_new_number,
           a_letter_whose_new_ones_cannot_be_written_stays_alone,
           a_letter_that_cannot_be_read_there_is_not_sent_again_by_itself,
           a_letter_that_waits_lets_the_next_one_go_first, retry_waits_and_the_letter_stays,
           a_dropped_letter_is_gone_also_while_it_is_out,
           a_letter_without_bytes_can_only_be_read_and_dropped,
           an_exporter_in_the_middle_of_a_letter_goes_on_with_it)
