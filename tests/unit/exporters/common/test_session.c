// SPDX-License-Identifier: Apache-2.0
/* The session against a bound link that plays the router: a test is a list of steps, each asked once a turn until it
 * says that it is through. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exporters/common/session.h"
#include "tests/support/suite.h"

#define LIMIT_MS 120000u
#define KEPT_MAX 16

struct world;
typedef bool (*step_fn)(struct world *w);

/* What the router heard last of each kind. */
struct heard {
    unsigned hellos;
    unsigned verdicts;
    unsigned credits;
    unsigned byes;
    uint64_t credit_bytes;
    char name[32];
    char type[32];
    uint32_t signals;
    uint32_t in_flight;
    bool local;
    size_t listed;          /* deliveries in the last HELLO */
    bool listed_verdict;    /* of the first of them */
    Masques__Bus__Outcome outcome;
    uint64_t first;         /* of the id in the last verdict */
    size_t rejected;
    uint64_t rejected_records;
    size_t payload_bytes;
    char payload[32];
    uint64_t delivered[3];  /* of the last heartbeat */
    unsigned heartbeats;
    unsigned notes;
    char note[32]; /* of the last PROGRESS */
};

struct world {
    char dir[64];
    char endpoint[96];
    struct loop *loop;
    struct link_context *context;
    struct link *router;
    struct reader *reader;
    struct session *session;
    struct loop_timer *limit;
    struct log log;
    uint32_t route;
    uint64_t sessions;
    unsigned unheard; /* heartbeats to one that has gone */
    struct heard heard;
    /* the exporter */
    bool at_once; /* DONE inside push */
    struct delivery *held;
    unsigned pushes;
    unsigned cancels;
    unsigned drains;
    unsigned fences;
    unsigned progressed;
    bool local; /* what the exporter says to a WELCOME */
    const step_fn *step;
};

/* ---- the router ---- */

static void hear_hello(struct world *w, const Masques__Bus__Hello *hello)
{
    struct heard *h = &w->heard;
    h->hellos++;
    snprintf(h->name, sizeof h->name, "%s", hello->name);
    snprintf(h->type, sizeof h->type, "%s", hello->type);
    h->signals = hello->signals;
    h->in_flight = hello->wishes ? hello->wishes->in_flight : 0;
    h->local = hello->local;
    h->listed = hello->n_deliveries;
    h->listed_verdict = hello->n_deliveries && hello->deliveries[0]->verdict;
}

static void hear_verdict(struct world *w, const struct link_message *message)
{
    const Masques__Bus__DeliveryVerdict *v = message->frame->delivery_verdict;
    w->heard.verdicts++;
    w->heard.outcome = v->outcome;
    w->heard.first = v->id->first;
    w->heard.rejected = v->n_rejected;
    w->heard.payload[0] = '\0';
    w->heard.rejected_records = 0;
    w->heard.payload_bytes = 0;
    for (size_t i = 0; i < v->n_rejected; i++)
        w->heard.rejected_records += v->rejected[i]->count;
    for (size_t i = 0; i < message->payload_count; i++)
        w->heard.payload_bytes += message->payloads[i].len;
    for (size_t i = 0; i < message->payload_count; i++)
        snprintf(w->heard.payload + strlen(w->heard.payload),
                 sizeof w->heard.payload - strlen(w->heard.payload), "[%.*s]",
                 (int)message->payloads[i].len, (const char *)message->payloads[i].data);
}

static void answer_heartbeat(struct world *w);

