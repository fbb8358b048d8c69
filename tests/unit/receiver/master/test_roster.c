// SPDX-License-Identifier: Apache-2.0
/* The list of the children, and when one of them counts as hung. */
#include "receiver/master/roster.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "receiver/master/patience.h"
#include "tests/support/suite.h"
#include "tests/unit/receiver/master/stage.h"

#define HEARD_MS 5000u
#define HANG_MS 1000u

static const struct member_events nobody_listens = {.started = NULL};

static struct member *add(struct stage *s, struct roster *roster, enum member_kind kind, const char *name)
{
    struct member *m = member_new(s->loop, kind, name, "t", "/none", &nobody_listens, NULL, &s->log);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(roster_add(roster, m), GW_OK);
    return m;
}

/* A process that only waits to be killed. */
static pid_t sleeper(void)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    ck_assert_int_gt(pid, 0);
    return pid;
}

static bool was_killed(pid_t pid)
{
    int status;
    pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended == 0)
        return false;
    ck_assert(ended == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return true;
}

static void end(struct member *m)
{
    kill(m->pid, SIGKILL);
    ck_assert_int_eq(waitpid(m->pid, NULL, 0), m->pid);
    m->pid = 0;
}

START_TEST(each_kind_has_its_place_in_the_order_of_coming)
{
    static const char *const wanted[] = {"router", "a", "b", "worker/1", "worker/2"};
    struct stage s;
    struct roster roster = {.members = NULL};
    stage_open(&s);
    add(&s, &roster, MEMBER_WORKER, "worker/1");
    add(&s, &roster, MEMBER_EXPORTER, "a");
    add(&s, &roster, MEMBER_ROUTER, "router");
    add(&s, &roster, MEMBER_WORKER, "worker/2");
    add(&s, &roster, MEMBER_EXPORTER, "b");
    ck_assert_uint_eq(roster.count, 5);
    for (size_t i = 0; i < 5; i++)
        ck_assert_str_eq(roster.members[i]->name, wanted[i]);
    for (int i = 0; i < 20; i++) /* beyond the first room */
        add(&s, &roster, MEMBER_EXPORTER, "more");
    ck_assert_str_eq(roster.members[24]->name, "worker/2");
    roster_fini(&roster);
    ck_assert_uint_eq(roster.count, 0);
    stage_close(&s);
}
END_TEST

START_TEST(they_are_found_and_asked_for)
{
    struct stage s;
    struct roster roster = {.members = NULL};
    stage_open(&s);
    struct member *router = add(&s, &roster, MEMBER_ROUTER, "router");
    struct member *worker = add(&s, &roster, MEMBER_WORKER, "worker/1");
    router->pid = sleeper();
    ck_assert_ptr_eq(roster_find(&roster, "worker/1"), worker);
    ck_assert_ptr_null(roster_find(&roster, "worker"));
    ck_assert_ptr_eq(roster_by_pid(&roster, router->pid), router);
    ck_assert_ptr_null(roster_by_pid(&roster, getpid()));
    ck_assert(roster_lives(&roster, 1u << MEMBER_ROUTER | 1u << MEMBER_WORKER));
    ck_assert(!roster_lives(&roster, 1u << MEMBER_WORKER | 1u << MEMBER_EXPORTER));
    ck_assert(!roster_runs(&roster, MEMBER_ROUTER));
    router->state = MEMBER_RUNNING;
    ck_assert(roster_runs(&roster, MEMBER_ROUTER));
    ck_assert(!roster_runs(&roster, MEMBER_WORKER));
    end(router);
    roster_fini(&roster);
    stage_close(&s);
}
END_TEST

START_TEST(who_has_left_is_forgotten_once_its_process_is_gone)
{
    struct stage s;
    struct roster roster = {.members = NULL};
    stage_open(&s);
    add(&s, &roster, MEMBER_ROUTER, "router");
    struct member *leaves = add(&s, &roster, MEMBER_EXPORTER, "leaves");
    add(&s, &roster, MEMBER_EXPORTER, "stays");
    ck_assert(!roster_changes(&roster));
    leaves->pid = sleeper();
    leaves->leaves = true;
    ck_assert(roster_changes(&roster));
    roster_forget(&roster);
    ck_assert_uint_eq(roster.count, 3);
    end(leaves);
    roster_forget(&roster);
    ck_assert_uint_eq(roster.count, 2);
    ck_assert_str_eq(roster.members[1]->name, "stays");
    ck_assert(!roster_changes(&roster));
    roster.members[1]->returns = true;
    ck_assert(roster_changes(&roster));
    roster_fini(&roster);
    stage_close(&s);
}
END_TEST

/* An exporter with that process, heard last at HEARD_MS. */
static struct member *heard(struct stage *s, struct roster *roster, enum member_state state, pid_t pid)
{
    struct member *m = add(s, roster, MEMBER_EXPORTER, "a");
    m->pid = pid;
    m->state = state;
    m->heard_ms = HEARD_MS;
    return m;
}

