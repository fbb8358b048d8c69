// SPDX-License-Identifier: Apache-2.0
/* Questions to a bound link that plays the router in a process of its own, and to nobody. */
#include "ctl/router.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/suite.h"

#define PATIENCE_MS 60000u
#define SHORT_MS 300u

enum manner {
    ANSWERS,         /* three pieces, and between them answers to something else */
    SILENT,          /* as a router of a version that knows no PEER_CONTROL */
    KNOWS_NOTHING,   /* WELCOME, and no answer to any question */
    FORGETS_ONCE,    /* RESET after the first half of an answer, then as ANSWERS */
    REFUSES,         /* an error in words */
};

struct double_router {
    enum manner manner;
    struct loop *loop;
    struct link *link;
    unsigned questions;
    uint64_t session;
};

static void send(struct double_router *d, uint32_t route, Masques__Bus__Frame *frame)
{
    frame->session = d->session;
    int err = link_send(d->link, route, frame, NULL, 0);
    if (err != GW_OK && err != GW_ERR_NOT_FOUND) /* who asked may have gone meanwhile */
        _exit(1);
}

static void say_answer(struct double_router *d, uint32_t route, uint64_t number, bool more, uint64_t count,
                       const char *error)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Answer answer = MASQUES__BUS__ANSWER__INIT;
    answer.number = number;
    answer.more = more;
    answer.count = count;
    answer.error = (char *)error;
    frame.body_case = MASQUES__BUS__FRAME__BODY_ANSWER;
    frame.answer = &answer;
    send(d, route, &frame);
}

static void hello_came(struct double_router *d, const struct link_message *m)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Welcome welcome = MASQUES__BUS__WELCOME__INIT;
    char expected[48];
    snprintf(expected, sizeof expected, "ctl/%d-", getppid());
    if (m->frame->hello->kind != MASQUES__BUS__PEER_KIND__PEER_CONTROL ||
        strncmp(m->frame->hello->name, expected, strlen(expected)) != 0)
        _exit(1);
    if (d->manner == SILENT)
        return;
    welcome.session = ++d->session;
    frame.body_case = MASQUES__BUS__FRAME__BODY_WELCOME;
    frame.welcome = &welcome;
    send(d, m->route, &frame);
}

static void question_came(struct double_router *d, const struct link_message *m)
{
    uint64_t number = m->frame->request->number;
    d->questions++;
    if (d->manner == KNOWS_NOTHING)
        return;
    if (d->manner == REFUSES) {
        say_answer(d, m->route, number, false, 4, "it is in the configuration");
        return;
    }
    say_answer(d, m->route, number, true, 1, "");
    if (d->manner == FORGETS_ONCE && d->questions == 1) {
        Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
        Masques__Bus__Reset reset = MASQUES__BUS__RESET__INIT;
        frame.body_case = MASQUES__BUS__FRAME__BODY_RESET;
        frame.reset = &reset;
        send(d, m->route, &frame);
        return;
    }
    say_answer(d, m->route, number + 1, false, 99, "of another");
    say_answer(d, m->route, number, true, 2, "");
    say_answer(d, m->route, number, false, 3, "");
}

static void at_router(void *ctx, struct link_message *message)
{
    struct double_router *d = ctx;
    if (message->frame->body_case == MASQUES__BUS__FRAME__BODY_HELLO)
        hello_came(d, message);
    else if (message->frame->body_case == MASQUES__BUS__FRAME__BODY_REQUEST)
        question_came(d, message);
    else if (message->frame->body_case == MASQUES__BUS__FRAME__BODY_HEARTBEAT) {
        Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
        Masques__Bus__Heartbeat beat = MASQUES__BUS__HEARTBEAT__INIT;
        frame.body_case = MASQUES__BUS__FRAME__BODY_HEARTBEAT;
        frame.heartbeat = &beat;
        send(d, message->route, &frame);
    }
    link_message_free(&message);
}

struct scene {
    char directory[64], path[80], endpoint[128];
    pid_t pid;
    struct buf why;
};

