// SPDX-License-Identifier: Apache-2.0
/* The whole family, played by shell scripts under the programs' names. */
#include "receiver/master/family.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/support/suite.h"
#include "tests/unit/receiver/master/stage.h"

#define LOOP_BEATING(beat) "while :; do " beat "sleep 0.05; done\n"
/* Beats until the script is gone. */
#define BEATING(beat) "{ while kill -0 $$; do " beat " || exit; sleep 0.05; done; } 2>/dev/null &\n"
/* Waits until it is told to drain; what it is told before that goes to the file `told`, in hex, a packet a line. */
#define UNTIL_DRAINED(name)                                                                          \
    "while :; do p=$(dd bs=9999 count=1 <&3 2>/dev/null | od -An -v -tx1 | tr -d ' \\n' 2>/dev/null)\n"  \
    "case $p in 12*) echo " name " >>\"${0%/*}/order\"; exit 0;; '') exit 1;; esac\n"                \
    "echo $p >>\"${0%/*}/told\"; done\n"
#define BEAT_NOW "printf '\\022\\000' >&3"
#define ACCEPT_NOW "printf '\\022\\002\\030\\001' >&3"

static const char router_script[] = SAY_READY BEATING(ACCEPT_NOW) UNTIL_DRAINED("router");
static const char worker_script[] = SAY_READY BEATING(BEAT_NOW) UNTIL_DRAINED("worker");
static const char exporter_script[] = SAY_READY BEATING(BEAT_NOW) UNTIL_DRAINED("exporter");

static const char config_text[] = "receivers: {otlp: {protocols: {grpc: }}}\n"
                                  "exporters: {debug: , nop: }\n"
                                  "service: {pipelines: {logs: {receivers: [otlp], exporters: [debug, nop]}}}\n"
                                  "masques: {workers: 1, supervision: {hang_after: %s}}\n";

#define NEVER_HUNG "1h" /* a shell may be late on a busy machine, and is none that hangs */

struct scene {
    struct stage stage;
    struct config *config;
    struct runtime_dir runtime;
    struct family_parts parts;
    struct family *family;
    unsigned ready, failed, ended;
    char why[512];
    size_t about; /* the child that a condition is about */
    uint32_t spawn;
};

static void on_ready(void *ctx) { ((struct scene *)ctx)->ready++; }
static void on_ended(void *ctx) { ((struct scene *)ctx)->ended++; }

static void on_failed(void *ctx, const char *why)
{
    struct scene *s = ctx;
    s->failed++;
    snprintf(s->why, sizeof s->why, "%s", why);
    family_end(s->family);
}

static const struct family_events events = {.ready = on_ready, .failed = on_failed, .ended = on_ended};

static const char *no_environment(void *context, const char *name)
{
    (void)context;
    (void)name;
    return NULL;
}

static void scene_open_hung_after(struct scene *s, const char *hang_after)
{
    struct config_error err;
    char text[1024];
    *s = (struct scene){.runtime = {.lock = -1}};
    stage_open(&s->stage);
    stage_script(&s->stage, "masques-router", router_script);
    stage_script(&s->stage, "masques-receiver-worker", worker_script);
    stage_script(&s->stage, "masques-exporter-console", exporter_script);
    stage_script(&s->stage, "masques-exporter-nop", exporter_script);
    snprintf(text, sizeof text, config_text, hang_after);
    ck_assert_msg(config_from_text("test", slice_of(text), no_environment, NULL, &s->config, &err) == GW_OK, "%s",
                  err.text);
    snprintf(s->runtime.path, sizeof s->runtime.path, "%s", s->stage.directory);
    snprintf(s->runtime.store, sizeof s->runtime.store, "%s/store", s->stage.directory);
}

static void scene_open(struct scene *s)
{
    scene_open_hung_after(s, NEVER_HUNG);
}

static void scene_make(struct scene *s)
{
    char why[512] = "";
    s->parts = (struct family_parts){.config = s->config, .runtime = &s->runtime,
                                     .programs = s->stage.directory, .log = &s->stage.log};
    struct family_parts passing = s->parts; /* only what they point at is borrowed */
    s->family = family_new(s->stage.loop, &passing, &events, s, why);
    memset(&passing, 0xee, sizeof passing);
    ck_assert_msg(s->family != NULL, "%s", why);
    family_start(s->family);
}

static void scene_close(struct scene *s)
{
    family_free(&s->family);
    config_free(&s->config);
    stage_close(&s->stage);
}

static bool is_ready(void *ctx) { return ((struct scene *)ctx)->ready > 0; }
static bool has_failed(void *ctx) { return ((struct scene *)ctx)->failed > 0; }
static bool has_ended(void *ctx) { return ((struct scene *)ctx)->ended > 0; }
static bool accepts(void *ctx) { return family_accepts(((struct scene *)ctx)->family); }
static bool accepts_not(void *ctx) { return !accepts(ctx); }

static const struct member *about(const struct scene *s)
{
    return family_at(s->family, s->about);
}

static bool has_lost_its_router(void *ctx)
{
    struct scene *s = ctx;
    return accepts_not(s) && family_at(s->family, 0)->restarts > 0;
}

