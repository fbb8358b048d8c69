// SPDX-License-Identifier: Apache-2.0
/* One child, played by a shell script. */
#include "receiver/master/member.h"

#include <signal.h>
#include <sys/wait.h>

#include "tests/support/suite.h"
#include "tests/unit/receiver/master/stage.h"

struct scene {
    struct stage stage;
    struct member *member;
    int life[2];
    unsigned started, ready, gone, gave_up;
    unsigned wanted_gone;
    int fill_error;
    struct loop_timer *alarm; /* NULL: none is set when it is gone */
    unsigned started_at[4];   /* the alarm after each end: starts by then */
    unsigned wanted_started;
};

/* After the first, second and third end, in ms: beyond a wait of 0, and short of those of 50 and 100. */
static const uint64_t alarms[] = {1, 25, 75};

static void on_started(void *ctx, struct member *m)
{
    struct scene *s = ctx;
    ck_assert_int_gt(m->pid, 0);
    s->started++;
}

static void on_ready(void *ctx, struct member *m)
{
    struct scene *s = ctx;
    (void)m;
    s->ready++;
}

static void on_gone(void *ctx, struct member *m)
{
    struct scene *s = ctx;
    ck_assert_int_eq(m->pid, 0);
    s->gone++;
    if (s->alarm && s->gone <= sizeof alarms / sizeof alarms[0])
        loop_timer_set(s->alarm, alarms[s->gone - 1]);
}

static void on_alarm(void *ctx)
{
    struct scene *s = ctx;
    s->started_at[s->gone] = s->started;
}

static void on_gave_up(void *ctx, struct member *m, const char *why)
{
    struct scene *s = ctx;
    (void)m;
    ck_assert_str_eq(why, "no ok");
    s->gave_up++;
}

static int on_fill(void *ctx, struct member *m, Masques__Control__Settings *settings,
                   struct spawn_request *request)
{
    struct scene *s = ctx;
    ck_assert_str_eq(settings->name, "debug/test");
    ck_assert_uint_eq(settings->spawn, m->spawn);
    ck_assert_uint_eq(settings->parent, (uint32_t)getpid());
    request->life = s->life[0];
    return s->fill_error;
}

static const struct member_events events = {
    .started = on_started, .ready = on_ready, .gone = on_gone, .gave_up = on_gave_up, .fill_settings = on_fill};

static void reap(void *ctx, int signum)
{
    struct scene *s = ctx;
    int status;
    (void)signum;
    if (member_lives(s->member) && waitpid(s->member->pid, &status, WNOHANG) == s->member->pid)
        member_exited(s->member, status);
}

static void scene_open(struct scene *s, enum member_kind kind, const char *lines)
{
    char program[256];
    *s = (struct scene){0};
    stage_open(&s->stage);
    stage_script(&s->stage, "child", lines);
    stage_path(&s->stage, "child", program);
    ck_assert_int_eq(pipe2(s->life, O_CLOEXEC), 0);
    s->member = member_new(s->stage.loop, kind, "debug/test", "debug", program, &events, s, &s->stage.log);
    ck_assert_ptr_nonnull(s->member);
    ck_assert_int_eq(loop_on_signal(s->stage.loop, SIGCHLD, reap, s), GW_OK);
}

static void scene_close(struct scene *s)
{
    member_free(&s->member);
    close(s->life[0]);
    close(s->life[1]);
    stage_close(&s->stage);
}

static bool is_ready(void *ctx) { return ((struct scene *)ctx)->ready > 0; }
static bool has_beaten(void *ctx) { return ((struct scene *)ctx)->member->beats > 0; }
static bool is_gone(void *ctx) { return ((struct scene *)ctx)->gone >= ((struct scene *)ctx)->wanted_gone; }

static bool is_started_and_rung(void *ctx)
{
    struct scene *s = ctx;
    return s->started >= s->wanted_started && s->started_at[s->gone] > 0;
}

static void run_until_gone(struct scene *s, unsigned times)
{
    s->wanted_gone = times;
    stage_run_until(&s->stage, is_gone, s);
}

START_TEST(a_child_that_is_ready_runs_and_its_beats_are_kept)
{
    struct scene s;
    scene_open(&s, MEMBER_EXPORTER, SAY_READY SAY_ERROR("010", "006", "uphill") WAIT_FOR_THE_END);
    member_start(s.member);
    ck_assert_int_eq(s.member->state, MEMBER_STARTING);
    ck_assert_uint_eq(s.started, 1);
    stage_run_until(&s.stage, has_beaten, &s);
    ck_assert_uint_eq(s.ready, 1);
    ck_assert_int_eq(s.member->state, MEMBER_RUNNING);
    ck_assert_str_eq(s.member->error, "uphill");
    ck_assert(s.member->heard_ms && s.member->beat_ms && s.member->heard_ns);
    ck_assert_uint_eq(s.member->restarts, 0);
    scene_close(&s);
}
END_TEST

/* Timers of one loop that are set together run in the order of their times, however slow the machine is: an alarm that
 * is set beside the restart tells which of the two came first. */
