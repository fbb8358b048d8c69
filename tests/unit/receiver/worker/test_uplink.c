// SPDX-License-Identifier: Apache-2.0
/* The uplink against a bound link that plays the router. */
#include "receiver/worker/uplink.h"

#include "tests/unit/receiver/worker/bus_stage.h"

#define FAR_MS 1000000u /* a deadline that no test reaches */

static void done(void *ctx, const struct uplink_verdict *verdict)
{
    struct stage *s = ctx;
    s->done_count++;
    s->outcomes[verdict->outcome]++;
    s->last_after_ms = verdict->after_ms;
    s->done_at_ms = loop_now_ms(s->loop);
}

/* Publishes `bytes` bytes that begin with `mark`, charged with as many. */
static struct uplink_ticket *publish_for(struct stage *s, uint8_t mark, size_t bytes,
                                         uint64_t within_ms, uplink_done_fn fn)
{
    struct blob *payload = blob_new(bytes);
    payload->len = bytes;
    memset(payload->data, mark, bytes);
    ck_assert(ledger_reserve(&s->ledger, bytes));
    struct uplink_batch batch = {
        .signal = 1, .records = mark, .payload = payload, .charge = bytes};
    struct uplink_ticket *ticket =
        uplink_publish(s->uplink, &batch, loop_now_ms(s->loop) + within_ms, fn, s);
    ck_assert_ptr_nonnull(ticket);
    blob_drop(payload);
    return ticket;
}

static struct uplink_ticket *publish(struct stage *s, uint8_t mark, size_t bytes)
{
    return publish_for(s, mark, bytes, FAR_MS, done);
}

static bool went_down(const struct stage *s)
{
    return s->downs >= s->wanted_count;
}

static bool is_fenced(const struct stage *s)
{
    return s->fenced > 0;
}

START_TEST(batches_of_one_turn_travel_in_one_message)
{
    struct stage s;
    stage_open(&s);
    stage_until(&s, stage_is_up);
    for (uint8_t i = 1; i <= 5; i++)
        publish(&s, i, 100u + i);
    stage_until_seen(&s, 5);
    ck_assert_uint_eq(s.messages, 1);
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_uint_eq(s.seen[i].number, i + 1);
        ck_assert_uint_eq(s.seen[i].len, 101 + i);
        ck_assert_uint_eq(s.seen[i].first_byte, i + 1);
        ck_assert_uint_eq(s.seen[i].records, i + 1);
        ck_assert_uint_eq(s.seen[i].lowest_open, 1);
    }
    ck_assert_uint_eq(s.ledger.used_bytes, 101 + 102 + 103 + 104 + 105);
    stage_settle(&s, (const uint64_t[]){1, 2, 3, 4, 5}, 5, -1, 0);
    stage_until_done(&s, 5);
    ck_assert_uint_eq(s.outcomes[UPLINK_STORED], 5);
    ck_assert_uint_eq(s.ledger.used_bytes, 0);
    ck_assert_uint_eq(uplink_counters(s.uplink)->open, 0);
    stage_close(&s);
}
END_TEST

START_TEST(many_batches_are_cut_into_messages_in_order)
{
    struct stage s;
    stage_open(&s);
    stage_until(&s, stage_is_up);
    for (unsigned i = 0; i < 150; i++)
        publish(&s, (uint8_t)i, 10);
    stage_until_seen(&s, 150);
    ck_assert_uint_eq(s.messages, 3);
    for (unsigned i = 0; i < 150; i++) {
        ck_assert_uint_eq(s.seen[i].number, i + 1);
        ck_assert_uint_eq(s.seen[i].message, i / UPLINK_MESSAGE_BATCHES + 1);
    }
    stage_close(&s);
}
END_TEST

