// SPDX-License-Identifier: Apache-2.0
/* The peer against a bound link that plays the router. */
#include "shared/bus/peer.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/suite.h"

#define LIMIT_MS 60000

struct scene {
    char directory[64], endpoint[128];
    struct loop *loop;
    struct link_context *context;
    struct link *router;
    struct peer *peer;
    struct log log;
    struct loop_timer *limit;

    /* what the router saw */
    unsigned hellos, beats, byes;
    uint64_t attempt;
    uint32_t route;
    uint64_t beat_session;
    /* how it behaves */
    bool silent;      /* answers no heartbeat */
    bool in_use_always;
    bool in_use_once; /* NAME_IN_USE until the peer has heard it */
    uint64_t session; /* of the next WELCOME */
    /* what the peer told */
    unsigned ups, downs, refusals, fences, messages;
    unsigned files; /* that may be open, for a test that waits for it */
    uint64_t up_session;

    bool (*until)(const struct scene *s);
};

static unsigned open_files(void)
{
    unsigned count = 0;
    DIR *list = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(list);
    while (readdir(list))
        count++;
    closedir(list);
    return count;
}

static void check(struct scene *s)
{
    if (s->until(s))
        loop_stop(s->loop);
}

static void answer(struct scene *s, uint32_t route, Masques__Bus__Frame *frame)
{
    ck_assert_int_eq(link_send(s->router, route, frame, NULL, 0), GW_OK);
}

/* Who asked may have given up meanwhile, when the machine is slow: it asks again, over another socket. */
static void answer_if_there(struct scene *s, uint32_t route, Masques__Bus__Frame *frame)
{
    int err = link_send(s->router, route, frame, NULL, 0);
    ck_assert(err == GW_OK || err == GW_ERR_NOT_FOUND);
}

/* Without that the session would be over after 2 s. */
static void answer_heartbeat(struct scene *s, uint32_t route)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Heartbeat beat = MASQUES__BUS__HEARTBEAT__INIT;
    frame.body_case = MASQUES__BUS__FRAME__BODY_HEARTBEAT;
    frame.heartbeat = &beat;
    answer_if_there(s, route, &frame);
}

static void answer_hello(struct scene *s, uint32_t route)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Welcome welcome = MASQUES__BUS__WELCOME__INIT;
    Masques__Bus__NameInUse in_use = MASQUES__BUS__NAME_IN_USE__INIT;
    if (s->in_use_always || (s->in_use_once && s->refusals == 0)) {
        frame.body_case = MASQUES__BUS__FRAME__BODY_NAME_IN_USE;
        frame.name_in_use = &in_use;
        in_use.name = (char *)"somebody";
    } else {
        welcome.session = ++s->session;
        frame.body_case = MASQUES__BUS__FRAME__BODY_WELCOME;
        frame.welcome = &welcome;
    }
    answer_if_there(s, route, &frame);
}

static void at_router(void *ctx, struct link_message *message)
{
    struct scene *s = ctx;
    s->route = message->route;
    switch (message->frame->body_case) {
    case MASQUES__BUS__FRAME__BODY_HELLO:
        s->hellos++;
        ck_assert_uint_gt(message->frame->hello->attempt, s->attempt);
        s->attempt = message->frame->hello->attempt;
        ck_assert_uint_eq(message->frame->hello->pid, (uint32_t)getpid());
        answer_hello(s, message->route);
        break;
    case MASQUES__BUS__FRAME__BODY_HEARTBEAT:
        s->beats++;
        s->beat_session = message->frame->session;
        if (!s->silent)
            answer_heartbeat(s, message->route);
        break;
    case MASQUES__BUS__FRAME__BODY_BYE:
        s->byes++;
        break;
    default:
        break;
    }
    link_message_free(&message);
    check(s);
}

static void fill_hello(void *ctx, Masques__Bus__Hello *hello)
{
    (void)ctx;
    hello->name = (char *)"test/1";
    hello->kind = MASQUES__BUS__PEER_KIND__PEER_WORKER;
}

static void up(void *ctx, const Masques__Bus__Welcome *welcome)
{
    struct scene *s = ctx;
    s->ups++;
    s->up_session = welcome->session;
    check(s);
}

static void down(void *ctx, const char *why)
{
    struct scene *s = ctx;
    (void)why;
    s->downs++;
    check(s);
}

