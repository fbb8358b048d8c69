// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/router/asker.h"

#define LOGS 1u
#define TRACES 3u

static const struct peer_id worker = {.name = "worker/1", .worker = true, .incarnation = 7};
static const struct peer_id configured = {.name = "a", .local = true};
static const struct peer_id attached = {.name = "x",
                                        .local = true,
                                        .pid = 321,
                                        .signals = 1u << LOGS | 1u << TRACES,
                                        .mode = MASQUES__BUS__MODE__DURABLE,
                                        .start = MASQUES__BUS__START__NOW};

/* A router with the configured exporter "a" for logs, a worker and an asker. */
static void begin(struct house *h, struct test_peer *w, struct test_peer *c)
{
    house_make(h);
    house_hush(h);
    house_subscribe(h, "a", 1u << LOGS, false);
    house_start(h);
    peer_join(w, h, &worker);
    asker_join(c, h, "ctl/1");
}

static void end(struct house *h, struct test_peer *w, struct test_peer *c)
{
    peer_close(w);
    peer_close(c);
    house_end(h);
}

static const char *detached_names(struct house *h)
{
    house_call(h, house_do_nothing, NULL);
    return h->detached;
}

static void say_bad(struct test_peer *p, const char *error)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Heartbeat beat = MASQUES__BUS__HEARTBEAT__INIT;
    beat.health = MASQUES__BUS__HEALTH__HEALTH_DEGRADED;
    beat.error = (char *)(uintptr_t)error;
    frame.body_case = BODY(HEARTBEAT);
    frame.heartbeat = &beat;
    peer_say(p, &frame, NULL, 0);
    exporter_sync(p);
}

START_TEST(the_list_says_who_is_who_and_what_is_owed)
{
    struct house h;
    struct test_peer w, c, e;
    begin(&h, &w, &c);
    exporter_join(&e, &h, &attached);
    say_bad(&e, "the disk is full");
    worker_store(&w, 1, 1, LOGS, 5, 1000);
    const struct asked *list = ask_list(&c);
    ck_assert_str_eq(list->error, "");
    ck_assert_uint_eq(list->exporters, 2);
    const struct asked_exporter *a = ask_exporter(&c, "a");
    ck_assert_int_eq(a->owner, MASQUES__BUS__OWNER__CONFIGURED);
    ck_assert_int_eq(a->mode, MASQUES__BUS__MODE__DURABLE);
    ck_assert_str_eq(a->state, "away");
    ck_assert_str_eq(a->type, "test");
    ck_assert_uint_eq(a->pid, 0);
    ck_assert_uint_eq(a->lanes, 1);
    ck_assert_uint_eq(a->pending, 5);
    const struct asked_exporter *x = ask_exporter(&c, "x");
    ck_assert_int_eq(x->owner, MASQUES__BUS__OWNER__ATTACHED);
    ck_assert_str_eq(x->state, "degraded");
    ck_assert_str_eq(x->error, "the disk is full");
    ck_assert_uint_eq(x->pid, 321);
    ck_assert_uint_eq(x->lanes, 2);
    peer_close(&e);
    end(&h, &w, &c);
}
END_TEST

START_TEST(a_long_list_comes_in_several_answers)
{
    struct house h;
    struct test_peer w, c, e[70];
    begin(&h, &w, &c);
    for (unsigned i = 0; i < 70; i++) {
        char name[16];
        struct peer_id id = attached;
        snprintf(name, sizeof name, "x%u", i);
        id.name = name;
        peer_join(&e[i], &h, &id);
    }
    const struct asked *list = ask_list(&c);
    ck_assert_uint_eq(list->exporters, 71);
    ck_assert_uint_eq(list->answers, 3);
    for (unsigned i = 0; i < 70; i++)
        peer_close(&e[i]);
    end(&h, &w, &c);
}
END_TEST

START_TEST(what_cannot_be_detached_is_refused_in_words)
{
    struct house h;
    struct test_peer w, c;
    begin(&h, &w, &c);
    ask_detach(&c, 5, "a", false, 0);
    ck_assert_ptr_nonnull(strstr(answers(&c, 5)->error, "in the configuration"));
    ask_detach(&c, 6, "nobody", true, 0);
    ck_assert_ptr_nonnull(strstr(answers(&c, 6)->error, "no exporter \"nobody\""));
    Masques__Bus__Request unknown = MASQUES__BUS__REQUEST__INIT;
    ask(&c, &unknown, 7);
    ck_assert_ptr_nonnull(strstr(answers(&c, 7)->error, "does not know"));
    ck_assert_str_eq(detached_names(&h), "");
    end(&h, &w, &c);
}
END_TEST