static void play(const struct scene *s, enum manner manner, int ready)
{
    const struct log log = {"double", LOG_LEVEL_ERROR, STDERR_FILENO};
    struct double_router d = {.manner = manner, .loop = loop_new()};
    const char *why = NULL;
    d.link = link_bind(d.loop, link_context_new(), s->endpoint, at_router, &d, &log, &why);
    if (!d.link || write(ready, "", 1) != 1)
        _exit(1);
    loop_run(d.loop);
    _exit(0);
}

static void scene_open(struct scene *s)
{
    *s = (struct scene){.directory = "/tmp/masques-ctl-XXXXXX", .why = buf_make(1000)};
    ck_assert_ptr_nonnull(mkdtemp(s->directory));
    snprintf(s->path, sizeof s->path, "%s/bus.sock", s->directory);
    snprintf(s->endpoint, sizeof s->endpoint, "ipc://%s", s->path);
}

static void scene_start(struct scene *s, enum manner manner)
{
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    s->pid = fork();
    ck_assert_int_ge(s->pid, 0);
    if (s->pid == 0)
        play(s, manner, ready[1]);
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
}

static void scene_kill(struct scene *s)
{
    int status;
    if (!s->pid)
        return;
    ck_assert_int_eq(waitpid(s->pid, &status, WNOHANG), 0); /* it has not given up before */
    kill(s->pid, SIGKILL);
    ck_assert_int_eq(waitpid(s->pid, &status, 0), s->pid);
    s->pid = 0;
}

static void scene_close(struct scene *s)
{
    scene_kill(s);
    unlink(s->path);
    rmdir(s->directory);
    buf_free(&s->why);
}

/* One question; the sentence in s->why is ended. */
static int ask(struct scene *s, const char *endpoint, uint32_t timeout_ms, bool repeatable,
               struct router_answers *answers)
{
    Masques__Bus__Request request = MASQUES__BUS__REQUEST__INIT;
    Masques__Bus__List list = MASQUES__BUS__LIST__INIT;
    request.what_case = MASQUES__BUS__REQUEST__WHAT_LIST;
    request.list = &list;
    struct router_question question = {.request = &request, .repeatable = repeatable};
    struct router *router = router_new(endpoint, timeout_ms, &s->why);
    ck_assert_ptr_nonnull(router);
    int err = router_ask(router, &question, answers, &s->why);
    router_free(&router);
    buf_byte(&s->why, '\0');
    return err;
}