static void message(void *ctx, struct link_message *m)
{
    struct scene *s = ctx;
    s->messages++;
    link_message_free(&m);
    check(s);
}

static void refused(void *ctx, bool fenced, const char *why)
{
    struct scene *s = ctx;
    ck_assert_ptr_nonnull(why);
    fenced ? s->fences++ : s->refusals++;
    check(s);
}

static const struct peer_events events = {
    .fill_hello = fill_hello, .up = up, .down = down, .message = message, .refused = refused};

static void too_late(void *ctx)
{
    struct scene *s = ctx;
    ck_abort_msg("never came: hellos %u ups %u downs %u beats %u", s->hellos, s->ups, s->downs, s->beats);
}

static void scene_open(struct scene *s)
{
    const char *why = NULL;
    *s = (struct scene){.directory = "/tmp/masques-peer-XXXXXX", .log = {"test", LOG_LEVEL_ERROR, 2}};
    ck_assert_ptr_nonnull(mkdtemp(s->directory));
    snprintf(s->endpoint, sizeof s->endpoint, "ipc://%s/bus.sock", s->directory);
    s->loop = loop_new();
    s->context = link_context_new();
    s->router = link_bind(s->loop, s->context, s->endpoint, at_router, s, &s->log, &why);
    ck_assert_msg(s->router != NULL, "%s", why);
    s->peer = peer_new(s->loop, s->context, s->endpoint, &events, s, &s->log);
    s->limit = loop_timer_new(s->loop, too_late, s);
    loop_timer_set(s->limit, LIMIT_MS);
}

static void run_until(struct scene *s, bool (*until)(const struct scene *s))
{
    s->until = until;
    if (!until(s))
        loop_run(s->loop);
}

static void scene_close(struct scene *s)
{
    char path[100];
    peer_free(&s->peer);
    link_close(&s->router);
    link_context_free(&s->context);
    loop_timer_free(&s->limit);
    loop_free(&s->loop);
    snprintf(path, sizeof path, "%s/bus.sock", s->directory);
    unlink(path);
    rmdir(s->directory);
}

static bool is_up(const struct scene *s) { return s->ups == 1; }
static bool is_up_again(const struct scene *s) { return s->ups == 2; }
static bool a_beat(const struct scene *s) { return s->beats >= 1; }
static bool said_bye(const struct scene *s) { return s->byes == 1; }
static bool fenced(const struct scene *s) { return s->fences == 1; }
static bool message_came(const struct scene *s) { return s->messages == 1; }

START_TEST(welcome_begins_a_session_and_heartbeats_carry_it)
{
    struct scene s;
    scene_open(&s);
    s.session = 41;
    run_until(&s, is_up);
    ck_assert_uint_ge(s.up_session, 42);
    ck_assert_uint_eq(s.up_session, s.session);
    ck_assert(peer_is_up(s.peer));
    run_until(&s, a_beat);
    ck_assert_uint_eq(s.beat_session, s.up_session);
    peer_free(&s.peer);
    run_until(&s, said_bye);
    scene_close(&s);
}
END_TEST

START_TEST(silence_opens_a_new_session)
{
    struct scene s;
    scene_open(&s);
    s.silent = true;
    run_until(&s, is_up);
    unsigned hellos = s.hellos;
    run_until(&s, is_up_again); /* the router sends no heartbeat: 2 s later HELLO comes again */
    ck_assert_uint_eq(s.downs, 1);
    ck_assert_uint_gt(s.hellos, hellos);
    scene_close(&s);
}
END_TEST

START_TEST(reset_opens_a_new_session_at_once)
{
    struct scene s;
    scene_open(&s);
    run_until(&s, is_up);
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Reset reset = MASQUES__BUS__RESET__INIT;
    frame.body_case = MASQUES__BUS__FRAME__BODY_RESET;
    frame.reset = &reset;
    answer(&s, s.route, &frame);
    run_until(&s, is_up_again);
    ck_assert_uint_eq(s.downs, 1);
    scene_close(&s);
}
END_TEST

START_TEST(a_name_in_use_is_asked_for_again)
{
    struct scene s;
    scene_open(&s);
    s.in_use_once = true;
    run_until(&s, is_up);
    ck_assert_uint_eq(s.refusals, 1);
    ck_assert_uint_ge(s.hellos, 2);
    ck_assert_uint_eq(s.downs, 0);
    scene_close(&s);
}
END_TEST

