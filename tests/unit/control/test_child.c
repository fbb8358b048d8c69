// SPDX-License-Identifier: Apache-2.0
/* The child's side. Each test is the child itself, on descriptors 3, 4 and 5, and plays its master, too. */
#include "shared/control/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/control/packet.h"
#include "tests/support/suite.h"

#define LIMIT_MS 60000

struct scene {
    struct loop *loop;
    struct child *child;
    struct log log;
    struct loop_timer *limit, *nudge;
    int master, life; /* the master's ends */
    unsigned drains, stops, router_ups, expects, beats, readies, failures;
    uint32_t within_ms, expected_pid;
    bool (*until)(const struct scene *s);
};

static void on_drain(void *ctx, uint32_t within_ms)
{
    struct scene *s = ctx;
    s->drains++;
    s->within_ms = within_ms;
}

static void on_stop(void *ctx)
{
    struct scene *s = ctx;
    s->stops++;
}

static void on_fill_beat(void *ctx, Masques__Control__Beat *beat)
{
    (void)ctx;
    beat->state = (char *)"testing";
}

static void on_router_up(void *ctx) { ((struct scene *)ctx)->router_ups++; }

static void on_expect(void *ctx, const Masques__Control__Expect *expect)
{
    struct scene *s = ctx;
    s->expects++;
    s->expected_pid = expect->pid;
}

static const struct child_events events = {.drain = on_drain,
                                           .stop = on_stop,
                                           .fill_beat = on_fill_beat,
                                           .router_up = on_router_up,
                                           .expect = on_expect};
static const struct child_events fewest = {.drain = on_drain, .fill_beat = on_fill_beat};

static void too_late(void *ctx)
{
    (void)ctx;
    ck_abort_msg("it never came about");
}

static void stop_loop(void *ctx) { loop_stop(((struct scene *)ctx)->loop); }

/* What has come up so far. */
static void hear(struct scene *s)
{
    ProtobufCMessage *message = NULL;
    while (s->master >= 0 && packet_receive(s->master, &masques__control__up__descriptor, &message) == GW_OK) {
        const Masques__Control__Up *up = (const Masques__Control__Up *)message;
        s->readies += up->body_case == MASQUES__CONTROL__UP__BODY_READY;
        s->failures += up->body_case == MASQUES__CONTROL__UP__BODY_FAILURE;
        if (up->body_case == MASQUES__CONTROL__UP__BODY_BEAT) {
            ck_assert_str_eq(up->beat->state, "testing");
            s->beats++;
        }
        protobuf_c_message_free_unpacked(message, NULL);
    }
}

static bool look(void *ctx)
{
    struct scene *s = ctx;
    hear(s);
    if (s->until && s->until(s))
        loop_stop(s->loop);
    return false;
}

/* Before the test runner opens files of its own: none of them may stand where a child's descriptors do. */
__attribute__((constructor)) static void keep_places(void)
{
    while (open("/dev/null", O_RDONLY | O_CLOEXEC) < CHILD_FD_FIRST)
        ;
}

static void put(int fd, int at)
{
    ck_assert_int_eq(dup2(fd, at), at);
    close(fd);
}

static void scene_open(struct scene *s, const struct child_events *how)
{
    int pair[2], life[2];
    *s = (struct scene){.log = {"test", LOG_LEVEL_ERROR, 2}};
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_eq(pipe2(life, O_CLOEXEC), 0);
    s->master = fcntl(pair[0], F_DUPFD_CLOEXEC, 50);
    s->life = fcntl(life[1], F_DUPFD_CLOEXEC, 50);
    int child_end = fcntl(pair[1], F_DUPFD_CLOEXEC, 50);
    int life_end = fcntl(life[0], F_DUPFD_CLOEXEC, 50);
    for (int i = 0; i < 2; i++) {
        close(pair[i]);
        close(life[i]);
    }
    put(child_end, CHILD_FD_CONTROL);
    put(life_end, CHILD_FD_LIFE);
    s->loop = loop_new();
    s->child = child_new(s->loop, how, s, &s->log);
    ck_assert_ptr_nonnull(s->child);
    s->limit = loop_timer_new(s->loop, too_late, s);
    s->nudge = loop_timer_new(s->loop, stop_loop, s);
    loop_timer_set(s->limit, LIMIT_MS);
    ck_assert_int_eq(loop_add_chore(s->loop, look, s), GW_OK);
}

static void scene_close(struct scene *s)
{
    child_free(&s->child);
    loop_timer_free(&s->limit);
    loop_timer_free(&s->nudge);
    loop_free(&s->loop);
}