static void router_hears(void *ctx, struct link_message *message)
{
    struct world *w = ctx;
    const Masques__Bus__Frame *frame = message->frame;
    w->route = message->route;
    switch (frame->body_case) {
    case MASQUES__BUS__FRAME__BODY_HELLO:
        hear_hello(w, frame->hello);
        break;
    case MASQUES__BUS__FRAME__BODY_CREDIT:
        w->heard.credits++;
        w->heard.credit_bytes = frame->credit->bytes;
        break;
    case MASQUES__BUS__FRAME__BODY_DELIVERY_VERDICT:
        hear_verdict(w, message);
        break;
    case MASQUES__BUS__FRAME__BODY_HEARTBEAT:
        w->heard.heartbeats++;
        ck_assert_uint_eq(frame->heartbeat->counters->n_delivered, 3);
        memcpy(w->heard.delivered, frame->heartbeat->counters->delivered, sizeof w->heard.delivered);
        answer_heartbeat(w);
        break;
    case MASQUES__BUS__FRAME__BODY_PROGRESS:
        w->heard.notes++;
        snprintf(w->heard.note, sizeof w->heard.note, "%.*s", (int)frame->progress->note.len,
                 (const char *)frame->progress->note.data);
        break;
    case MASQUES__BUS__FRAME__BODY_BYE:
        w->heard.byes++;
        break;
    default:
        ck_abort_msg("unexpected message %d", (int)frame->body_case);
    }
    link_message_free(&message);
}

static void say(struct world *w, Masques__Bus__Frame *frame, const char *const *payloads, size_t count)
{
    struct link_payload list[4] = {0};
    for (size_t i = 0; i < count; i++)
        list[i] = (struct link_payload){.bytes = slice_of(payloads[i])};
    frame->session = w->sessions;
    ck_assert_int_eq(link_send(w->router, w->route, frame, list, count), 0);
}

/* Without that the session would be over after 2 s, which on a slow machine are none. To one that has just gone it cannot
 * be sent. */
static void answer_heartbeat(struct world *w)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Heartbeat beat = MASQUES__BUS__HEARTBEAT__INIT;
    frame.body_case = MASQUES__BUS__FRAME__BODY_HEARTBEAT;
    frame.heartbeat = &beat;
    frame.session = w->sessions;
    if (link_send(w->router, w->route, &frame, NULL, 0) != GW_OK)
        w->unheard++;
}

static Masques__Bus__DeliveryId id_of(uint64_t first)
{
    Masques__Bus__DeliveryId id = MASQUES__BUS__DELIVERY_ID__INIT;
    static uint8_t store[16] = {1, 2, 3};
    id.store.data = store;
    id.store.len = sizeof store;
    id.generation = 4;
    id.exporter = (char *)"test";
    id.signal = MASQUES__BUS__SIGNAL__METRICS;
    id.first = first;
    id.last = first + 9;
    return id;
}

static void say_deliver(struct world *w, uint64_t first, uint32_t attempt)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Deliver deliver = MASQUES__BUS__DELIVER__INIT;
    Masques__Bus__DeliveryId id = id_of(first);
    static const char *const payloads[] = {"batch one", "batch two"};
    deliver.id = &id;
    deliver.attempt = attempt;
    deliver.records = 10;
    frame.body_case = MASQUES__BUS__FRAME__BODY_DELIVER;
    frame.deliver = &deliver;
    say(w, &frame, payloads, 2);
}

static void say_about(struct world *w, Masques__Bus__Frame__BodyCase body, uint64_t first)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__DeliveryId id = id_of(first);
    Masques__Bus__VerdictOk ok = MASQUES__BUS__VERDICT_OK__INIT;
    Masques__Bus__Cancel cancel = MASQUES__BUS__CANCEL__INIT;
    Masques__Bus__Reset reset = MASQUES__BUS__RESET__INIT;
    Masques__Bus__Fenced fenced = MASQUES__BUS__FENCED__INIT;
    Masques__Bus__Drain drain = MASQUES__BUS__DRAIN__INIT;
    Masques__Bus__ProgressOk progress_ok = MASQUES__BUS__PROGRESS_OK__INIT;
    ok.id = cancel.id = progress_ok.id = &id;
    frame.body_case = body;
    switch (body) {
    case MASQUES__BUS__FRAME__BODY_VERDICT_OK:
        frame.verdict_ok = &ok;
        break;
    case MASQUES__BUS__FRAME__BODY_CANCEL:
        frame.cancel = &cancel;
        break;
    case MASQUES__BUS__FRAME__BODY_PROGRESS_OK:
        frame.progress_ok = &progress_ok;
        break;
    case MASQUES__BUS__FRAME__BODY_RESET:
        frame.reset = &reset;
        break;
    case MASQUES__BUS__FRAME__BODY_DRAIN:
        frame.drain = &drain;
        break;
    default:
        frame.fenced = &fenced;
        break;
    }
    say(w, &frame, NULL, 0);
}

