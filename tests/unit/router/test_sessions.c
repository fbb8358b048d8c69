// SPDX-License-Identifier: Apache-2.0
/* Names, numbers and life of sessions, as peers meet them. */
#include "tests/unit/router/house.h"

static const struct peer_id worker = {.name = "worker/1", .worker = true, .incarnation = 1};

static void say_heartbeat(struct test_peer *p)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Heartbeat beat = MASQUES__BUS__HEARTBEAT__INIT;
    frame.body_case = BODY(HEARTBEAT);
    frame.heartbeat = &beat;
    peer_say(p, &frame, NULL, 0);
}

static struct peer_id as(struct peer_id id, uint32_t pid, uint64_t attempt)
{
    id.pid = pid;
    id.attempt = attempt;
    return id;
}

START_TEST(welcome_says_what_a_worker_must_know)
{
    struct house h;
    struct test_peer p;
    house_make(&h);
    house_subscribe(&h, "a", 1u << 1 | 1u << 3, false);
    house_start(&h);
    peer_join(&p, &h, &worker);
    const Masques__Bus__Welcome *welcome = p.frame->welcome;
    ck_assert_uint_eq(welcome->run, 7);
    ck_assert_uint_eq(welcome->store.len, STORE_UUID_BYTES);
    ck_assert_uint_eq(welcome->wanted, 1u << 1 | 1u << 3);
    ck_assert_uint_eq(welcome->generation, 1);
    ck_assert_uint_eq(welcome->max_batch, 8u << 20);
    ck_assert_uint_gt(welcome->credit, 0);
    ck_assert_uint_le(welcome->credit, h.settings.memory_bytes / 2);
    peer_close(&p);
    house_end(&h);
}
END_TEST

START_TEST(session_numbers_rise_also_over_a_restart_of_the_router)
{
    struct house h;
    struct test_peer p;
    house_make(&h);
    house_start(&h);
    uint64_t last = 0;
    for (uint64_t i = 1; i <= 4; i++) {
        struct peer_id id = as(worker, 100, i);
        peer_join(&p, &h, &id);
        ck_assert_uint_gt(p.session, last);
        last = p.session;
        peer_close(&p);
        if (i == 2)
            house_restart(&h);
    }
    house_end(&h);
}
END_TEST

/* HELLO until the name is free: BYE travels on another socket. */
static void join_when_free(struct test_peer *p, const struct peer_id *id)
{
    do {
        peer_hello(p, id);
        do
            ck_assert_msg(peer_hear(p, LIMIT_MS), "no answer to HELLO");
        while (p->frame->body_case != BODY(NAME_IN_USE) && p->frame->body_case != BODY(WELCOME));
    } while (p->frame->body_case != BODY(WELCOME));
}

START_TEST(living_name_is_refused_to_another_process)
{
    struct house h;
    struct test_peer first, second;
    struct peer_id other = as(worker, 200, 1);
    house_make(&h);
    house_start(&h);
    peer_join(&first, &h, &worker);
    peer_open(&second, &h);
    peer_hello(&second, &other);
    const Masques__Bus__NameInUse *answer = peer_wait(&second, BODY(NAME_IN_USE))->name_in_use;
    ck_assert_str_eq(answer->name, "worker/1");
    ck_assert_uint_eq(answer->pid, 100);
    peer_wait(&first, BODY(HEARTBEAT)); /* unharmed */
    peer_bye(&first);
    join_when_free(&second, &other);
    peer_close(&first);
    peer_close(&second);
    house_end(&h);
}
END_TEST

START_TEST(displaced_session_is_fenced_at_once_and_for_ever)
{
    struct house h;
    struct test_peer first, second;
    struct peer_id other = as(worker, 200, 1);
    other.replace = true;
    house_make(&h);
    house_start(&h);
    peer_join(&first, &h, &worker);
    peer_join(&second, &h, &other);
    ck_assert_uint_eq(peer_wait(&first, BODY(FENCED))->fenced->by_session, second.session);
    say_heartbeat(&first);
    ck_assert_uint_eq(peer_wait(&first, BODY(FENCED))->fenced->by_session, second.session);
    peer_wait(&second, BODY(HEARTBEAT));
    peer_close(&first);
    peer_close(&second);
    house_end(&h);
}
END_TEST