static void run_until(struct scene *s, bool (*until)(const struct scene *s))
{
    s->until = until;
    loop_run(s->loop);
    s->until = NULL;
}

static void turn(struct scene *s)
{
    loop_timer_set(s->nudge, 1);
    loop_run(s->loop);
}

static void tell(struct scene *s, Masques__Control__Down__BodyCase what)
{
    Masques__Control__Down down = MASQUES__CONTROL__DOWN__INIT;
    Masques__Control__Stop stop = MASQUES__CONTROL__STOP__INIT;
    Masques__Control__Drain drain = MASQUES__CONTROL__DRAIN__INIT;
    Masques__Control__RouterUp up = MASQUES__CONTROL__ROUTER_UP__INIT;
    Masques__Control__Expect expect = MASQUES__CONTROL__EXPECT__INIT;
    drain.within_ms = 1234;
    expect.pid = 4321;
    down.body_case = what;
    if (what == MASQUES__CONTROL__DOWN__BODY_STOP)
        down.stop = &stop;
    else if (what == MASQUES__CONTROL__DOWN__BODY_DRAIN)
        down.drain = &drain;
    else if (what == MASQUES__CONTROL__DOWN__BODY_ROUTER_UP)
        down.router_up = &up;
    else
        down.expect = &expect;
    ck_assert_int_eq(packet_send(s->master, &down.base), GW_OK);
}

static bool drained(const struct scene *s) { return s->drains == 1; }
static bool stopped(const struct scene *s) { return s->stops == 1; }
static bool expected(const struct scene *s) { return s->expects == 1; }
static bool beaten_thrice(const struct scene *s) { return s->beats >= 3; }
static bool never(const struct scene *s) { return s == NULL; }

START_TEST(it_says_ready_and_beats)
{
    struct scene s;
    scene_open(&s, &events);
    child_ready(s.child, "here");
    run_until(&s, beaten_thrice); /* one with ready, then one a second */
    ck_assert_uint_eq(s.readies, 1);
    child_fail(s.child, "over");
    hear(&s);
    ck_assert_uint_eq(s.failures, 1);
    scene_close(&s);
}
END_TEST

START_TEST(it_does_as_the_master_says)
{
    struct scene s;
    scene_open(&s, &events);
    ck_assert_int_eq(send(s.master, "\xff\xff\xff", 3, 0), 3); /* of a master gone mad */
    tell(&s, MASQUES__CONTROL__DOWN__BODY_ROUTER_UP);
    tell(&s, MASQUES__CONTROL__DOWN__BODY_EXPECT);
    run_until(&s, expected);
    ck_assert_uint_eq(s.router_ups, 1);
    ck_assert_uint_eq(s.expected_pid, 4321);
    tell(&s, MASQUES__CONTROL__DOWN__BODY_DRAIN);
    run_until(&s, drained);
    ck_assert_uint_eq(s.within_ms, 1234);
    tell(&s, MASQUES__CONTROL__DOWN__BODY_DRAIN);
    tell(&s, MASQUES__CONTROL__DOWN__BODY_STOP);
    run_until(&s, stopped);
    ck_assert_uint_eq(s.drains, 1);
    scene_close(&s);
}
END_TEST

START_TEST(what_is_not_wanted_may_be_left_out)
{
    struct scene s;
    scene_open(&s, &fewest);
    tell(&s, MASQUES__CONTROL__DOWN__BODY_ROUTER_UP);
    tell(&s, MASQUES__CONTROL__DOWN__BODY_EXPECT);
    tell(&s, MASQUES__CONTROL__DOWN__BODY_STOP);
    run_until(&s, never); /* without a stop of its own the loop ends */
    scene_close(&s);
}
END_TEST

START_TEST(sigterm_drains_once_and_a_second_one_stops)
{
    struct scene s;
    scene_open(&s, &events);
    raise(SIGTERM);
    run_until(&s, drained);
    ck_assert_uint_gt(s.within_ms, 0);
    turn(&s);
    ck_assert_uint_eq(s.stops, 0);
    raise(SIGTERM);
    run_until(&s, stopped);
    ck_assert_uint_eq(s.drains, 1);
    scene_close(&s);
}
END_TEST

START_TEST(sigterm_of_others_is_left_to_the_master)
{
    struct scene s;
    scene_open(&s, &events);
    pid_t us = getpid();
    pid_t other = fork();
    if (other == 0)
        _exit(kill(us, SIGTERM) == 0 ? 0 : 1);
    int status;
    ck_assert_int_eq(waitpid(other, &status, 0), other);
    ck_assert_int_eq(status, 0);
    turn(&s);
    turn(&s);
    ck_assert_uint_eq(s.drains + s.stops, 0);
    raise(SIGTERM);
    run_until(&s, drained);
    scene_close(&s);
}
END_TEST