START_TEST(what_has_no_verdict_is_published_again_under_its_number)
{
    struct stage s;
    stage_open(&s);
    stage_until(&s, stage_is_up);
    for (uint8_t i = 1; i <= 4; i++)
        publish(&s, i, 50);
    stage_until_seen(&s, 4);
    stage_store(&s, 2);
    stage_until_done(&s, 1);
    stage_reset(&s);
    s.wanted_count = 1;
    stage_until(&s, went_down);
    publish(&s, 5, 50); /* while the router is away: behind the others */
    stage_until_seen(&s, 8);
    static const uint64_t again[] = {1, 3, 4, 5};
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(s.seen[4 + i].number, again[i]);
        ck_assert_uint_eq(s.seen[4 + i].first_byte, again[i]);
        ck_assert_uint_eq(s.seen[4 + i].lowest_open, 1);
        ck_assert_uint_eq(s.seen[4 + i].session, 2);
    }
    ck_assert(!s.incarnation_changed);
    ck_assert_uint_eq(uplink_counters(s.uplink)->republished, 3);
    stage_settle(&s, again, 4, -1, 0);
    stage_until_done(&s, 5);
    ck_assert_uint_eq(s.outcomes[UPLINK_STORED], 5);
    ck_assert_uint_eq(s.ledger.used_bytes, 0);
    stage_close(&s);
}
END_TEST

START_TEST(batches_wait_for_the_first_session)
{
    struct stage s;
    stage_open(&s);
    s.store_at_once = true;
    ck_assert(!uplink_is_up(s.uplink));
    publish(&s, 1, 10);
    publish(&s, 2, 10);
    stage_until_done(&s, 2);
    ck_assert_uint_eq(s.messages, 1);
    ck_assert_uint_eq(uplink_away_ms(s.uplink), 0);
    stage_close(&s);
}
END_TEST

START_TEST(credit_bounds_what_is_in_flight)
{
    struct stage s;
    stage_open(&s);
    s.credit = 1000;
    stage_until(&s, stage_is_up);
    for (uint8_t i = 1; i <= 5; i++)
        publish(&s, i, 400);
    stage_until_seen(&s, 2);
    ck_assert_uint_eq(uplink_counters(s.uplink)->in_flight_bytes, 800);
    stage_store(&s, 1);
    stage_until_seen(&s, 3);
    ck_assert_uint_eq(s.seen_count, 3); /* 1200 would be too much */
    stage_settle(&s, (const uint64_t[]){2, 3}, 2, -1, 0);
    stage_until_seen(&s, 5);
    stage_settle(&s, (const uint64_t[]){4, 5}, 2, -1, 0);
    stage_until_done(&s, 5);
    ck_assert_uint_eq(uplink_counters(s.uplink)->in_flight_bytes, 0);
    stage_close(&s);
}
END_TEST

START_TEST(a_batch_over_the_credit_goes_alone)
{
    struct stage s;
    stage_open(&s);
    s.credit = 1000;
    stage_until(&s, stage_is_up);
    publish(&s, 1, 10);
    publish(&s, 2, 5000);
    publish(&s, 3, 10);
    stage_until_seen(&s, 1);
    ck_assert_uint_eq(s.seen_count, 1);
    stage_store(&s, 1);
    stage_until_seen(&s, 2);
    ck_assert_uint_eq(s.seen[1].number, 2);
    ck_assert_uint_eq(s.seen_count, 2);
    stage_store(&s, 2);
    stage_until_seen(&s, 3);
    stage_close(&s);
}
END_TEST

START_TEST(credit_can_be_raised_by_a_message)
{
    struct stage s;
    stage_open(&s);
    s.credit = 100;
    stage_until(&s, stage_is_up);
    publish(&s, 1, 90);
    publish(&s, 2, 90);
    stage_until_seen(&s, 1);
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Credit credit = MASQUES__BUS__CREDIT__INIT;
    credit.bytes = 1000;
    frame.body_case = MASQUES__BUS__FRAME__BODY_CREDIT;
    frame.credit = &credit;
    stage_send(&s, &frame);
    stage_until_seen(&s, 2);
    stage_close(&s);
}
END_TEST