START_TEST(newest_spawn_of_the_master_takes_its_name)
{
    struct house h;
    struct test_peer old, impostor, newest;
    struct peer_id other = as(worker, 300, 1), spawned = as(worker, 200, 1);
    other.replace = true;
    house_make(&h);
    house_start(&h);
    peer_join(&old, &h, &worker);
    house_expect(&h, "worker/1", 200, 2);
    house_expect(&h, "worker/1", 100, 1); /* older news */
    peer_open(&impostor, &h);
    peer_hello(&impostor, &other);
    peer_wait(&impostor, BODY(NAME_IN_USE));
    peer_join(&newest, &h, &spawned);
    peer_wait(&old, BODY(FENCED));
    peer_bye(&newest);
    peer_hello(&impostor, &other); /* nobody has it, and still it is another's */
    ck_assert_uint_eq(peer_wait(&impostor, BODY(NAME_IN_USE))->name_in_use->pid, 200);
    peer_close(&old);
    peer_close(&impostor);
    peer_close(&newest);
    house_end(&h);
}
END_TEST

START_TEST(process_that_says_hello_again_gets_a_new_session)
{
    struct house h;
    struct test_peer first, again;
    struct peer_id third = as(worker, 100, 3), second = as(worker, 100, 2);
    house_make(&h);
    house_start(&h);
    peer_join(&first, &h, &worker);
    peer_join(&again, &h, &third);
    ck_assert_uint_gt(again.session, first.session);
    /* A HELLO that comes late: no answer, and the session goes on. */
    peer_hello(&first, &second);
    first.session = 1;
    say_heartbeat(&first);
    peer_wait(&first, BODY(RESET));
    ck_assert_uint_eq(first.seen[BODY(WELCOME)], 1);
    ck_assert_uint_eq(first.seen[BODY(NAME_IN_USE)], 0);
    ck_assert_uint_eq(first.seen[BODY(FENCED)], 0);
    peer_wait(&again, BODY(HEARTBEAT));
    peer_close(&first);
    peer_close(&again);
    house_end(&h);
}
END_TEST

START_TEST(unknown_session_is_told_to_begin_anew)
{
    struct house h;
    struct test_peer p, other;
    house_make(&h);
    house_start(&h);
    peer_open(&p, &h);
    p.session = 12345;
    say_heartbeat(&p);
    peer_wait(&p, BODY(RESET));
    /* A number that is another's is no better. */
    peer_join(&other, &h, &worker);
    p.session = other.session;
    say_heartbeat(&p);
    peer_wait(&p, BODY(RESET));
    peer_close(&p);
    peer_close(&other);
    house_end(&h);
}
END_TEST

START_TEST(session_of_a_restarted_router_is_unknown)
{
    struct house h;
    struct test_peer p, again;
    house_make(&h);
    house_start(&h);
    peer_join(&p, &h, &worker);
    uint64_t session = p.session;
    peer_close(&p);
    house_restart(&h);
    peer_open(&again, &h);
    again.session = session;
    say_heartbeat(&again);
    peer_wait(&again, BODY(RESET));
    peer_close(&again);
    house_end(&h);
}
END_TEST

