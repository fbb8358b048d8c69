// SPDX-License-Identifier: Apache-2.0
/* exporter_main() in a process of its own, started as by hand; the test plays its router. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exporters/common/exporter.h"
#include "tests/support/suite.h"

#define LIMIT_MS 120000u

/* ---- the exporter, in the child ---- */

/* What it does with a delivery. */
enum habit {
    AT_ONCE, /* DONE inside push */
    ON_FLUSH, /* DONE when it is asked to flush */
    NEVER,
    CLOSES, /* its destination is gone */
};

struct subject {
    struct exporter_host *host;
    struct delivery *held;
};

static enum habit habit; /* set before the fork */
static struct subject subject;

static void *subject_open(struct exporter_host *host, const void *options, const char **why)
{
    (void)options;
    (void)why;
    subject.host = host;
    return &subject;
}

static void subject_push(void *exporter, struct delivery *delivery)
{
    struct subject *s = exporter;
    if (habit == AT_ONCE)
        delivery_done(delivery);
    else
        s->held = delivery;
    if (habit == CLOSES)
        exporter_closed(s->host, "the terminal is gone");
}

static void subject_cancel(void *exporter, struct delivery *delivery)
{
    (void)delivery;
    ((struct subject *)exporter)->held = NULL;
}

static void subject_flush(void *exporter)
{
    struct subject *s = exporter;
    if (habit == ON_FLUSH && s->held)
        delivery_done(s->held);
    s->held = NULL;
}

static void subject_close(void *exporter)
{
    (void)exporter;
}

static const struct exporter_ops ops = {
    .type = "test",
    .summary = "tests",
    .mode = MASQUES__BUS__MODE__DURABLE,
    .open = subject_open,
    .push = subject_push,
    .cancel = subject_cancel,
    .flush = subject_flush,
    .close = subject_close,
};

/* ---- the router, in the test ---- */

struct world;

/* What the router does when the exporter has taken a delivery. */
typedef void (*then_fn)(struct world *w);

struct world {
    struct loop *loop;
    struct link *router;
    pid_t child;
    uint32_t route;
    uint64_t sessions;
    bool refuse; /* NAME_IN_USE */
    then_fn then;
    unsigned verdicts;
    unsigned byes;
    bool gone;
    int status;
};

static void say(struct world *w, Masques__Bus__Frame *frame)
{
    struct link_payload payload = {.bytes = slice_of("batch")};
    frame->session = w->sessions;
    ck_assert_int_eq(link_send(w->router, w->route, frame, &payload,
                               frame->body_case == MASQUES__BUS__FRAME__BODY_DELIVER), 0);
}

static void answer_hello(struct world *w)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Welcome welcome = MASQUES__BUS__WELCOME__INIT;
    Masques__Bus__NameInUse taken = MASQUES__BUS__NAME_IN_USE__INIT;
    if (w->refuse) {
        frame.body_case = MASQUES__BUS__FRAME__BODY_NAME_IN_USE;
        frame.name_in_use = &taken;
    } else {
        welcome.session = ++w->sessions;
        frame.body_case = MASQUES__BUS__FRAME__BODY_WELCOME;
        frame.welcome = &welcome;
    }
    say(w, &frame);
}

static void deliver(struct world *w)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Deliver said = MASQUES__BUS__DELIVER__INIT;
    Masques__Bus__DeliveryId id = MASQUES__BUS__DELIVERY_ID__INIT;
    id.exporter = (char *)"test";
    id.signal = MASQUES__BUS__SIGNAL__LOGS;
    said.id = &id;
    said.attempt = 1;
    frame.body_case = MASQUES__BUS__FRAME__BODY_DELIVER;
    frame.deliver = &said;
    say(w, &frame);
}

static void confirm(struct world *w, Masques__Bus__DeliveryId *id)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__VerdictOk ok = MASQUES__BUS__VERDICT_OK__INIT;
    ok.id = id;
    frame.body_case = MASQUES__BUS__FRAME__BODY_VERDICT_OK;
    frame.verdict_ok = &ok;
    say(w, &frame);
}

static void router_hears(void *ctx, struct link_message *message)
{
    struct world *w = ctx;
    w->route = message->route;
    switch (message->frame->body_case) {
    case MASQUES__BUS__FRAME__BODY_HELLO:
        answer_hello(w);
        break;
    case MASQUES__BUS__FRAME__BODY_CREDIT:
        deliver(w);
        if (w->then)
            w->then(w);
        break;
    case MASQUES__BUS__FRAME__BODY_DELIVERY_VERDICT:
        w->verdicts++;
        confirm(w, message->frame->delivery_verdict->id);
        break;
    case MASQUES__BUS__FRAME__BODY_BYE:
        w->byes++;
        break;
    default:
        break;
    }
    link_message_free(&message);
    if (w->gone && w->byes)
        loop_stop(w->loop);
}

static void on_child(void *ctx, int signum)
{
    struct world *w = ctx;
    (void)signum;
    if (waitpid(w->child, &w->status, WNOHANG) != w->child)
        return;
    w->gone = true;
    if (w->byes || w->sessions == 0)
        loop_stop(w->loop);
}