/* It was killed: would wait for ever otherwise. */
static void bury(struct member *m)
{
    ck_assert_int_eq(waitpid(m->pid, NULL, 0), m->pid);
    m->pid = 0;
}

START_TEST(patience_depends_on_what_a_child_does)
{
    static const struct {
        enum member_state state;
        uint64_t hang_ms, silent_ms;
        bool killed;
    } cases[] = {
        {MEMBER_RUNNING, 1000, 999, false},
        {MEMBER_RUNNING, 1000, 1000, true},
        {MEMBER_STARTING, 1000, PATIENCE_START_MS - 1, false},
        {MEMBER_STARTING, 1000, PATIENCE_START_MS, true},
        {MEMBER_DRAINING, 1000, PATIENCE_FLUSH_MS - 1, false},
        {MEMBER_DRAINING, 1000, PATIENCE_FLUSH_MS, true},
        {MEMBER_DRAINING, 60000, 59999, false},
        {MEMBER_DRAINING, 60000, 60000, true},
    };
    struct stage s;
    stage_open(&s);
    s.log.level = LOG_LEVEL_ERROR;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct roster roster = {.members = NULL};
        struct member *m = heard(&s, &roster, cases[i].state, sleeper());
        patience_watch(m, cases[i].hang_ms, HEARD_MS + cases[i].silent_ms);
        ck_assert_msg((m->heard_ms != HEARD_MS) == cases[i].killed, "%zu", i);
        ck_assert_msg((m->error[0] != '\0') == cases[i].killed, "%zu: %s", i, m->error);
        if (!cases[i].killed) {
            ck_assert(!was_killed(m->pid));
            end(m);
        } else {
            bury(m);
        }
        roster_fini(&roster);
    }
    stage_close(&s);
}
END_TEST

static uint64_t cpu_ms_of(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    ck_assert_int_eq(clock_getcpuclockid(pid, &clock), 0);
    ck_assert_int_eq(clock_gettime(clock, &t), 0);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void computes_for(pid_t pid, uint64_t ms)
{
    for (uint64_t begun = cpu_ms_of(pid); cpu_ms_of(pid) < begun + ms;)
        usleep(1000);
}

START_TEST(one_that_computes_may_be_silent_for_longer)
{
    static const bool stops[] = {false, true};
    struct stage s;
    stage_open(&s);
    s.log.level = LOG_LEVEL_ERROR;
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        struct roster roster = {.members = NULL};
        pid_t pid = fork();
        while (pid == 0)
            ;
        struct member *m = heard(&s, &roster, MEMBER_RUNNING, pid);
        uint64_t now = HEARD_MS + HANG_MS / 2, end = HEARD_MS + (stops[i] ? 3 : PATIENCE_BUSY) * HANG_MS;
        patience_watch(m, HANG_MS, now);
        while ((now += HANG_MS / 2) < end) {
            computes_for(pid, HANG_MS / 20);
            patience_watch(m, HANG_MS, now);
            ck_assert_msg(!m->error[0], "%s", m->error);
        }
        if (stops[i])
            ck_assert_int_eq(kill(pid, SIGSTOP), 0);
        else
            computes_for(pid, HANG_MS / 20);
        for (int more = 0; more <= (stops[i] ? 2 : 0); more++) /* what it did before does not help it for long */
            patience_watch(m, HANG_MS, end + (uint64_t)more * HANG_MS / 2);
        ck_assert_msg(strncmp(m->error, "killed: silent for", 18) == 0, "%s", m->error);
        bury(m);
        roster_fini(&roster);
    }
    stage_close(&s);
}
END_TEST

START_TEST(who_is_late_with_its_end_is_killed_once)
{
    struct stage s;
    struct roster roster = {.members = NULL};
    stage_open(&s);
    struct member *m = add(&s, &roster, MEMBER_EXPORTER, "a");
    pid_t pid = m->pid = sleeper();
    m->state = MEMBER_DRAINING;
    m->drained_by_ms = 1000;
    m->heard_ms = 1000 + PATIENCE_FLUSH_MS - 1; /* it speaks, and does not end */
    patience_watch(m, 1000, 1000 + PATIENCE_FLUSH_MS - 1);
    ck_assert(!was_killed(pid));
    patience_watch(m, 1000, 1000 + PATIENCE_FLUSH_MS);
    ck_assert_str_eq(m->error, "killed: did not finish in time");
    ck_assert_uint_eq(m->drained_by_ms, 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    m->pid = 0;
    roster_fini(&roster);
    stage_close(&s);
}
END_TEST

SUITE_MAIN("roster", each_kind_has_its_place_in_the_order_of_coming, they_are_found_and_asked_for,
           who_has_left_is_forgotten_once_its_process_is_gone, patience_depends_on_what_a_child_does,
           one_that_computes_may_be_silent_for_longer, who_is_late_with_its_end_is_killed_once)