START_TEST(all_answers_to_the_question_are_kept_and_no_others)
{
    struct scene s;
    struct router_answers answers;
    scene_open(&s);
    scene_start(&s, ANSWERS);
    ck_assert_int_eq(ask(&s, s.endpoint, PATIENCE_MS, false, &answers), GW_OK);
    ck_assert_uint_eq(answers.count, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_eq(router_answer(&answers, i)->count, i + 1);
    ck_assert_uint_eq(router_count(&answers), 3);
    ck_assert_str_eq(router_error(&answers), "");
    router_answers_free(&answers);
    scene_close(&s);
}
END_TEST

START_TEST(several_questions_go_over_one_session)
{
    struct scene s;
    scene_open(&s);
    scene_start(&s, ANSWERS);
    Masques__Bus__Request request = MASQUES__BUS__REQUEST__INIT;
    Masques__Bus__List list = MASQUES__BUS__LIST__INIT;
    request.what_case = MASQUES__BUS__REQUEST__WHAT_LIST;
    request.list = &list;
    struct router_question question = {.request = &request, .patient = true};
    struct router *router = router_new(s.endpoint, PATIENCE_MS, &s.why);
    for (unsigned i = 0; i < 3; i++) {
        struct router_answers answers;
        ck_assert_int_eq(router_ask(router, &question, &answers, &s.why), GW_OK);
        ck_assert_uint_eq(answers.count, 3);
        router_answers_free(&answers);
    }
    router_free(&router);
    scene_close(&s);
}
END_TEST

START_TEST(an_error_of_the_router_is_an_answer)
{
    struct scene s;
    struct router_answers answers;
    scene_open(&s);
    scene_start(&s, REFUSES);
    ck_assert_int_eq(ask(&s, s.endpoint, PATIENCE_MS, false, &answers), GW_OK);
    ck_assert_str_eq(router_error(&answers), "it is in the configuration");
    ck_assert_uint_eq(router_count(&answers), 4);
    router_answers_free(&answers);
    scene_close(&s);
}
END_TEST

START_TEST(a_router_that_forgets_us_is_asked_again_if_that_does_no_harm)
{
    struct scene s;
    struct router_answers answers;
    scene_open(&s);
    scene_start(&s, FORGETS_ONCE);
    ck_assert_int_eq(ask(&s, s.endpoint, PATIENCE_MS, true, &answers), GW_OK);
    ck_assert_uint_eq(answers.count, 3); /* not four */
    router_answers_free(&answers);
    scene_close(&s);

    scene_open(&s);
    scene_start(&s, FORGETS_ONCE);
    ck_assert_int_eq(ask(&s, s.endpoint, PATIENCE_MS, false, &answers), GW_ERR_CLOSED);
    ck_assert_msg(strstr((const char *)s.why.data, "whether it was done is not known") != NULL, "%s",
                  (const char *)s.why.data);
    router_answers_free(&answers);
    scene_close(&s);
}
END_TEST

START_TEST(who_does_not_answer_is_given_up)
{
    static const struct {
        enum manner manner;
        const char *says;
    } cases[] = {{SILENT, "older than masquesctl"}, {KNOWS_NOTHING, "has not answered in time"}};
    for (size_t i = 0; i < 2; i++) {
        struct scene s;
        struct router_answers answers;
        scene_open(&s);
        scene_start(&s, cases[i].manner);
        bool said = false;
        /* On a machine that is busy a session takes its time to come about. */
        for (uint32_t timeout_ms = SHORT_MS; !said && timeout_ms < PATIENCE_MS; timeout_ms *= 2) {
            buf_clear(&s.why);
            ck_assert_int_eq(ask(&s, s.endpoint, timeout_ms, true, &answers), GW_ERR_AGAIN);
            said = strstr((const char *)s.why.data, cases[i].says) != NULL;
            router_answers_free(&answers);
        }
        ck_assert_msg(said && strstr((const char *)s.why.data, s.endpoint), "%s", (const char *)s.why.data);
        scene_close(&s);
    }
}
END_TEST

START_TEST(where_no_router_is_we_say_so)
{
    struct scene s;
    struct router_answers answers;
    scene_open(&s);
    ck_assert_int_eq(ask(&s, s.endpoint, PATIENCE_MS, false, &answers), GW_ERR_NOT_FOUND);
    ck_assert_msg(strstr((const char *)s.why.data, "no router listens at ipc://") != NULL, "%s", (char *)s.why.data);
    buf_clear(&s.why);
    ck_assert_int_eq(ask(&s, "bus.sock", PATIENCE_MS, false, &answers), GW_ERR_INVALID);
    ck_assert_msg(strstr((const char *)s.why.data, "\"bus.sock\" is no endpoint") != NULL, "%s", (char *)s.why.data);
    /* A socket that nobody serves any more. */
    scene_start(&s, ANSWERS);
    scene_kill(&s);
    buf_clear(&s.why);
    ck_assert_int_eq(ask(&s, s.endpoint, SHORT_MS, true, &answers), GW_ERR_AGAIN);
    ck_assert_msg(strstr((const char *)s.why.data, "no router answers") != NULL, "%s", (char *)s.why.data);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(s.path, 12345, 12345), 0);
        buf_clear(&s.why);
        ck_assert_int_eq(ask(&s, s.endpoint, PATIENCE_MS, false, &answers), GW_ERR_IO);
        ck_assert_msg(strstr((const char *)s.why.data, "belongs to user 12345") != NULL, "%s", (char *)s.why.data);
    }
    scene_close(&s);
}
END_TEST

SUITE_MAIN("ctl/router", all_answers_to_the_question_are_kept_and_no_others, several_questions_go_over_one_session,
           an_error_of_the_router_is_an_answer, a_router_that_forgets_us_is_asked_again_if_that_does_no_harm,
           who_does_not_answer_is_given_up, where_no_router_is_we_say_so)