/* ---- the exporter ---- */

static void on_push(void *ctx, struct delivery *delivery)
{
    struct world *w = ctx;
    w->pushes++;
    if (w->at_once)
        delivery_done(delivery);
    else
        w->held = delivery;
}

static void on_cancel(void *ctx, struct delivery *delivery)
{
    struct world *w = ctx;
    ck_assert_ptr_eq(delivery, w->held);
    w->held = NULL;
    w->cancels++;
}

static void on_progressed(void *ctx, struct delivery *delivery)
{
    struct world *w = ctx;
    ck_assert_ptr_eq(delivery, w->held);
    w->progressed++;
}

static bool on_welcome(void *ctx, const Masques__Bus__Welcome *welcome)
{
    struct world *w = ctx;
    ck_assert_uint_eq(welcome->run, 77);
    return w->local;
}

static void on_drain(void *ctx, uint32_t within_ms)
{
    struct world *w = ctx;
    (void)within_ms;
    w->drains++;
}

static void on_refused(void *ctx, bool fenced, const char *why)
{
    struct world *w = ctx;
    (void)why;
    w->fences += fenced;
}

static void on_changed(void *ctx)
{
    (void)ctx;
}

static void on_health(void *ctx, Masques__Bus__Health *health, const char **error)
{
    (void)ctx;
    (void)health;
    (void)error;
}

static const struct session_events events = {
    .push = on_push,
    .cancel = on_cancel,
    .progressed = on_progressed,
    .welcome = on_welcome,
    .drain = on_drain,
    .refused = on_refused,
    .changed = on_changed,
    .health = on_health,
};

/* ---- running the steps ---- */

static bool chore(void *ctx)
{
    struct world *w = ctx;
    while (*w->step && (*w->step)(w))
        w->step++;
    if (!*w->step)
        loop_stop(w->loop);
    return false;
}

static void too_long(void *ctx)
{
    (void)ctx;
    ck_abort_msg("the step never came through");
}

static void play(struct world *w, bool at_once, const step_fn *steps)
{
    memset(w, 0, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/masques-session-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(w->dir));
    snprintf(w->endpoint, sizeof w->endpoint, "ipc://%s/bus", w->dir);
    w->log = (struct log){.who = "test", .level = LOG_LEVEL_ERROR, .fd = STDERR_FILENO};
    w->at_once = at_once;
    w->step = steps;
    w->loop = loop_new();
    w->context = link_context_new();
    w->reader = reader_new(-1);
    const char *why = NULL;
    w->router = link_bind(w->loop, w->context, w->endpoint, router_hears, w, &w->log, &why);
    ck_assert_msg(w->router != NULL, "%s", why);
    const struct session_identity identity = {
        .name = "test/one",
        .type = "test",
        .signals = 0xe,
        .mode = MASQUES__BUS__MODE__DURABLE,
        .in_flight = 3,
        .credit_bytes = 12345,
    };
    w->session = session_new(w->loop, w->context, w->endpoint, &identity, w->reader, &events, w,
                             &w->log);
    ck_assert_ptr_nonnull(w->session);
    ck_assert_int_eq(loop_add_chore(w->loop, chore, w), 0);
    w->limit = loop_timer_new(w->loop, too_long, w);
    loop_timer_set(w->limit, LIMIT_MS);
    loop_run(w->loop);
    session_free(&w->session);
    link_close(&w->router);
    loop_timer_free(&w->limit);
    loop_free(&w->loop);
    link_context_free(&w->context);
    reader_free(&w->reader);
    char path[96];
    snprintf(path, sizeof path, "%s/bus", w->dir);
    unlink(path);
    rmdir(w->dir);
}