START_TEST(the_lowest_open_number_is_always_told)
{
    struct stage s;
    stage_open(&s);
    stage_until(&s, stage_is_up);
    for (uint8_t i = 1; i <= 3; i++)
        publish(&s, i, 10);
    stage_until_seen(&s, 3);
    stage_settle(&s, (const uint64_t[]){3, 2}, 2, -1, 0);
    stage_until_done(&s, 2);
    publish(&s, 4, 10);
    stage_until_seen(&s, 4);
    ck_assert_uint_eq(s.seen[3].lowest_open, 1);
    stage_store(&s, 1);
    stage_until_done(&s, 3);
    publish(&s, 5, 10);
    stage_until_seen(&s, 5);
    ck_assert_uint_eq(s.seen[4].lowest_open, 4);
    stage_settle(&s, (const uint64_t[]){4, 5}, 2, -1, 0);
    stage_until_done(&s, 5);
    publish(&s, 6, 10);
    stage_until_seen(&s, 6);
    ck_assert_uint_eq(s.seen[5].lowest_open, 6);
    stage_close(&s);
}
END_TEST

START_TEST(a_deadline_passes_while_the_router_is_away)
{
    struct stage s;
    stage_open(&s);
    s.credit = STAGE_SILENT;
    uint64_t from_ms = loop_now_ms(s.loop);
    publish_for(&s, 1, 10, 50, done);
    publish(&s, 2, 10);
    stage_until_done(&s, 1);
    ck_assert_uint_eq(s.outcomes[UPLINK_ROUTER_AWAY], 1);
    ck_assert_uint_ge(s.done_at_ms - from_ms, 50); /* both are of the clock that the deadline is of */
    ck_assert_uint_eq(s.ledger.used_bytes, 10);
    s.credit = 1000;
    stage_until_seen(&s, 1); /* the silence is noticed, HELLO said again */
    ck_assert_uint_eq(s.seen[0].first_byte, 2); /* the first was withdrawn */
    ck_assert_uint_eq(s.seen[0].number, 1);
    ck_assert_uint_eq(uplink_counters(s.uplink)->expired, 1);
    stage_close(&s);
}
END_TEST

START_TEST(a_late_verdict_is_counted_and_nobody_is_told_twice)
{
    struct stage s;
    stage_open(&s);
    stage_until(&s, stage_is_up);
    publish_for(&s, 1, 10, 1000, done); /* it must go out before */
    stage_until_seen(&s, 1);
    stage_until_done(&s, 1);
    ck_assert_uint_eq(s.outcomes[UPLINK_ROUTER_AWAY], 1);
    ck_assert_uint_eq(s.seen_count, 1);
    ck_assert_uint_eq(s.ledger.used_bytes, 10); /* the bytes are still held for the router */
    publish(&s, 2, 10);
    stage_until_seen(&s, 2);
    ck_assert_uint_eq(s.seen[1].lowest_open, 1); /* it may still be stored */
    stage_settle(&s, (const uint64_t[]){1, 2}, 2, -1, 0);
    stage_until_done(&s, 2);
    ck_assert_uint_eq(s.done_count, 2);
    ck_assert_uint_eq(uplink_counters(s.uplink)->stored_after_error, 1);
    ck_assert_uint_eq(s.ledger.used_bytes, 0);
    stage_close(&s);
}
END_TEST

START_TEST(what_nobody_waits_for_is_not_published_again)
{
    struct stage s;
    stage_open(&s);
    stage_until(&s, stage_is_up);
    struct uplink_ticket *gone = publish(&s, 1, 10);
    publish(&s, 2, 10);
    stage_until_seen(&s, 2);
    uplink_abandon(s.uplink, gone);
    ck_assert_uint_eq(uplink_counters(s.uplink)->open, 2);
    stage_reset(&s);
    stage_until_seen(&s, 3);
    ck_assert_uint_eq(s.seen[2].number, 2);
    ck_assert_uint_eq(s.seen[2].lowest_open, 2);
    ck_assert_uint_eq(uplink_counters(s.uplink)->uncertain, 1);
    ck_assert_uint_eq(s.ledger.used_bytes, 10);
    ck_assert_uint_eq(s.done_count, 0);
    stage_close(&s);
}
END_TEST