/* `kill 0`, timeout(1) and systemd send it to all of us; the master's own word comes beside it. */
START_TEST(sigterm_beside_the_masters_word_is_no_second_one)
{
    struct scene s;
    scene_open(&s, &events);
    tell(&s, MASQUES__CONTROL__DOWN__BODY_DRAIN);
    run_until(&s, drained);
    raise(SIGTERM);
    turn(&s);
    turn(&s);
    ck_assert_uint_eq(s.stops, 0);
    ck_assert_uint_eq(s.drains, 1);
    raise(SIGTERM);
    run_until(&s, stopped);
    scene_close(&s);
}
END_TEST

START_TEST(the_end_of_the_life_pipe_ends_the_loop)
{
    struct scene s;
    scene_open(&s, &events);
    close(s.life);
    run_until(&s, never);
    ck_assert_uint_eq(s.stops + s.drains, 0);
    scene_close(&s);
}
END_TEST

START_TEST(the_end_of_the_control_channel_ends_the_loop)
{
    struct scene s;
    scene_open(&s, &events);
    close(s.master);
    s.master = -1;
    child_beat(s.child); /* said to nobody */
    run_until(&s, never);
    scene_close(&s);
}
END_TEST

START_TEST(a_master_that_does_not_read_stops_nobody)
{
    struct scene s;
    scene_open(&s, &events);
    for (int i = 0; i < 20000; i++)
        child_beat(s.child);
    tell(&s, MASQUES__CONTROL__DOWN__BODY_DRAIN);
    run_until(&s, drained);
    scene_close(&s);
}
END_TEST

/* child_begin() in a process of its own: it asks the kernel to be killed with its parent. Exit codes: 10 + the error. */
static int begin_with(int settings_fd)
{
    pid_t pid = fork();
    if (pid == 0) {
        Masques__Control__Settings *settings = NULL;
        close(CHILD_FD_SETTINGS);
        if (settings_fd >= 0 && dup2(settings_fd, CHILD_FD_SETTINGS) != CHILD_FD_SETTINGS)
            _exit(99);
        int err = child_begin(&settings);
        if (err != GW_OK)
            _exit(settings ? 98 : 10 - err);
        struct sigaction interrupt, hangup;
        sigaction(SIGINT, NULL, &interrupt);
        sigaction(SIGHUP, NULL, &hangup);
        bool ok = interrupt.sa_handler == SIG_IGN && hangup.sa_handler == SIG_IGN &&
                  strcmp(settings->name, "router") == 0 && fcntl(CHILD_FD_SETTINGS, F_GETFD) < 0;
        masques__control__settings__free_unpacked(settings, NULL);
        _exit(ok ? 10 : 97);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status), "status %d", status);
    return 10 - WEXITSTATUS(status);
}

static int settings_of(uint32_t parent)
{
    Masques__Control__Settings settings = MASQUES__CONTROL__SETTINGS__INIT;
    settings.name = (char *)"router";
    settings.parent = parent;
    int fd = packet_memfd("test", &settings.base);
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 50);
    close(fd);
    return high;
}

START_TEST(it_begins_with_its_settings_below_its_parent)
{
    ck_assert_int_eq(begin_with(settings_of((uint32_t)getpid())), GW_OK);
}
END_TEST

START_TEST(it_does_not_begin_without_settings_or_for_another_parent)
{
    int nothing = open("/dev/null", O_RDONLY), pipes[2];
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_int_eq(begin_with(settings_of((uint32_t)getppid())), GW_ERR_CLOSED);
    ck_assert_int_eq(begin_with(-1), GW_ERR_IO);
    ck_assert_int_eq(begin_with(pipes[0]), GW_ERR_MALFORMED);
    ck_assert_int_eq(begin_with(nothing), GW_ERR_CLOSED); /* no bytes are valid settings, of nobody's */
}
END_TEST

SUITE_MAIN("control/child", it_says_ready_and_beats, it_does_as_the_master_says,
           what_is_not_wanted_may_be_left_out, sigterm_drains_once_and_a_second_one_stops,
           sigterm_beside_the_masters_word_is_no_second_one,
           sigterm_of_others_is_left_to_the_master, the_end_of_the_life_pipe_ends_the_loop,
           the_end_of_the_control_channel_ends_the_loop, a_master_that_does_not_read_stops_nobody,
           it_begins_with_its_settings_below_its_parent,
           it_does_not_begin_without_settings_or_for_another_parent)