/* ---- steps ---- */

/* Answers the HELLO that came since. */
static bool welcome(struct world *w)
{
    if (w->heard.hellos == w->sessions)
        return false;
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Welcome said = MASQUES__BUS__WELCOME__INIT;
    said.session = ++w->sessions;
    said.run = 77;
    frame.body_case = MASQUES__BUS__FRAME__BODY_WELCOME;
    frame.welcome = &said;
    say(w, &frame, NULL, 0);
    return true;
}

static bool hello_came(struct world *w)
{
    return w->heard.hellos > w->sessions;
}

static bool credit_came(struct world *w)
{
    return w->heard.credits == w->sessions;
}

static uint64_t session_run_seen;

static bool credit_came_once(struct world *w)
{
    session_run_seen = session_run(w->session);
    return w->heard.credits == 1;
}

static bool verdict_came(struct world *w)
{
    return w->heard.verdicts == 1;
}

static bool second_verdict_came(struct world *w)
{
    return w->heard.verdicts == 2;
}

static bool third_verdict_came(struct world *w)
{
    return w->heard.verdicts == 3;
}

static bool pushed(struct world *w)
{
    return w->pushes == 1;
}

static bool pushed_twice(struct world *w)
{
    return w->pushes == 2;
}

static bool deliver(struct world *w)
{
    say_deliver(w, 100, 1);
    return true;
}

static bool deliver_again(struct world *w)
{
    say_deliver(w, 100, 2);
    return true;
}

static bool deliver_other(struct world *w)
{
    say_deliver(w, 200, 1);
    return true;
}

static bool reset(struct world *w)
{
    say_about(w, MASQUES__BUS__FRAME__BODY_RESET, 0);
    return true;
}

static bool confirm(struct world *w)
{
    say_about(w, MASQUES__BUS__FRAME__BODY_VERDICT_OK, 100);
    return true;
}

static bool cancel(struct world *w)
{
    say_about(w, MASQUES__BUS__FRAME__BODY_CANCEL, 100);
    return true;
}

static bool finish(struct world *w)
{
    struct delivery *held = w->held;
    w->held = NULL;
    delivery_done(held);
    return true;
}

static bool finish_retry(struct world *w)
{
    struct delivery *held = w->held;
    w->held = NULL;
    delivery_retry(held, 10, "not now");
    return true;
}

static bool finish_with_rejects(struct world *w)
{
    static const struct delivery_reject rejects[] = {
        {.first = 2, .count = 1, .reason = "too old", .bytes = {(const uint8_t *)"two", 3}},
        {.first = 7, .count = 2, .reason = "too long", .bytes = {(const uint8_t *)"seven", 5}},
    };
    struct delivery *held = w->held;
    w->held = NULL;
    delivery_finish(held, &(struct delivery_verdict){.outcome = MASQUES__BUS__OUTCOME__DONE,
                                                     .rejected = rejects,
                                                     .rejected_count = 2});
    return true;
}

#define MANY 20000u /* more than a message has frames */

/* Of two reasons in turn, and some of the second without their bytes. */
static bool finish_with_many_rejects(struct world *w)
{
    static struct delivery_reject rejects[MANY];
    for (size_t i = 0; i < MANY; i++) {
        bool old = i % 2 == 0;
        rejects[i] = (struct delivery_reject){.first = i, .count = 1, .reason = old ? "old" : "long"};
        if (old || i < MANY / 2)
            rejects[i].bytes = slice_of(old ? "o" : "ll");
    }
    struct delivery *held = w->held;
    w->held = NULL;
    delivery_finish(held, &(struct delivery_verdict){.outcome = MASQUES__BUS__OUTCOME__DONE,
                                                     .rejected = rejects,
                                                     .rejected_count = MANY});
    return true;
}