START_TEST(the_first_restart_is_at_once_and_later_ones_wait)
{
    struct scene s;
    scene_open(&s, MEMBER_WORKER, "read nothing <&4\n");
    s.alarm = loop_timer_new(s.stage.loop, on_alarm, &s);
    member_start(s.member);
    for (unsigned end = 1; end < 4; end++) { /* the waits: 0, 50, 100 ms */
        kill(s.member->pid, SIGKILL);
        run_until_gone(&s, end);
        s.wanted_started = end + 1;
        stage_run_until(&s.stage, is_started_and_rung, &s);
    }
    ck_assert_uint_eq(s.started_at[1], 2);
    ck_assert_uint_eq(s.started_at[2], 2);
    ck_assert_uint_eq(s.started_at[3], 3);
    stage_script(&s.stage, "child", "exit 3\n");
    kill(s.member->pid, SIGKILL);
    run_until_gone(&s, 5);
    loop_timer_free(&s.alarm);
    ck_assert_uint_eq(s.started, 5);
    ck_assert_uint_eq(s.member->restarts, 4);
    ck_assert_uint_eq(s.member->spawn, 5);
    ck_assert_int_eq(s.member->state, MEMBER_WAITING);
    ck_assert_str_eq(s.member->error, "ended with exit code 3");
    scene_close(&s);
}
END_TEST

START_TEST(restarts_leak_no_descriptor)
{
    struct scene s;
    scene_open(&s, MEMBER_WORKER, SAY_READY SAY_BEAT "exit 1\n");
    unsigned before = stage_open_files();
    s.member->backoff.cap_ms = 1;
    member_start(s.member);
    run_until_gone(&s, 30);
    ck_assert_uint_eq(stage_open_files(), before);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* and no zombie */
    scene_close(&s);
}
END_TEST

/* The error of a former process must not stand for a later one. */
START_TEST(each_end_has_its_own_reason)
{
    static const struct {
        const char *lines, *error, *why;
    } cases[] = {
        {"kill -SEGV $$\n", "ended by signal 11 (Segmentation fault)", "a signal"},
        {SAY_ERROR("010", "006", "uphill") "kill -KILL $$\n", "ended by signal 9 (Killed)",
         "an error that it told before says nothing about a signal"},
        {SAY_ERROR("010", "006", "uphill") "exit 1\n", "uphill", "what it told last explains its exit code"},
        {"exit 4\n", "ended with exit code 4", "the word of the process before is not its own"},
        {SAY_FAILURE "exit 1\n", "no ok", "it said why"},
        {"exit 0\n", "ended with exit code 0", "nobody asked it to"},
        {"exit 126\n", "its descriptors could not be put in place", "before it was itself"},
    };
    struct scene s;
    scene_open(&s, MEMBER_WORKER, "exit 0\n");
    s.member->backoff.cap_ms = 1;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stage_script(&s.stage, "child", cases[i].lines);
        s.gone = 0;
        member_start(s.member);
        run_until_gone(&s, 1);
        loop_timer_cancel(s.member->restart);
        ck_assert_msg(strcmp(s.member->error, cases[i].error) == 0, "%s: %s", cases[i].why, s.member->error);
    }
    ck_assert_uint_eq(s.gave_up, 1);
    scene_close(&s);
}
END_TEST

START_TEST(a_program_that_is_gone_is_tried_again)
{
    struct scene s;
    char program[256];
    scene_open(&s, MEMBER_WORKER, "exit 0\n");
    stage_path(&s.stage, "child", program);
    ck_assert_int_eq(unlink(program), 0);
    member_start(s.member);
    run_until_gone(&s, 1);
    ck_assert_msg(strstr(s.member->error, "cannot be executed") != NULL, "%s", s.member->error);
    ck_assert_int_eq(s.member->state, MEMBER_WAITING);
    scene_close(&s);
}
END_TEST

START_TEST(what_cannot_be_started_counts_as_a_start_and_is_tried_again)
{
    struct scene s;
    scene_open(&s, MEMBER_WORKER, SAY_READY WAIT_FOR_THE_END);
    s.fill_error = GW_ERR_TOO_LARGE;
    member_start(s.member);
    ck_assert_uint_eq(s.gone, 1);
    ck_assert_uint_eq(s.started, 0);
    ck_assert_int_eq(s.member->state, MEMBER_WAITING);
    ck_assert_msg(strstr(s.member->error, "cannot be started") != NULL, "%s", s.member->error);
    s.fill_error = GW_OK;
    stage_run_until(&s.stage, is_ready, &s);
    ck_assert_uint_eq(s.member->spawn, 2);
    scene_close(&s);
}
END_TEST

START_TEST(drained_it_ends_and_does_not_come_back)
{
    struct scene s;
    scene_open(&s, MEMBER_WORKER, SAY_READY WAIT_FOR_A_WORD "exit 0\n");
    member_start(s.member);
    stage_run_until(&s.stage, is_ready, &s);
    member_drain(s.member, 1000);
    member_drain(s.member, 1000);
    ck_assert_int_eq(s.member->state, MEMBER_DRAINING);
    run_until_gone(&s, 1);
    ck_assert_int_eq(s.member->state, MEMBER_ENDED);
    ck_assert_str_eq(s.member->error, "");
    scene_close(&s);
}
END_TEST