static void stop_loop(void *ctx)
{
    loop_stop(((struct scene *)ctx)->loop);
}

/* Asking once more would take the name away from the one who has it now, and so on for ever. */
START_TEST(fenced_ends_the_session_for_good)
{
    struct scene s;
    scene_open(&s);
    run_until(&s, is_up);
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Fenced said = MASQUES__BUS__FENCED__INIT;
    frame.body_case = MASQUES__BUS__FRAME__BODY_FENCED;
    frame.fenced = &said;
    answer(&s, s.route, &frame);
    run_until(&s, fenced);
    ck_assert(!peer_is_up(s.peer));
    ck_assert_uint_eq(s.downs, 1);
    unsigned hellos = s.hellos;
    peer_restart(s.peer, "it is over");
    struct loop_timer *later = loop_timer_new(s.loop, stop_loop, &s);
    loop_timer_set(later, 2 * PEER_HEARTBEAT_MS + 500); /* two ticks, each of which asks when there is no session */
    s.until = is_up_again;
    loop_run(s.loop);
    ck_assert_uint_eq(s.hellos, hellos);
    loop_timer_free(&later);
    scene_close(&s);
}
END_TEST

static bool asked_thrice(const struct scene *s) { return s->refusals >= 3; }
static bool has_closed_them(const struct scene *s) { return open_files() <= s->files; }

/* Each answer opens a new socket and none may stay behind. */
START_TEST(a_name_that_stays_in_use_leaks_nothing)
{
    struct scene s;
    scene_open(&s);
    s.in_use_always = true;
    run_until(&s, asked_thrice);
    unsigned before = open_files();
    s.refusals = 0;
    run_until(&s, asked_thrice);
    s.refusals = 0;
    run_until(&s, asked_thrice);
    s.files = before + 2; /* ZeroMQ's thread closes when it comes to it */
    run_until(&s, has_closed_them);
    ck_assert_uint_eq(s.ups, 0);
    s.in_use_always = false;
    run_until(&s, is_up);
    scene_close(&s);
}
END_TEST

static void restart_inside(void *ctx, struct link_message *m)
{
    struct scene *s = ctx;
    s->messages++;
    link_message_free(&m);
    peer_restart(s->peer, "a protocol error");
    check(s);
}

static void credit(struct scene *s, uint64_t session);

START_TEST(a_session_may_be_ended_by_who_takes_its_message)
{
    struct scene s;
    struct peer_events restarting = events;
    restarting.message = restart_inside;
    scene_open(&s);
    peer_free(&s.peer);
    s.peer = peer_new(s.loop, s.context, s.endpoint, &restarting, &s, &s.log);
    run_until(&s, is_up);
    for (int i = 0; i < 3; i++)
        credit(&s, s.up_session); /* the second and third are of a session that is over */
    run_until(&s, is_up_again);
    ck_assert_uint_eq(s.messages, 1);
    ck_assert_uint_eq(s.downs, 1);
    scene_close(&s);
}
END_TEST

static void credit(struct scene *s, uint64_t session)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Credit granted = MASQUES__BUS__CREDIT__INIT;
    frame.body_case = MASQUES__BUS__FRAME__BODY_CREDIT;
    frame.credit = &granted;
    frame.session = session;
    answer(s, s->route, &frame);
}

START_TEST(only_messages_of_the_session_pass)
{
    struct scene s;
    scene_open(&s);
    s.session = 5;
    run_until(&s, is_up);
    credit(&s, s.up_session - 1); /* an older session's */
    credit(&s, s.up_session);
    run_until(&s, message_came);
    ck_assert_uint_eq(s.messages, 1);
    scene_close(&s);
}
END_TEST

START_TEST(without_a_session_nothing_is_sent)
{
    struct scene s;
    scene_open(&s);
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    ck_assert_int_eq(peer_send(s.peer, &frame, NULL, 0), GW_ERR_CLOSED);
    scene_close(&s);
}
END_TEST

SUITE_MAIN("bus/peer", welcome_begins_a_session_and_heartbeats_carry_it, silence_opens_a_new_session,
           reset_opens_a_new_session_at_once, a_name_in_use_is_asked_for_again,
           fenced_ends_the_session_for_good, a_name_that_stays_in_use_leaks_nothing,
           a_session_may_be_ended_by_who_takes_its_message, only_messages_of_the_session_pass,
           without_a_session_nothing_is_sent)