/* Each for a reason of its own. */
static bool finish_with_many_reasons(struct world *w)
{
    static struct delivery_reject rejects[MANY];
    static char reasons[MANY][8];
    for (size_t i = 0; i < MANY; i++) {
        snprintf(reasons[i], sizeof reasons[i], "%zu", i);
        rejects[i] = (struct delivery_reject){.first = i, .count = 1, .reason = reasons[i]};
        if (i != MANY - 1)
            rejects[i].bytes = slice_of("x");
    }
    struct delivery *held = w->held;
    w->held = NULL;
    delivery_finish(held, &(struct delivery_verdict){.outcome = MASQUES__BUS__OUTCOME__DONE,
                                                     .rejected = rejects,
                                                     .rejected_count = MANY});
    return true;
}

/* ---- tests ---- */

START_TEST(hello_says_who_it_is_and_credit_follows)
{
    static const step_fn steps[] = {welcome, credit_came, NULL};
    struct world w;
    play(&w, true, steps);
    ck_assert_str_eq(w.heard.name, "test/one");
    ck_assert_str_eq(w.heard.type, "test");
    ck_assert_uint_eq(w.heard.signals, 0xe);
    ck_assert_uint_eq(w.heard.in_flight, 3);
    ck_assert(!w.heard.local);
    ck_assert_uint_eq(w.heard.listed, 0);
    ck_assert_uint_eq(w.heard.credit_bytes, 12345);
}
END_TEST

START_TEST(a_repeated_delivery_is_answered_from_memory)
{
    static const step_fn steps[] = {welcome,       deliver,       verdict_came, deliver_again,
                                    second_verdict_came, NULL};
    struct world w;
    play(&w, true, steps);
    ck_assert_uint_eq(w.pushes, 1);
    ck_assert_int_eq(w.heard.outcome, MASQUES__BUS__OUTCOME__DONE);
    ck_assert_uint_eq(w.heard.first, 100);
}
END_TEST

START_TEST(an_unconfirmed_verdict_is_said_again_in_a_new_session)
{
    static const step_fn steps[] = {welcome, deliver, verdict_came, reset, hello_came, welcome,
                                    second_verdict_came, NULL};
    struct world w;
    play(&w, true, steps);
    ck_assert_uint_eq(w.heard.listed, 1);
    ck_assert(w.heard.listed_verdict);
    ck_assert_uint_eq(w.pushes, 1);
}
END_TEST

static bool nothing_is_kept(struct world *w)
{
    return session_unconfirmed(w->session) == 0;
}

START_TEST(a_confirmed_verdict_is_forgotten)
{
    static const step_fn steps[] = {welcome, deliver, verdict_came, confirm, nothing_is_kept,
                                    reset,   hello_came, welcome, deliver, pushed_twice, NULL};
    struct world w;
    play(&w, true, steps);
    ck_assert_uint_eq(w.heard.listed, 0);
}
END_TEST

static bool attempt_is_two(struct world *w)
{
    return delivery_attempt(w->held) == 2;
}

START_TEST(a_delivery_in_progress_is_not_pushed_again_and_lives_through_sessions)
{
    static const step_fn steps[] = {welcome, deliver, pushed,  deliver_again, attempt_is_two, reset,
                                    hello_came, welcome, credit_came, finish, verdict_came, NULL};
    struct world w;
    play(&w, false, steps);
    ck_assert_uint_eq(w.pushes, 1);
    ck_assert_uint_eq(w.heard.listed, 1);
    ck_assert(!w.heard.listed_verdict);
    ck_assert_int_eq(w.heard.outcome, MASQUES__BUS__OUTCOME__DONE);
}
END_TEST