START_TEST(an_abandoned_batch_that_was_not_sent_is_withdrawn)
{
    struct stage s;
    stage_open(&s);
    s.credit = 100;
    stage_until(&s, stage_is_up);
    publish(&s, 1, 100);
    struct uplink_ticket *gone = publish(&s, 2, 100);
    publish(&s, 3, 100);
    stage_until_seen(&s, 1);
    uplink_abandon(s.uplink, gone);
    ck_assert_uint_eq(s.ledger.used_bytes, 200);
    stage_store(&s, 1);
    stage_until_seen(&s, 2);
    ck_assert_uint_eq(s.seen[1].first_byte, 3);
    stage_close(&s);
}
END_TEST

static const struct {
    int reason;
    uint32_t after_ms;
    enum uplink_outcome outcome;
    const char *why;
} refusals[] = {
    {MASQUES__BUS__REASON__STORE_FULL, 1500, UPLINK_FULL, "room may come"},
    {MASQUES__BUS__REASON__STORE_BROKEN, 0, UPLINK_BROKEN, "the disk answers with errors"},
    {MASQUES__BUS__REASON__TOO_LARGE, 0, UPLINK_TOO_LARGE, "never"},
    {MASQUES__BUS__REASON__STOPPING, 1000, UPLINK_STOPPING, "the router is being stopped"},
    {MASQUES__BUS__REASON__UNWANTED, 0, UPLINK_UNWANTED, "no exporter"},
    {MASQUES__BUS__REASON__REASON_UNSPECIFIED, 0, UPLINK_ROUTER_AWAY, "no reason given"},
    {77, 0, UPLINK_ROUTER_AWAY, "a reason of a later version"},
};

START_TEST(refusals_keep_their_reason_and_time)
{
    struct stage s;
    stage_open(&s);
    stage_until(&s, stage_is_up);
    for (unsigned i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        unsigned before = s.outcomes[refusals[i].outcome];
        publish(&s, 1, 10);
        stage_until_seen(&s, i + 1);
        uint64_t number = s.seen[i].number;
        stage_settle(&s, &number, 1, refusals[i].reason, refusals[i].after_ms);
        stage_until_done(&s, i + 1);
        ck_assert_msg(s.outcomes[refusals[i].outcome] == before + 1, "%s", refusals[i].why);
        ck_assert_msg(s.last_after_ms == refusals[i].after_ms, "%s", refusals[i].why);
    }
    ck_assert_uint_eq(s.ledger.used_bytes, 0);
    stage_close(&s);
}
END_TEST

START_TEST(a_batch_over_the_routers_limit_is_not_even_sent)
{
    struct stage s;
    stage_open(&s);
    s.max_batch = 100;
    stage_until(&s, stage_is_up);
    publish(&s, 1, 101);
    publish(&s, 2, 100);
    stage_until_seen(&s, 1);
    ck_assert_uint_eq(s.seen[0].first_byte, 2);
    ck_assert_uint_eq(s.outcomes[UPLINK_TOO_LARGE], 1);
    stage_close(&s);
}
END_TEST

static struct loop_timer *bell;
static bool rang;

static void ring(void *ctx)
{
    (void)ctx;
    rang = true;
}

static bool has_rung(const struct stage *s)
{
    (void)s;
    return rang;
}

static void publish_one_more(void *ctx, const struct uplink_verdict *verdict)
{
    done(ctx, verdict);
    publish(ctx, 9, 10);
    loop_timer_set(bell, 1);
}

START_TEST(a_batch_published_from_done_goes_out)
{
    struct stage s;
    stage_open(&s);
    stage_until(&s, stage_is_up);
    publish_for(&s, 1, 10, FAR_MS, publish_one_more);
    stage_until_seen(&s, 1);
    bell = loop_timer_new(s.loop, ring, NULL);
    stage_store(&s, 1);
    stage_until(&s, has_rung);
    ck_assert_uint_eq(uplink_counters(s.uplink)->in_flight_bytes, 10); /* at once, not with some later tick */
    stage_until_seen(&s, 2);
    ck_assert_uint_eq(s.seen[1].first_byte, 9);
    loop_timer_free(&bell);
    stage_close(&s);
}
END_TEST