static bool is_replaced(void *ctx)
{
    struct scene *s = ctx;
    return about(s)->spawn > s->spawn && about(s)->state == MEMBER_RUNNING;
}

static bool is_waiting_again(void *ctx)
{
    struct scene *s = ctx;
    return about(s)->spawn >= s->spawn && about(s)->state == MEMBER_WAITING;
}

static bool was_told(void *ctx)
{
    struct scene *s = ctx;
    char text[4096];
    stage_text(&s->stage, "told", text);
    return strlen(text) > 0 && strstr(text, "776f726b65722f31") != NULL; /* worker/1 */
}

START_TEST(all_are_started_and_ready_is_said_once)
{
    static const char *const names[] = {"router", "debug", "nop", "worker/1"};
    struct scene s;
    scene_open(&s);
    scene_make(&s);
    stage_run_until(&s.stage, accepts, &s);
    ck_assert_uint_eq(s.ready, 1);
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(family_at(s.family, i)->name, names[i]);
    ck_assert_ptr_null(family_at(s.family, 4));
    ck_assert_msg(strncmp(family_bus(s.family), "ipc:///", 7) == 0, "%s", family_bus(s.family));
    scene_close(&s);
}
END_TEST

START_TEST(the_router_is_told_who_has_which_name)
{
    struct scene s;
    scene_open(&s);
    scene_make(&s);
    stage_run_until(&s.stage, was_told, &s);
    scene_close(&s);
}
END_TEST

START_TEST(draining_ends_workers_then_the_router_then_the_exporters)
{
    struct scene s;
    char text[4096];
    scene_open(&s);
    scene_make(&s);
    stage_run_until(&s.stage, accepts, &s);
    family_drain(s.family, 60000);
    ck_assert(!family_accepts(s.family));
    stage_run_until(&s.stage, has_ended, &s);
    ck_assert_uint_eq(s.ended, 1);
    ck_assert_str_eq(stage_text(&s.stage, "order", text), "worker\nrouter\nexporter\nexporter\n");
    scene_close(&s);
}
END_TEST

START_TEST(draining_before_anybody_is_ready_ends_all)
{
    struct scene s;
    scene_open(&s);
    stage_script(&s.stage, "masques-router", WAIT_FOR_A_WORD WAIT_FOR_A_WORD WAIT_FOR_A_WORD WAIT_FOR_A_WORD);
    scene_make(&s);
    family_drain(s.family, 60000);
    stage_run_until(&s.stage, has_ended, &s);
    ck_assert_uint_eq(s.ready, 0);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child, no zombie */
    scene_close(&s);
}
END_TEST

START_TEST(draining_does_not_wait_for_who_waits_to_be_started)
{
    struct scene s;
    scene_open(&s);
    scene_make(&s);
    stage_run_until(&s.stage, accepts, &s);
    stage_script(&s.stage, "masques-exporter-nop", "exit 1\n");
    s.about = 2;
    s.spawn = 8; /* waits for seconds by then */
    kill(about(&s)->pid, SIGKILL);
    stage_run_until(&s.stage, is_waiting_again, &s);
    family_drain(s.family, 60000);
    stage_run_until(&s.stage, has_ended, &s);
    ck_assert_int_eq(about(&s)->state, MEMBER_ENDED);
    scene_close(&s);
}
END_TEST

START_TEST(the_grace_period_ends_and_a_second_word_ends_at_once)
{
    for (int second = 0; second < 2; second++) {
        struct scene s;
        scene_open(&s);
        stage_script(&s.stage, "masques-receiver-worker", SAY_READY LOOP_BEATING(SAY_BEAT)); /* deaf */
        scene_make(&s);
        stage_run_until(&s.stage, accepts, &s);
        family_drain(s.family, second ? 3600000 : 300);
        if (second)
            family_end(s.family);
        stage_run_until(&s.stage, has_ended, &s);
        ck_assert_uint_eq(s.ended, 1);
        scene_close(&s);
    }
}
END_TEST

START_TEST(a_hung_child_is_replaced_and_one_that_drains_does_not_hold_up_the_rest)
{
    struct scene s;
    scene_open_hung_after(&s, "1s");
    stage_script(&s.stage, "masques-receiver-worker", SAY_READY LOOP_BEATING(SAY_BEAT));
    scene_make(&s);
    s.about = 3;
    stage_run_until(&s.stage, accepts, &s);
    s.spawn = about(&s)->spawn;
    ck_assert_int_eq(kill(about(&s)->pid, SIGSTOP), 0);
    stage_run_until(&s.stage, is_replaced, &s);
    ck_assert_msg(strncmp(about(&s)->error, "killed: silent for", 18) == 0, "%s", about(&s)->error);
    kill(about(&s)->pid, SIGSTOP);
    family_drain(s.family, 3600000);
    stage_run_until(&s.stage, has_ended, &s);
    scene_close(&s);
}
END_TEST