static void too_long(void *ctx)
{
    (void)ctx;
    ck_abort_msg("the exporter did not end");
}

/* Runs an exporter until it has ended; its exit code is returned. */
static int run(struct world *w, enum habit with, bool refuse, then_fn then)
{
    char dir[64], endpoint[96], path[96];
    snprintf(dir, sizeof dir, "/tmp/masques-run-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(endpoint, sizeof endpoint, "ipc://%s/bus", dir);
    habit = with;
    memset(w, 0, sizeof *w);
    w->refuse = refuse;
    w->then = then;
    fflush(NULL);
    w->child = fork();
    ck_assert_int_ge(w->child, 0);
    if (w->child == 0) {
        char *argv[] = {(char *)"test", (char *)"--router", endpoint, (char *)"--log-level",
                        (char *)"error", NULL};
        exit(exporter_main(5, argv, &ops));
    }
    /* It cannot have ended yet: nobody answered it. */
    w->loop = loop_new();
    ck_assert_int_eq(loop_on_signal(w->loop, SIGCHLD, on_child, w), 0);
    struct link_context *context = link_context_new();
    struct log log = {.who = "test", .level = LOG_LEVEL_ERROR, .fd = STDERR_FILENO};
    const char *why = NULL;
    w->router = link_bind(w->loop, context, endpoint, router_hears, w, &log, &why);
    ck_assert_msg(w->router != NULL, "%s", why);
    struct loop_timer *limit = loop_timer_new(w->loop, too_long, w);
    loop_timer_set(limit, LIMIT_MS);
    loop_run(w->loop);
    link_close(&w->router);
    loop_timer_free(&limit);
    loop_free(&w->loop);
    link_context_free(&context);
    snprintf(path, sizeof path, "%s/bus", dir);
    unlink(path);
    rmdir(dir);
    ck_assert(WIFEXITED(w->status));
    return WEXITSTATUS(w->status);
}

static void say_drain_within(struct world *w, uint32_t within_ms)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Drain drain = MASQUES__BUS__DRAIN__INIT;
    drain.within_ms = within_ms;
    frame.body_case = MASQUES__BUS__FRAME__BODY_DRAIN;
    frame.drain = &drain;
    say(w, &frame);
}

/* Longer than the test runs: it ends because its verdict was confirmed. */
static void say_drain(struct world *w)
{
    say_drain_within(w, 2 * LIMIT_MS);
}

static void say_short_drain(struct world *w)
{
    say_drain_within(w, 300);
}

static void say_fenced(struct world *w)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Fenced fenced = MASQUES__BUS__FENCED__INIT;
    frame.body_case = MASQUES__BUS__FRAME__BODY_FENCED;
    frame.fenced = &fenced;
    w->byes++; /* a fenced exporter has no session to say it in */
    say(w, &frame);
}

static void terminate(struct world *w)
{
    kill(w->child, SIGTERM);
}

START_TEST(a_drain_flushes_says_the_verdicts_and_bye_and_exits_0)
{
    struct world w;
    ck_assert_int_eq(run(&w, ON_FLUSH, false, say_drain), EXIT_SUCCESS);
    ck_assert_uint_eq(w.verdicts, 1);
    ck_assert_uint_eq(w.byes, 1);
}
END_TEST

START_TEST(a_drain_does_not_wait_longer_than_it_may)
{
    struct world w;
    ck_assert_int_eq(run(&w, NEVER, false, say_short_drain), EXIT_SUCCESS);
    ck_assert_uint_eq(w.verdicts, 0);
    ck_assert_uint_eq(w.byes, 1);
}
END_TEST

START_TEST(sigterm_drains)
{
    struct world w;
    ck_assert_int_eq(run(&w, AT_ONCE, false, terminate), EXIT_SUCCESS);
    ck_assert_uint_eq(w.byes, 1);
}
END_TEST

START_TEST(a_fenced_exporter_exits_1)
{
    struct world w;
    ck_assert_int_eq(run(&w, NEVER, false, say_fenced), EXIT_FAILURE);
}
END_TEST

START_TEST(a_closed_destination_exits_0_without_a_verdict)
{
    struct world w;
    ck_assert_int_eq(run(&w, CLOSES, false, NULL), EXIT_SUCCESS);
    ck_assert_uint_eq(w.verdicts, 0);
    ck_assert_uint_eq(w.byes, 1);
}
END_TEST

START_TEST(a_name_that_stays_in_use_exits_1)
{
    struct world w;
    ck_assert_int_eq(run(&w, NEVER, true, NULL), EXIT_FAILURE);
}
END_TEST

SUITE_MAIN("exporters/common/run", a_drain_flushes_says_the_verdicts_and_bye_and_exits_0,
           a_drain_does_not_wait_longer_than_it_may, sigterm_drains, a_fenced_exporter_exits_1,
           a_closed_destination_exits_0_without_a_verdict, a_name_that_stays_in_use_exits_1)