START_TEST(detached_at_once_means_that_what_was_owed_is_counted_and_gone)
{
    struct house h;
    struct test_peer w, c, e;
    begin(&h, &w, &c);
    exporter_join(&e, &h, &attached);
    worker_store(&w, 1, 1, LOGS, 5, 1000);
    struct kept_id kept = exporter_take(&e);
    ask_detach(&c, 5, "x", false, 0);
    const struct asked *a = answers(&c, 5);
    ck_assert_str_eq(a->error, "");
    ck_assert_uint_eq(a->count, 5);
    peer_wait(&e, BODY(DRAIN));
    ck_assert_str_eq(detached_names(&h), " x");
    ck_assert_ptr_null(ask_exporter(&c, "x"));
    /* What it still holds may be forgotten, and nothing more comes. */
    exporter_done(&e, &kept);
    worker_store(&w, 2, 1, LOGS, 5, 1000);
    exporter_notes(&e, &kept, "a note");
    peer_wait(&e, BODY(PROGRESS_OK));
    ck_assert_uint_eq(e.seen[BODY(DELIVER)], 1);
    peer_bye(&e);
    peer_close(&e);
    end(&h, &w, &c);
}
END_TEST

START_TEST(detached_with_drain_first_delivers_what_was_owed_then)
{
    struct house h;
    struct test_peer w, c, e;
    struct peer_id slow = attached;
    slow.linger_ms = NEVER_MS; /* does not wait for more while somebody waits for it */
    begin(&h, &w, &c);
    exporter_join(&e, &h, &slow);
    worker_store(&w, 1, 1, LOGS, 5, 1000);
    ask_detach(&c, 5, "x", true, NEVER_MS); /* which it need not wait for */
    struct kept_id kept = exporter_take(&e);
    ck_assert_str_eq(ask_exporter(&c, "x")->state, "draining");
    ck_assert_str_eq(detached_names(&h), "");
    worker_store(&w, 2, 1, LOGS, 3, 1000); /* too late to be owed */
    exporter_says(&e, &kept, MASQUES__BUS__OUTCOME__DONE, 0, 0);
    const struct asked *a = answers(&c, 5);
    ck_assert_str_eq(a->error, "");
    ck_assert_uint_eq(a->count, 3);
    peer_wait(&e, BODY(DRAIN));
    ck_assert_str_eq(detached_names(&h), " x");
    peer_close(&e);
    end(&h, &w, &c);
}
END_TEST

START_TEST(a_drain_that_takes_too_long_gives_up_nothing)
{
    struct house h;
    struct test_peer w, c, e;
    begin(&h, &w, &c);
    exporter_join(&e, &h, &attached);
    worker_store(&w, 1, 1, LOGS, 5, 1000);
    struct kept_id kept = exporter_take(&e);
    ask_detach(&c, 5, "x", true, 100);
    const struct asked *a = answers(&c, 5);
    ck_assert_uint_eq(a->count, 5);
    ck_assert_ptr_nonnull(strstr(a->error, "100 ms: x stays attached"));
    ck_assert_str_eq(detached_names(&h), "");
    ck_assert_str_eq(ask_exporter(&c, "x")->state, "running");
    ck_assert_uint_eq(ask_exporter(&c, "x")->pending, 5);
    exporter_done(&e, &kept); /* what it holds still counts */
    ck_assert_uint_eq(ask_exporter(&c, "x")->pending, 0);
    ck_assert_uint_eq(e.seen[BODY(DRAIN)], 0);
    peer_close(&e);
    end(&h, &w, &c);
}
END_TEST

START_TEST(an_asker_that_goes_leaves_nothing_behind)
{
    struct house h;
    struct test_peer w, c, e, other;
    begin(&h, &w, &c);
    exporter_join(&e, &h, &attached);
    worker_store(&w, 1, 1, LOGS, 5, 1000);
    struct kept_id kept = exporter_take(&e);
    asker_join(&other, &h, "ctl/2");
    ask_detach(&other, 5, "x", true, 0);
    while (strcmp(ask_exporter(&c, "x")->state, "draining") != 0)
        ;
    peer_bye(&other);
    while (strcmp(ask_exporter(&c, "x")->state, "running") != 0)
        ;
    peer_close(&other);
    exporter_done(&e, &kept);
    ck_assert_ptr_nonnull(ask_exporter(&c, "x"));
    ck_assert_str_eq(detached_names(&h), "");
    peer_close(&e);
    end(&h, &w, &c);
}
END_TEST