START_TEST(after_retry_the_next_attempt_is_pushed_and_the_same_one_is_answered)
{
    static const step_fn steps[] = {welcome, deliver, pushed, finish_retry, verdict_came, deliver,
                                    second_verdict_came, deliver_again, pushed_twice, finish,
                                    third_verdict_came, NULL};
    struct world w;
    play(&w, false, steps);
    ck_assert_int_eq(w.heard.outcome, MASQUES__BUS__OUTCOME__DONE);
}
END_TEST

static bool cancelled(struct world *w)
{
    return w->cancels == 1 && session_in_progress(w->session) == 0;
}

START_TEST(a_cancelled_delivery_is_forgotten_without_a_verdict)
{
    static const step_fn steps[] = {welcome, deliver, pushed, cancel, cancelled, deliver_other,
                                    pushed_twice, finish, verdict_came, NULL};
    struct world w;
    play(&w, false, steps);
    ck_assert_uint_eq(w.heard.first, 200);
    ck_assert_uint_eq(w.heard.verdicts, 1);
}
END_TEST

START_TEST(a_cancelled_verdict_is_not_said_again)
{
    static const step_fn steps[] = {welcome, deliver, verdict_came, cancel, nothing_is_kept, reset,
                                    hello_came, NULL};
    struct world w;
    play(&w, true, steps);
    ck_assert_uint_eq(w.heard.listed, 0);
    ck_assert_uint_eq(w.cancels, 0);
}
END_TEST

START_TEST(the_bytes_of_rejected_records_travel_every_time)
{
    static const step_fn steps[] = {welcome, deliver, pushed, finish_with_rejects, verdict_came,
                                    reset, hello_came, welcome, second_verdict_came, NULL};
    struct world w;
    play(&w, false, steps);
    ck_assert_uint_eq(w.heard.listed, 1);
    ck_assert(!w.heard.listed_verdict); /* without the bytes it would be settled too early */
    ck_assert_uint_eq(w.heard.rejected, 2);
    ck_assert_str_eq(w.heard.payload, "[two][seven]");
}
END_TEST

START_TEST(too_many_rejections_for_a_message_become_one_for_each_reason)
{
    static const step_fn steps[] = {welcome, deliver, pushed, finish_with_many_rejects, verdict_came, NULL};
    struct world w;
    play(&w, false, steps);
    ck_assert_uint_eq(w.heard.rejected, 3);
    ck_assert_uint_eq(w.heard.rejected_records, MANY);
    ck_assert_uint_eq(w.heard.payload_bytes, MANY / 2 + MANY / 4 * 2);
    ck_assert_mem_eq(w.heard.payload, "[ooo", 4);
}
END_TEST

START_TEST(too_many_reasons_for_a_message_are_told_under_the_last)
{
    static const step_fn steps[] = {welcome, deliver, pushed, finish_with_many_reasons, verdict_came, NULL};
    struct world w;
    play(&w, false, steps);
    ck_assert_uint_eq(w.heard.rejected, 512); /* one of them for those without bytes */
    ck_assert_uint_eq(w.heard.rejected_records, MANY);
    ck_assert_uint_eq(w.heard.payload_bytes, MANY - 1);
}
END_TEST

static bool heartbeat_counts(struct world *w)
{
    return w->heard.heartbeats > 0 && w->heard.delivered[1] > 0;
}

START_TEST(heartbeats_count_records_by_signal)
{
    static const step_fn steps[] = {welcome, deliver, pushed, finish_with_rejects, verdict_came,
                                    heartbeat_counts, NULL};
    struct world w;
    play(&w, false, steps);
    ck_assert_uint_eq(w.heard.delivered[0], 0);
    ck_assert_uint_eq(w.heard.delivered[1], 7); /* ten records, three of them rejected */
    ck_assert_uint_eq(w.heard.delivered[2], 0);
}
END_TEST