START_TEST(one_that_crashes_while_it_drains_says_so_and_does_not_come_back)
{
    struct scene s;
    scene_open(&s, MEMBER_WORKER, SAY_READY WAIT_FOR_A_WORD "kill -ABRT $$\n");
    member_start(s.member);
    stage_run_until(&s.stage, is_ready, &s);
    member_drain(s.member, 1000);
    run_until_gone(&s, 1);
    ck_assert_int_eq(s.member->state, MEMBER_ENDED);
    ck_assert_str_eq(s.member->error, "ended by signal 6 (Aborted)");
    scene_close(&s);
}
END_TEST

START_TEST(drained_while_it_waits_it_is_not_started_again)
{
    struct scene s;
    scene_open(&s, MEMBER_WORKER, "exit 1\n");
    member_start(s.member);
    run_until_gone(&s, 2);
    ck_assert_int_eq(s.member->state, MEMBER_WAITING);
    member_drain(s.member, 1000);
    ck_assert_int_eq(s.member->state, MEMBER_ENDED);
    stage_run_for(&s.stage, 200);
    ck_assert_uint_eq(s.started, 2);
    scene_close(&s);
}
END_TEST

/* It stands still while we talk to it: nothing blocks, and it still ends in order when it goes on. */
START_TEST(a_deaf_child_is_drained_by_a_signal)
{
    struct scene s;
    Masques__Control__Down down = MASQUES__CONTROL__DOWN__INIT;
    Masques__Control__RouterUp up = MASQUES__CONTROL__ROUTER_UP__INIT;
    down.body_case = MASQUES__CONTROL__DOWN__BODY_ROUTER_UP;
    down.router_up = &up;
    up.spawn = 7;
    scene_open(&s, MEMBER_WORKER, "trap 'exit 0' TERM\n" SAY_READY "while :; do sleep 0.01; done\n");
    member_start(s.member);
    stage_run_until(&s.stage, is_ready, &s);
    ck_assert_int_eq(kill(s.member->pid, SIGSTOP), 0);
    for (int i = 0; i < 1000000 && member_tell(s.member, &down); i++)
        ;
    ck_assert(!member_tell(s.member, &down));
    member_drain(s.member, 1000);
    ck_assert_int_eq(kill(s.member->pid, SIGCONT), 0);
    run_until_gone(&s, 1);
    ck_assert_int_eq(s.member->state, MEMBER_ENDED);
    ck_assert_str_eq(s.member->error, "");
    scene_close(&s);
}
END_TEST

START_TEST(killed_it_comes_back_and_ended_it_does_not)
{
    struct scene s;
    scene_open(&s, MEMBER_WORKER, SAY_READY WAIT_FOR_THE_END);
    member_start(s.member);
    stage_run_until(&s.stage, is_ready, &s);
    member_kill(s.member, "silent for 5.0 s");
    run_until_gone(&s, 1);
    ck_assert_int_eq(s.member->state, MEMBER_WAITING);
    ck_assert_str_eq(s.member->error, "killed: silent for 5.0 s");
    s.ready = 0;
    stage_run_until(&s.stage, is_ready, &s);
    member_end(s.member);
    run_until_gone(&s, 2);
    ck_assert_int_eq(s.member->state, MEMBER_ENDED);
    scene_close(&s);
}
END_TEST

START_TEST(an_exporter_whose_destination_is_gone_is_closed)
{
    struct scene s;
    scene_open(&s, MEMBER_EXPORTER, SAY_READY SAY_CLOSED "exit 0\n");
    member_start(s.member);
    run_until_gone(&s, 1);
    ck_assert_int_eq(s.member->state, MEMBER_CLOSED);
    member_end(s.member);
    ck_assert_int_eq(s.member->state, MEMBER_CLOSED);
    scene_close(&s);
}
END_TEST

START_TEST(garbage_on_the_control_channel_does_no_harm)
{
    struct scene s;
    scene_open(&s, MEMBER_WORKER, "printf '\\377\\377\\377' >&3\n" SAY_READY WAIT_FOR_THE_END);
    member_start(s.member);
    stage_run_until(&s.stage, is_ready, &s);
    scene_close(&s);
}
END_TEST

SUITE_MAIN("receiver/master/member", a_child_that_is_ready_runs_and_its_beats_are_kept,
           the_first_restart_is_at_once_and_later_ones_wait, restarts_leak_no_descriptor,
           each_end_has_its_own_reason, a_program_that_is_gone_is_tried_again,
           what_cannot_be_started_counts_as_a_start_and_is_tried_again, drained_it_ends_and_does_not_come_back,
           one_that_crashes_while_it_drains_says_so_and_does_not_come_back,
           drained_while_it_waits_it_is_not_started_again, a_deaf_child_is_drained_by_a_signal,
           killed_it_comes_back_and_ended_it_does_not, an_exporter_whose_destination_is_gone_is_closed,
           garbage_on_the_control_channel_does_no_harm)