/* It was available a moment ago, and a process that starts is no router that takes something. */
START_TEST(a_router_that_does_not_come_back_is_noticed)
{
    struct scene s;
    scene_open(&s);
    scene_make(&s);
    stage_run_until(&s.stage, accepts, &s);
    stage_script(&s.stage, "masques-router", "exit 1\n");
    kill(family_at(s.family, 0)->pid, SIGKILL);
    stage_run_until(&s.stage, has_lost_its_router, &s);
    ck_assert_int_eq(family_at(s.family, 3)->state, MEMBER_RUNNING); /* it is not for want of a worker */
    stage_script(&s.stage, "masques-router", router_script);
    stage_run_until(&s.stage, accepts, &s);
    scene_close(&s);
}
END_TEST

START_TEST(a_router_that_cannot_start_is_said_and_all_end)
{
    struct scene s;
    scene_open(&s);
    stage_script(&s.stage, "masques-router", "exit 9\n");
    scene_make(&s);
    stage_run_until(&s.stage, has_failed, &s);
    ck_assert_str_eq(s.why, "router cannot start: ended with exit code 9");
    stage_run_until(&s.stage, has_ended, &s);
    ck_assert_uint_eq(s.failed, 1);
    ck_assert_uint_eq(s.ready, 0);
    scene_close(&s);
}
END_TEST

START_TEST(who_gives_up_at_the_start_ends_it_at_once)
{
    struct scene s;
    scene_open(&s);
    stage_script(&s.stage, "masques-exporter-nop", SAY_FAILURE "exit 1\n");
    scene_make(&s);
    stage_run_until(&s.stage, has_ended, &s);
    ck_assert_str_eq(s.why, "nop cannot start: no ok");
    ck_assert_uint_eq(family_at(s.family, 2)->spawn, 1);
    scene_close(&s);
}
END_TEST

START_TEST(an_exporter_that_crashes_or_hangs_at_the_start_takes_nobody_with_it)
{
    static const char *const scripts[] = {"kill -SEGV $$\n", "read nothing <&4\n"};
    for (size_t i = 0; i < 2; i++) {
        struct scene s;
        scene_open(&s);
        stage_script(&s.stage, "masques-exporter-nop", scripts[i]);
        scene_make(&s);
        stage_run_until(&s.stage, is_ready, &s);
        ck_assert_uint_eq(s.failed, 0);
        ck_assert_int_ne(family_at(s.family, 2)->state, MEMBER_RUNNING);
        stage_run_until(&s.stage, accepts, &s);
        scene_close(&s);
    }
}
END_TEST

/* As the first process of a container the master becomes the parent of everybody's orphans. */
START_TEST(children_of_others_are_reaped_too)
{
    struct scene s;
    scene_open(&s);
    scene_make(&s);
    stage_run_until(&s.stage, accepts, &s);
    pid_t stranger = fork();
    if (stranger == 0)
        _exit(0);
    while (kill(stranger, 0) == 0)
        stage_run_for(&s.stage, 1);
    scene_close(&s);
}
END_TEST

START_TEST(what_cannot_be_made_leaves_our_own_descriptors_alone)
{
    struct scene s;
    char why[512] = "";
    struct rlimit limit, none_left;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none_left = (struct rlimit){1, limit.rlim_max};
    scene_open(&s);
    struct family_parts parts = {.config = s.config, .runtime = &s.runtime,
                                 .programs = s.stage.directory, .log = &s.stage.log};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none_left), 0);
    ck_assert_ptr_null(family_new(s.stage.loop, &parts, &events, &s, why));
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_msg(strstr(why, "Too many open files") != NULL, "%s", why);
    ck_assert_int_ge(fcntl(STDIN_FILENO, F_GETFD), 0);
    scene_close(&s);
}
END_TEST

START_TEST(a_missing_program_is_named)
{
    struct scene s;
    char path[256], why[512] = "";
    scene_open(&s);
    stage_path(&s.stage, "masques-exporter-nop", path);
    ck_assert_int_eq(unlink(path), 0);
    struct family_parts parts = {.config = s.config, .runtime = &s.runtime,
                                 .programs = s.stage.directory, .log = &s.stage.log};
    ck_assert_ptr_null(family_new(s.stage.loop, &parts, &events, &s, why));
    ck_assert_msg(strstr(why, "masques-exporter-nop") != NULL, "%s", why);
    scene_close(&s);
}
END_TEST

SUITE_MAIN("receiver/master/family", all_are_started_and_ready_is_said_once,
           the_router_is_told_who_has_which_name, draining_ends_workers_then_the_router_then_the_exporters,
           draining_before_anybody_is_ready_ends_all, draining_does_not_wait_for_who_waits_to_be_started,
           the_grace_period_ends_and_a_second_word_ends_at_once,
           a_hung_child_is_replaced_and_one_that_drains_does_not_hold_up_the_rest,
           a_router_that_does_not_come_back_is_noticed, a_router_that_cannot_start_is_said_and_all_end,
           who_gives_up_at_the_start_ends_it_at_once,
           an_exporter_that_crashes_or_hangs_at_the_start_takes_nobody_with_it,
           children_of_others_are_reaped_too, what_cannot_be_made_leaves_our_own_descriptors_alone,
           a_missing_program_is_named)