static bool drain(struct world *w)
{
    say_about(w, MASQUES__BUS__FRAME__BODY_DRAIN, 0);
    return true;
}

static bool drained(struct world *w)
{
    return w->drains == 1;
}

static bool fence(struct world *w)
{
    say_about(w, MASQUES__BUS__FRAME__BODY_FENCED, 0);
    return true;
}

static bool fenced(struct world *w)
{
    return w->fences == 1;
}

START_TEST(drain_and_fenced_reach_the_program)
{
    static const step_fn steps[] = {welcome, credit_came, drain, drained, fence, fenced, NULL};
    struct world w;
    play(&w, true, steps);
}
END_TEST

static bool stop_taking(struct world *w)
{
    session_stop_taking(w->session);
    return true;
}

START_TEST(after_the_end_was_decided_no_delivery_is_taken)
{
    static const step_fn steps[] = {welcome, credit_came, stop_taking, deliver, drain, drained, NULL};
    struct world w;
    play(&w, true, steps);
    ck_assert_uint_eq(w.pushes, 0);
}
END_TEST

/* ---- notes ---- */

static void note(struct world *w, const char *text)
{
    ck_assert_int_eq(delivery_progress(w->held, slice_of(text)), 0);
    ck_assert(slice_is(delivery_note(w->held), text));
}

static bool note_one(struct world *w)
{
    note(w, "one");
    return true;
}

static bool note_two(struct world *w)
{
    note(w, "two");
    return true;
}

static bool note_came(struct world *w)
{
    return w->heard.notes == 1;
}

static bool second_note_came(struct world *w)
{
    return w->heard.notes == 2;
}

static bool third_note_came(struct world *w)
{
    return w->heard.notes == 3;
}

static bool confirm_note(struct world *w)
{
    say_about(w, MASQUES__BUS__FRAME__BODY_PROGRESS_OK, 100);
    return true;
}

static bool progressed(struct world *w)
{
    return w->progressed == 1;
}

static bool the_note_is_two(struct world *w)
{
    ck_assert(slice_is(delivery_note(w->held), "two"));
    return true;
}

START_TEST(a_note_is_said_and_its_confirmation_told)
{
    static const step_fn steps[] = {welcome, deliver, pushed, note_one, note_came, confirm_note,
                                    progressed, finish, verdict_came, NULL};
    struct world w;
    play(&w, false, steps);
    ck_assert_str_eq(w.heard.note, "one");
}
END_TEST

START_TEST(only_the_last_of_several_notes_is_told_of)
{
    static const step_fn steps[] = {welcome, deliver, pushed, note_one, note_two, second_note_came,
                                    confirm_note, deliver_other, pushed_twice, NULL};
    static const step_fn both[] = {welcome, deliver, pushed, note_one, note_two, second_note_came,
                                   confirm_note, confirm_note, progressed, NULL};
    struct world w;
    play(&w, false, steps);
    ck_assert_uint_eq(w.progressed, 0);
    play(&w, false, both);
    ck_assert_str_eq(w.heard.note, "two");
}
END_TEST

START_TEST(an_unconfirmed_note_is_said_again_in_a_new_session)
{
    static const step_fn steps[] = {welcome, deliver, pushed, note_one, note_two, second_note_came,
                                    reset, hello_came, welcome, third_note_came, confirm_note,
                                    progressed, NULL};
    struct world w;
    play(&w, false, steps);
    ck_assert_str_eq(w.heard.note, "two");
}
END_TEST

START_TEST(a_note_outlives_the_retry_that_it_was_made_for)
{
    /* The verdict is confirmed, the note is not, when the session ends. */
    static const step_fn steps[] = {welcome, deliver, pushed, note_two, note_came, finish_retry,
                                    verdict_came, confirm, reset, hello_came, welcome,
                                    second_note_came, deliver_again, pushed_twice, the_note_is_two,
                                    NULL};
    struct world w;
    play(&w, false, steps);
    ck_assert_str_eq(w.heard.note, "two");
}
END_TEST

