// SPDX-License-Identifier: Apache-2.0
/* Who owns a registration, without a bus. */
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "router/subscribers.h"
#include "tests/support/suite.h"

#define LOGS 1u
#define TRACES 3u
#define START_MS 5000u

struct place {
    char dir[64];
    char store_dir[96];
    struct log log;
    struct store *store;
    struct subscribers *subscribers;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void open_store(struct place *p)
{
    struct store_options options = {
        .directory = p->store_dir, .max_bytes = 16u << 20, .log = &p->log};
    struct store_report report;
    ck_assert_int_eq(store_open(&options, &p->store, &report), GW_OK);
}

static void make(struct place *p)
{
    *p = (struct place){.dir = "/tmp/masques-test-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(p->dir));
    snprintf(p->store_dir, sizeof p->store_dir, "%s/store", p->dir);
    p->log = (struct log){"test", LOG_LEVEL_ERROR, STDERR_FILENO};
    open_store(p);
}

static void unmake(struct place *p)
{
    subscribers_free(&p->subscribers);
    store_close(&p->store);
    nftw(p->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void begin(struct place *p, Masques__Control__Subscription *configured)
{
    int err;
    p->subscribers =
        subscribers_new(p->store, &configured, configured != NULL, START_MS, &p->log, &err);
    ck_assert_ptr_nonnull(p->subscribers);
}

static void known(struct place *p, const char *name, const char *type, enum store_mode mode,
                  unsigned signal)
{
    struct store_consumer *consumer;
    ck_assert_int_eq(
        store_consumer_register(p->store, name, type, 1u << signal, mode, STORE_NOW, &consumer),
        GW_OK);
}

START_TEST(live_one_of_the_last_run_has_a_while_to_come_back)
{
    struct place p;
    make(&p);
    known(&p, "tail", "attached:test", STORE_LIVE, LOGS);
    begin(&p, NULL);
    subscribers_tick(p.subscribers, START_MS + SUBSCRIBERS_LIVE_GRACE_MS - 1);
    ck_assert_ptr_nonnull(store_consumer_find(p.store, "tail"));
    ck_assert_uint_eq(subscribers_wanted(p.subscribers), 1u << LOGS);
    subscribers_tick(p.subscribers, START_MS + SUBSCRIBERS_LIVE_GRACE_MS);
    ck_assert_ptr_null(store_consumer_find(p.store, "tail"));
    ck_assert_uint_eq(subscribers_wanted(p.subscribers), 0);
    unmake(&p);
}
END_TEST

START_TEST(registrations_that_the_configuration_does_not_name_are_sorted_by_owner)
{
    static const struct {
        const char *why;
        const char *type;
        enum store_mode mode;
        bool kept;
        const char *type_then;
        enum store_mode mode_then;
        uint32_t wanted;
    } cases[] = {
        {"durable, was configured", "file", STORE_DURABLE, true, "orphaned:file", STORE_LOSSY, 0},
        {"lossy, was configured", "console", STORE_LOSSY, false, NULL, STORE_LOSSY, 0},
        {"durable, attached", "attached:file", STORE_DURABLE, true, "attached:file", STORE_DURABLE,
         2},
        {"lossy, attached", "attached:file", STORE_LOSSY, true, "attached:file", STORE_LOSSY, 2},
        {"an orphan stays one", "orphaned:file", STORE_LOSSY, true, "orphaned:file", STORE_LOSSY,
         0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct place p;
        make(&p);
        known(&p, "x", cases[i].type, cases[i].mode, LOGS);
        known(&p, "y", "attached:test", STORE_LOSSY,
              TRACES); /* the one behind is not passed over */
        begin(&p, NULL);
        const struct store_consumer *x = store_consumer_find(p.store, "x");
        ck_assert_msg((x != NULL) == cases[i].kept, "%s", cases[i].why);
        if (x) {
            ck_assert_msg(store_consumer_mode(x) == cases[i].mode_then, "%s", cases[i].why);
            ck_assert_str_eq(store_consumer_type(x), cases[i].type_then);
        }
        ck_assert_uint_eq(subscribers_count(p.subscribers), cases[i].kept ? 2 : 1);
        ck_assert_msg(subscribers_wanted(p.subscribers) == (cases[i].wanted | 1u << TRACES), "%s",
                      cases[i].why);
        unmake(&p);
    }
}
END_TEST

START_TEST(orphan_belongs_to_the_configuration_again_when_that_names_it)
{
    struct place p;
    make(&p);
    known(&p, "x", "orphaned:file", STORE_LOSSY, LOGS);
    Masques__Control__Subscription configured = MASQUES__CONTROL__SUBSCRIPTION__INIT;
    configured.name = (char *)(uintptr_t) "x";
    configured.type = (char *)(uintptr_t) "file";
    configured.signals = 1u << LOGS;
    begin(&p, &configured);
    const struct store_consumer *x = store_consumer_find(p.store, "x");
    ck_assert_str_eq(store_consumer_type(x), "file");
    ck_assert_int_eq(store_consumer_mode(x), STORE_DURABLE);
    ck_assert_uint_eq(subscribers_count(p.subscribers), 1);
    ck_assert_uint_eq(subscribers_wanted(p.subscribers), 1u << LOGS);
    unmake(&p);
}
END_TEST

SUITE_MAIN("router/subscribers", live_one_of_the_last_run_has_a_while_to_come_back,
           registrations_that_the_configuration_does_not_name_are_sorted_by_owner,
           orphan_belongs_to_the_configuration_again_when_that_names_it)