START_TEST(flush_is_answered_when_all_that_are_there_have_what_was_stored)
{
    struct house h;
    struct test_peer w, c, e, f;
    begin(&h, &w, &c);
    ask_flush(&c, 8, 0); /* nobody is there */
    ck_assert_str_eq(answers(&c, 8)->error, "");
    exporter_join(&e, &h, &configured);
    exporter_join(&f, &h, &attached);
    worker_store(&w, 1, 1, LOGS, 5, 1000);
    struct kept_id first = exporter_take(&e), second = exporter_take(&f);
    ask_flush(&c, 9, 0);
    exporter_done(&e, &first);
    ck_assert_uint_eq(ask_list(&c)->exporters, 2); /* answered before the flush is */
    worker_store(&w, 2, 1, LOGS, 5, 1000);         /* not meant */
    exporter_done(&f, &second);
    const struct asked *a = answers(&c, 9);
    ck_assert_str_eq(a->error, "");
    ck_assert_uint_eq(a->count, 0);
    peer_close(&e);
    peer_close(&f);
    end(&h, &w, &c);
}
END_TEST

START_TEST(flush_says_when_its_time_is_over)
{
    struct house h;
    struct test_peer w, c, e;
    begin(&h, &w, &c);
    exporter_join(&e, &h, &configured);
    worker_store(&w, 1, 1, LOGS, 5, 1000);
    exporter_take(&e);
    ask_flush(&c, 9, 50);
    const struct asked *a = answers(&c, 9);
    ck_assert_ptr_nonnull(strstr(a->error, "50 ms"));
    ck_assert_uint_eq(a->count, 5);
    peer_close(&e);
    end(&h, &w, &c);
}
END_TEST

START_TEST(a_detached_name_is_free_and_begins_anew)
{
    struct house h;
    struct test_peer w, c, e;
    begin(&h, &w, &c);
    exporter_join(&e, &h, &attached);
    worker_store(&w, 1, 1, LOGS, 5, 1000);
    ask_detach(&c, 5, "x", false, 0);
    answers(&c, 5);
    peer_bye(&e);
    peer_close(&e);
    struct peer_id again = attached;
    again.start = MASQUES__BUS__START__OLDEST;
    again.pid = 400;
    exporter_join(&e, &h, &again);
    struct kept_id kept = exporter_take(&e);
    ck_assert_uint_eq(kept.records, 5);
    exporter_done(&e, &kept);
    peer_close(&e);
    end(&h, &w, &c);
}
END_TEST

/* ---- another configuration ---- */

static void say_names(struct house *h, const char *const *names, size_t count)
{
    h->settings.n_subscriptions = 0;
    for (size_t i = 0; i < count; i++)
        house_subscribe(h, names[i], 1u << LOGS, false);
    house_reconfigure(h);
}

START_TEST(a_name_that_the_configuration_lets_go_is_orphaned_and_taken_back_at_its_place)
{
    struct house h;
    struct test_peer w, c, e;
    static const char *const other[] = {"b"}, *const both[] = {"b", "a"};
    begin(&h, &w, &c);
    worker_store(&w, 1, 1, LOGS, 5, 1000);
    say_names(&h, other, 1);
    const struct asked_exporter *a = ask_exporter(&c, "a");
    ck_assert_int_eq(a->owner, MASQUES__BUS__OWNER__ORPHANED);
    ck_assert_int_eq(a->mode, MASQUES__BUS__MODE__LOSSY);
    ck_assert_str_eq(a->state, "orphaned");
    ck_assert_uint_eq(a->pending, 5);
    ck_assert_int_eq(ask_exporter(&c, "b")->owner, MASQUES__BUS__OWNER__CONFIGURED);
    ck_assert_int_eq(ask_exporter(&c, "b")->mode, MASQUES__BUS__MODE__DURABLE);
    say_names(&h, both, 2);
    a = ask_exporter(&c, "a");
    ck_assert_int_eq(a->owner, MASQUES__BUS__OWNER__CONFIGURED);
    ck_assert_int_eq(a->mode, MASQUES__BUS__MODE__DURABLE);
    ck_assert_uint_eq(a->pending, 5);
    exporter_join(&e, &h, &configured);
    struct kept_id kept = exporter_take(&e);
    exporter_done(&e, &kept);
    peer_close(&e);
    end(&h, &w, &c);
}
END_TEST