START_TEST(silent_peer_loses_its_session_and_a_talking_one_keeps_it)
{
    struct house h;
    struct test_peer silent, talking;
    struct peer_id exporter = {.name = "a", .local = true};
    house_make(&h);
    house_subscribe(&h, "a", 1u << 1, false);
    /* As in life: ticks that come often come late on a busy machine, and then silence proves nothing. */
    h.beat_ms = 0;
    h.silence_ms = 0;
    house_start(&h);
    peer_join(&silent, &h, &exporter);
    peer_join(&talking, &h, &worker);
    ck_assert_str_eq(house_queue(&h, "a", 1).state, "running");
    while (strcmp(house_queue(&h, "a", 1).state, "away") != 0) {
        peer_wait(&talking, BODY(HEARTBEAT));
        say_heartbeat(&talking);
    }
    say_heartbeat(&silent);
    peer_wait(&silent, BODY(RESET));
    ck_assert_uint_ge(silent.seen[BODY(HEARTBEAT)], 1); /* until it was given up */
    worker_store(&talking, 1, 1, 1, 1, 100);
    ck_assert_uint_eq(talking.seen[BODY(RESET)], 0);
    peer_close(&silent);
    peer_close(&talking);
    house_end(&h);
}
END_TEST

START_TEST(over_ipc_the_kernels_pid_counts_and_not_hellos)
{
    struct house h;
    struct test_peer p;
    struct peer_id liar = as(worker, 4000000, 1);
    house_make(&h);
    snprintf(h.endpoint, sizeof h.endpoint, "ipc://%s/bus", h.dir);
    house_start(&h);
    house_expect(&h, "worker/1", 4000000, 1);
    peer_open(&p, &h);
    peer_hello(&p, &liar);
    peer_wait(&p, BODY(NAME_IN_USE));
    house_expect(&h, "worker/1", (uint32_t)getpid(), 2);
    peer_hello(&p, &liar);
    peer_wait(&p, BODY(WELCOME));
    peer_close(&p);
    house_end(&h);
}
END_TEST

START_TEST(hello_that_makes_no_sense_is_not_answered)
{
    static const struct {
        const char *why;
        struct peer_id id;
    } cases[] = {
        {"no name", {.name = "", .worker = true}},
        {"an exporter without signals", {.name = "e", .mode = MASQUES__BUS__MODE__DURABLE}},
        {"an exporter without a mode", {.name = "e", .signals = 2}},
    };
    struct house h;
    house_make(&h);
    house_hush(&h);
    house_start(&h);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct test_peer p;
        peer_open(&p, &h);
        peer_hello(&p, &cases[i].id);
        p.session = 1;
        say_heartbeat(&p); /* whose answer comes behind */
        ck_assert_msg(peer_hear(&p, LIMIT_MS) && p.frame->body_case == BODY(RESET), "%s",
                      cases[i].why);
        peer_close(&p);
    }
    house_end(&h);
}
END_TEST

START_TEST(heartbeat_tells_workers_what_is_wanted)
{
    struct house h;
    struct test_peer p, live;
    struct peer_id id = {.name = "tail", .signals = 1u << 2, .mode = MASQUES__BUS__MODE__LIVE};
    house_make(&h);
    house_start(&h);
    peer_join(&p, &h, &worker);
    ck_assert_uint_eq(p.wanted, 0);
    exporter_join(&live, &h, &id);
    while (peer_wait(&p, BODY(HEARTBEAT))->heartbeat->wanted != 1u << 2)
        ;
    peer_bye(&live);
    while (peer_wait(&p, BODY(HEARTBEAT))->heartbeat->wanted != 0)
        ;
    peer_close(&p);
    peer_close(&live);
    house_end(&h);
}
END_TEST

SUITE_MAIN("router/sessions", welcome_says_what_a_worker_must_know,
           session_numbers_rise_also_over_a_restart_of_the_router,
           living_name_is_refused_to_another_process,
           displaced_session_is_fenced_at_once_and_for_ever,
           newest_spawn_of_the_master_takes_its_name,
           process_that_says_hello_again_gets_a_new_session, unknown_session_is_told_to_begin_anew,
           session_of_a_restarted_router_is_unknown,
           silent_peer_loses_its_session_and_a_talking_one_keeps_it,
           over_ipc_the_kernels_pid_counts_and_not_hellos,
           hello_that_makes_no_sense_is_not_answered, heartbeat_tells_workers_what_is_wanted)