START_TEST(a_confirmed_note_of_a_confirmed_retry_is_forgotten)
{
    static const step_fn steps[] = {welcome, deliver, pushed, note_two, note_came, finish_retry,
                                    verdict_came, confirm, confirm_note, nothing_is_kept, NULL};
    struct world w;
    play(&w, false, steps);
    ck_assert_uint_eq(w.progressed, 0); /* the delivery had ended before */
}
END_TEST

static bool note_too_long(struct world *w)
{
    static const uint8_t zeros[DELIVERY_NOTE_MAX_BYTES + 1];
    note(w, "one");
    ck_assert_int_eq(delivery_progress(w->held, slice_make(zeros, sizeof zeros)), GW_ERR_TOO_LARGE);
    ck_assert(slice_is(delivery_note(w->held), "one"));
    return true;
}

START_TEST(a_note_over_its_limit_changes_nothing)
{
    static const step_fn steps[] = {welcome, deliver, pushed, note_too_long, note_came, finish,
                                    verdict_came, NULL};
    struct world w;
    play(&w, false, steps);
    ck_assert_uint_eq(w.heard.notes, 1);
}
END_TEST

static bool found_locally(struct world *w)
{
    w->local = true;
    return true;
}

START_TEST(who_finds_the_store_by_the_first_welcome_says_so_in_a_second_hello)
{
    static const step_fn steps[] = {found_locally, welcome, hello_came, welcome, credit_came_once, NULL};
    struct world w;
    play(&w, true, steps);
    ck_assert(w.heard.local);
    ck_assert_uint_eq(w.heard.hellos, 2);
    ck_assert_uint_eq(session_run_seen, 77);
}
END_TEST

static bool lost_locally(struct world *w)
{
    w->local = false;
    return true;
}

START_TEST(who_does_not_find_it_in_a_later_session_says_so_too)
{
    static const step_fn steps[] = {found_locally, welcome, hello_came, welcome, credit_came_once, lost_locally,
                                    reset, hello_came, welcome, hello_came, welcome, NULL};
    struct world w;
    play(&w, true, steps);
    ck_assert(!w.heard.local);
    ck_assert_uint_eq(w.heard.hellos, 4);
}
END_TEST

SUITE_MAIN("exporters/common/session", hello_says_who_it_is_and_credit_follows,
           a_repeated_delivery_is_answered_from_memory,
           an_unconfirmed_verdict_is_said_again_in_a_new_session, a_confirmed_verdict_is_forgotten,
           a_delivery_in_progress_is_not_pushed_again_and_lives_through_sessions,
           after_retry_the_next_attempt_is_pushed_and_the_same_one_is_answered,
           a_cancelled_delivery_is_forgotten_without_a_verdict,
           a_cancelled_verdict_is_not_said_again, the_bytes_of_rejected_records_travel_every_time,
           too_many_rejections_for_a_message_become_one_for_each_reason,
           too_many_reasons_for_a_message_are_told_under_the_last,
           heartbeats_count_records_by_signal, drain_and_fenced_reach_the_program,
           after_the_end_was_decided_no_delivery_is_taken,
           a_note_is_said_and_its_confirmation_told, only_the_last_of_several_notes_is_told_of,
           an_unconfirmed_note_is_said_again_in_a_new_session,
           a_note_outlives_the_retry_that_it_was_made_for,
           a_confirmed_note_of_a_confirmed_retry_is_forgotten, a_note_over_its_limit_changes_nothing,
           who_finds_the_store_by_the_first_welcome_says_so_in_a_second_hello,
           who_does_not_find_it_in_a_later_session_says_so_too)