START_TEST(verdicts_for_numbers_that_are_not_open_do_nothing)
{
    struct stage s;
    stage_open(&s);
    stage_until(&s, stage_is_up);
    publish(&s, 1, 10);
    stage_until_seen(&s, 1);
    stage_settle(&s, (const uint64_t[]){0, 2, UINT64_MAX, 1, 1, 257}, 6, -1, 0);
    stage_until_done(&s, 1);
    ck_assert_uint_eq(s.done_count, 1);
    ck_assert_uint_eq(uplink_counters(s.uplink)->unknown_verdicts, 5);
    stage_close(&s);
}
END_TEST

START_TEST(a_newer_process_of_the_name_fences_this_one)
{
    struct stage s;
    stage_open(&s);
    stage_until(&s, stage_is_up);
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Fenced fenced = MASQUES__BUS__FENCED__INIT;
    frame.body_case = MASQUES__BUS__FRAME__BODY_FENCED;
    frame.fenced = &fenced;
    stage_send(&s, &frame);
    stage_until(&s, is_fenced);
    stage_close(&s);
}
END_TEST

static bool wants_traces_only(const struct stage *s)
{
    return uplink_wanted(s->uplink, 0xe) == 8;
}

START_TEST(the_routers_word_on_wanted_signals_counts)
{
    struct stage s;
    stage_open(&s);
    s.wanted = 2;
    ck_assert_uint_eq(uplink_wanted(s.uplink, 0xe), 0xe); /* not spoken yet */
    stage_until(&s, stage_is_up);
    ck_assert_uint_eq(uplink_wanted(s.uplink, 0xe), 2);
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Heartbeat beat = MASQUES__BUS__HEARTBEAT__INIT;
    beat.wanted = s.wanted = 8;
    frame.body_case = MASQUES__BUS__FRAME__BODY_HEARTBEAT;
    frame.heartbeat = &beat;
    stage_send(&s, &frame);
    stage_until(&s, wants_traces_only);
    stage_close(&s);
}
END_TEST

/* Ends the batches 1 and 2 together: the first takes the second along. */
static struct uplink_ticket *other;

static void abandon_other(void *ctx, const struct uplink_verdict *verdict)
{
    struct stage *s = ctx;
    done(ctx, verdict);
    uplink_abandon(s->uplink, other);
}

START_TEST(a_batch_can_be_abandoned_while_deadlines_pass)
{
    struct stage s;
    stage_open(&s);
    s.credit = STAGE_SILENT;
    publish_for(&s, 1, 10, 10, abandon_other);
    other = publish_for(&s, 2, 10, 10, done);
    publish_for(&s, 3, 10, 10, done);
    stage_until_done(&s, 2);
    ck_assert_uint_eq(uplink_counters(s.uplink)->open, 0);
    ck_assert_uint_eq(s.done_count, 2);
    stage_close(&s);
}
END_TEST

SUITE_MAIN("receiver/worker/uplink", batches_of_one_turn_travel_in_one_message,
           many_batches_are_cut_into_messages_in_order,
           what_has_no_verdict_is_published_again_under_its_number,
           batches_wait_for_the_first_session, credit_bounds_what_is_in_flight,
           a_batch_over_the_credit_goes_alone, credit_can_be_raised_by_a_message,
           the_lowest_open_number_is_always_told, a_deadline_passes_while_the_router_is_away,
           a_late_verdict_is_counted_and_nobody_is_told_twice,
           what_nobody_waits_for_is_not_published_again,
           an_abandoned_batch_that_was_not_sent_is_withdrawn, refusals_keep_their_reason_and_time,
           a_batch_over_the_routers_limit_is_not_even_sent, a_batch_published_from_done_goes_out,
           verdicts_for_numbers_that_are_not_open_do_nothing,
           a_newer_process_of_the_name_fences_this_one,
           the_routers_word_on_wanted_signals_counts,
           a_batch_can_be_abandoned_while_deadlines_pass)
