// SPDX-License-Identifier: Apache-2.0
#include "shared/base/loop.h"

#include <event2/event.h>
#include <signal.h>
#include <unistd.h>

#include "tests/support/suite.h"

#define LIMIT_MS 60000 /* only a loop that waits where it should not gets there */

struct seen {
    struct loop *loop;
    struct loop_timer *timer;
    int timers, chores, deferred, signals;
    int more; /* how often the chore asks for another turn */
};

static void timer_ran(void *ctx)
{
    struct seen *s = ctx;
    if (++s->timers == 3)
        loop_stop(s->loop);
    else
        loop_timer_set(s->timer, 1);
}

static bool chore(void *ctx)
{
    struct seen *s = ctx;
    s->chores++;
    if (s->more == 0)
        loop_stop(s->loop);
    return s->more > 0 && s->more--;
}

static void waited(void *ctx)
{
    struct seen *s = ctx;
    s->timers++;
}

/* A descriptor that is always ready: its callback never reads. */
static void always_ready(evutil_socket_t fd, short what, void *ctx)
{
    struct seen *s = ctx;
    (void)fd;
    (void)what;
    if (++s->timers > 1000000)
        ck_abort_msg("the loop never came back to its chores");
}

static bool stopping_chore(void *ctx)
{
    struct seen *s = ctx;
    if (++s->chores == 100)
        loop_stop(s->loop);
    return true;
}

START_TEST(a_descriptor_that_stays_ready_does_not_starve_the_chores)
{
    struct seen s = {.loop = loop_new()};
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    struct event *event = event_new(loop_base(s.loop), fds[0], EV_READ | EV_PERSIST, always_ready, &s);
    ck_assert_int_eq(event_add(event, NULL), 0);
    ck_assert_int_eq(loop_add_chore(s.loop, stopping_chore, &s), GW_OK);
    loop_run(s.loop);
    ck_assert_int_eq(s.chores, 100);
    event_free(event);
    loop_free(&s.loop);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

static void deferred(void *ctx)
{
    struct seen *s = ctx;
    s->deferred++;
}

static void stop(void *ctx)
{
    struct seen *s = ctx;
    loop_stop(s->loop);
}

static void signalled(void *ctx, int signum)
{
    struct seen *s = ctx;
    s->signals = signum;
    loop_stop(s->loop);
}

START_TEST(a_timer_runs_once_each_time_it_is_set)
{
    struct seen s = {.loop = loop_new()};
    s.timer = loop_timer_new(s.loop, timer_ran, &s);
    loop_timer_set(s.timer, 1);
    loop_run(s.loop);
    ck_assert_int_eq(s.timers, 3);
    loop_timer_free(&s.timer);
    loop_free(&s.loop);
}
END_TEST

START_TEST(a_chore_with_more_to_do_is_not_made_to_wait)
{
    struct seen s = {.loop = loop_new(), .more = 1000};
    s.timer = loop_timer_new(s.loop, waited, &s);
    ck_assert_int_eq(loop_add_chore(s.loop, chore, &s), GW_OK);
    loop_timer_set(s.timer, LIMIT_MS); /* nothing else would wake it */
    loop_run(s.loop);
    ck_assert_int_eq(s.timers, 0);
    ck_assert_int_eq(s.chores, 1001);
    int before = s.chores;
    loop_remove_chore(s.loop, chore, &s);
    ck_assert_int_eq(s.chores, before);
    loop_timer_free(&s.timer);
    loop_free(&s.loop);
}
END_TEST

static bool remove_itself(void *ctx)
{
    struct seen *s = ctx;
    loop_remove_chore(s->loop, remove_itself, s);
    s->deferred++;
    return false;
}

static bool last_chore(void *ctx)
{
    struct seen *s = ctx;
    s->chores++;
    loop_stop(s->loop);
    return false;
}

START_TEST(a_chore_that_removes_itself_takes_no_other_ones_turn)
{
    struct seen s = {.loop = loop_new()};
    s.timer = loop_timer_new(s.loop, waited, &s);
    loop_timer_set(s.timer, LIMIT_MS);
    ck_assert_int_eq(loop_add_chore(s.loop, remove_itself, &s), GW_OK);
    ck_assert_int_eq(loop_add_chore(s.loop, last_chore, &s), GW_OK);
    loop_run(s.loop); /* the first turn does not wait, a second one would */
    ck_assert_int_eq(s.deferred, 1);
    ck_assert_int_eq(s.chores, 1);
    ck_assert_int_eq(s.timers, 0);
    loop_remove_chore(s.loop, last_chore, &s);
    loop_timer_free(&s.timer);
    loop_free(&s.loop);
}
END_TEST

START_TEST(deferred_calls_come_after_the_turn_and_before_the_end)
{
    struct seen s = {.loop = loop_new()};
    for (int i = 0; i < 200; i++)
        loop_defer(s.loop, deferred, &s);
    ck_assert_int_eq(s.deferred, 0);
    loop_defer(s.loop, stop, &s);
    loop_run(s.loop);
    ck_assert_int_eq(s.deferred, 200);
    loop_defer(s.loop, deferred, &s);
    loop_free(&s.loop);
    ck_assert_int_eq(s.deferred, 201);
    ck_assert_ptr_null(s.loop);
}
END_TEST

START_TEST(a_signal_is_handled_in_the_loop)
{
    struct seen s = {.loop = loop_new()};
    ck_assert_int_eq(loop_on_signal(s.loop, SIGUSR1, signalled, &s), GW_OK);
    raise(SIGUSR1);
    ck_assert_int_eq(s.signals, 0);
    loop_run(s.loop);
    ck_assert_int_eq(s.signals, SIGUSR1);
    s.signals = 0;
    raise(SIGUSR1); /* after the last turn */
    loop_turn(s.loop);
    ck_assert_int_eq(s.signals, SIGUSR1);
    loop_turn(s.loop); /* waits for nothing */
    loop_free(&s.loop);
}
END_TEST

SUITE_MAIN("base/loop", a_timer_runs_once_each_time_it_is_set,
           a_chore_with_more_to_do_is_not_made_to_wait,
           a_descriptor_that_stays_ready_does_not_starve_the_chores,
           a_chore_that_removes_itself_takes_no_other_ones_turn,
           deferred_calls_come_after_the_turn_and_before_the_end, a_signal_is_handled_in_the_loop)