START_TEST(an_orphan_is_nobodys_wish_and_can_be_detached)
{
    struct house h;
    struct test_peer w, c;
    begin(&h, &w, &c);
    worker_store(&w, 1, 1, LOGS, 5, 1000);
    say_names(&h, NULL, 0);
    while (peer_wait(&w, BODY(HEARTBEAT))->heartbeat->wanted != 0) /* with the next one */
        ;
    ask_detach(&c, 5, "a", true, 0);
    ck_assert_ptr_nonnull(strstr(answers(&c, 5)->error, "orphaned"));
    ask_detach(&c, 6, "a", false, 0);
    ck_assert_uint_eq(answers(&c, 6)->count, 5);
    ck_assert_uint_eq(ask_list(&c)->exporters, 0);
    end(&h, &w, &c);
}
END_TEST

START_TEST(signals_and_retry_change_and_the_attached_stay)
{
    struct house h;
    struct test_peer w, c, e, x;
    Masques__Control__Retry off = MASQUES__CONTROL__RETRY__INIT;
    begin(&h, &w, &c);
    exporter_join(&e, &h, &configured);
    exporter_join(&x, &h, &attached);
    worker_store(&w, 1, 1, LOGS, 5, 1000);
    struct kept_id logs = exporter_take(&e);
    off.disabled = true;
    h.subs[0].signals = 1u << TRACES;
    h.subs[0].retry = &off;
    house_reconfigure(&h);
    /* What it gave up is withdrawn and lost. */
    ck_assert_uint_eq(peer_wait(&e, BODY(CANCEL))->cancel->id->first, logs.id.first);
    worker_store(&w, 2, 1, TRACES, 3, 1000);
    struct kept_id traces = exporter_take(&e);
    ck_assert_int_eq(traces.id.signal, TRACES);
    exporter_says(&e, &traces, MASQUES__BUS__OUTCOME__RETRY, 0, 0);
    peer_wait(&e, BODY(VERDICT_OK));
    const struct asked_exporter *a = ask_exporter(&c, "a");
    ck_assert_uint_eq(a->lanes, 1);
    ck_assert_uint_eq(a->lost, 3);
    ck_assert_str_eq(a->reasons, "gave up=3 ");
    ck_assert_int_eq(ask_exporter(&c, "x")->owner, MASQUES__BUS__OWNER__ATTACHED);
    peer_close(&e);
    peer_close(&x);
    end(&h, &w, &c);
}
END_TEST

START_TEST(a_lossy_one_that_is_let_go_is_dropped_while_it_is_there)
{
    struct house h;
    struct test_peer w, c, e;
    house_make(&h);
    house_hush(&h);
    house_subscribe(&h, "a", 1u << LOGS, true);
    house_start(&h);
    peer_join(&w, &h, &worker);
    asker_join(&c, &h, "ctl/1");
    exporter_join(&e, &h, &configured);
    worker_store(&w, 1, 1, LOGS, 5, 1000);
    struct kept_id kept = exporter_take(&e);
    say_names(&h, NULL, 0);
    exporter_done(&e, &kept); /* means nothing any more, and is confirmed */
    ck_assert_uint_eq(ask_list(&c)->exporters, 0);
    peer_close(&e);
    end(&h, &w, &c);
}
END_TEST

SUITE_MAIN("router/requests", the_list_says_who_is_who_and_what_is_owed,
           a_long_list_comes_in_several_answers, what_cannot_be_detached_is_refused_in_words,
           detached_at_once_means_that_what_was_owed_is_counted_and_gone,
           detached_with_drain_first_delivers_what_was_owed_then,
           a_drain_that_takes_too_long_gives_up_nothing, an_asker_that_goes_leaves_nothing_behind,
           flush_is_answered_when_all_that_are_there_have_what_was_stored,
           flush_says_when_its_time_is_over, a_detached_name_is_free_and_begins_anew,
           a_name_that_the_configuration_lets_go_is_orphaned_and_taken_back_at_its_place,
           an_orphan_is_nobodys_wish_and_can_be_detached,
           signals_and_retry_change_and_the_attached_stay,
           a_lossy_one_that_is_let_go_is_dropped_while_it_is_there)
