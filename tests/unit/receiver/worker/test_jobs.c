// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/jobs.h"

#include <dirent.h>
#include <pthread.h>

#include "tests/support/suite.h"

#define JOBS 200

struct room {
    struct loop *loop;
    struct jobs *jobs;
    struct loop_timer *limit;
    pthread_t main;
    unsigned ran, done, not_run; /* ran: written by one thread at a time, read after its end */
    unsigned order_broken;
    unsigned until; /* done: stop the loop */
    int64_t last;
};

struct counted {
    struct job job;
    struct room *room;
    int64_t number;
    bool ran_elsewhere;
};

static void run(struct job *job)
{
    struct counted *c = (struct counted *)job;
    c->ran_elsewhere = !pthread_equal(pthread_self(), c->room->main);
    c->room->ran++;
}

static void done(struct job *job, bool ran)
{
    struct counted *c = (struct counted *)job;
    struct room *room = c->room;
    ck_assert(pthread_equal(pthread_self(), room->main));
    ck_assert(!ran || c->ran_elsewhere);
    room->order_broken += c->number <= room->last;
    room->last = c->number;
    room->done++;
    room->not_run += !ran;
    if (room->done == room->until)
        loop_stop(room->loop);
    free(c);
}

static void too_late(void *ctx)
{
    (void)ctx;
    ck_abort_msg("the jobs are not done");
}

static void room_open(struct room *room)
{
    *room = (struct room){.main = pthread_self(), .last = -1};
    room->loop = loop_new();
    room->jobs = jobs_new(room->loop);
    room->limit = loop_timer_new(room->loop, too_late, NULL);
    loop_timer_set(room->limit, 60000);
}

static void room_close(struct room *room)
{
    jobs_free(&room->jobs);
    loop_timer_free(&room->limit);
    loop_free(&room->loop);
}

static void put(struct room *room, int64_t number)
{
    struct counted *c = malloc(sizeof *c);
    *c = (struct counted){{.run = run, .done = done}, room, number, false};
    ck_assert(jobs_put(room->jobs, &c->job));
}

static unsigned threads(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/task");
    for (const struct dirent *e; (e = readdir(dir));)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

START_TEST(jobs_run_in_order_on_one_other_thread_and_end_on_the_loop)
{
    struct room room;
    room_open(&room);
    room.until = JOBS;
    for (int i = 0; i < JOBS; i++)
        put(&room, i);
    ck_assert_uint_eq(jobs_open(room.jobs), JOBS);
    loop_run(room.loop);
    ck_assert_uint_eq(room.done, JOBS);
    ck_assert_uint_eq(room.ran, JOBS);
    ck_assert_uint_eq(room.order_broken, 0);
    ck_assert_uint_eq(jobs_open(room.jobs), 0);
    put(&room, JOBS); /* and it goes on */
    room.until = JOBS + 1;
    loop_run(room.loop);
    room_close(&room);
}
END_TEST

START_TEST(without_work_there_is_no_thread)
{
    struct room room;
    unsigned before = threads(); /* a sanitizer may have one of its own */
    room_open(&room);
    ck_assert_uint_eq(threads(), before);
    jobs_give_back(room.jobs, blob_new(100), &(struct ledger){0}, 0);
    ck_assert_uint_eq(threads(), before); /* small ones are freed on the spot */
    room.until = 1;
    put(&room, 0);
    loop_run(room.loop);
    ck_assert_uint_eq(threads(), before + 1);
    room_close(&room);
}
END_TEST

START_TEST(at_the_end_every_job_is_done_run_or_not)
{
    struct room room;
    room_open(&room);
    for (int i = 0; i < JOBS; i++)
        put(&room, i);
    jobs_free(&room.jobs);
    ck_assert_uint_eq(room.done, JOBS);
    ck_assert_uint_eq(room.ran + room.not_run, JOBS);
    ck_assert_uint_eq(room.order_broken, 0);
    room_close(&room);
}
END_TEST

static bool is_empty(struct room *room)
{
    return jobs_open(room->jobs) == 0;
}

START_TEST(a_large_blob_is_given_back_with_its_charge)
{
    struct room room;
    struct ledger ledger;
    room_open(&room);
    ledger_init(&ledger, 64u << 20);
    ck_assert(ledger_reserve(&ledger, 10u << 20));
    struct blob *kept = blob_new(8u << 20);
    jobs_give_back(room.jobs, blob_hold(kept), &ledger, 8u << 20);
    jobs_give_back(room.jobs, blob_new(10), &ledger, 1u << 20);
    jobs_give_back(room.jobs, NULL, &ledger, 1u << 20);
    room.until = 1;
    put(&room, 0); /* comes behind */
    loop_run(room.loop);
    ck_assert(is_empty(&room));
    ck_assert_uint_eq(ledger.used_bytes, 0);
    memset(kept->data, 1, kept->cap); /* another holder keeps it */
    blob_drop(kept);
    room_close(&room);

    struct jobs *none = NULL; /* without a thread it is done at once */
    ck_assert(ledger_reserve(&ledger, 5));
    jobs_give_back(none, blob_new(8u << 20), &ledger, 5);
    ck_assert_uint_eq(ledger.used_bytes, 0);
}
END_TEST

static void *reserve_and_release(void *arg)
{
    struct ledger *ledger = arg;
    for (int i = 0; i < 100000; i++)
        if (ledger_reserve(ledger, 7))
            ledger_release(ledger, 7);
    return NULL;
}

START_TEST(the_ledger_keeps_count_from_two_threads)
{
    struct ledger ledger;
    pthread_t thread;
    ledger_init(&ledger, 10); /* room for one at a time */
    ck_assert_int_eq(pthread_create(&thread, NULL, reserve_and_release, &ledger), 0);
    reserve_and_release(&ledger);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(ledger.used_bytes, 0);
    ck_assert_uint_eq(ledger.peak_bytes, 7);
}
END_TEST

SUITE_MAIN("receiver/worker/jobs", jobs_run_in_order_on_one_other_thread_and_end_on_the_loop,
           without_work_there_is_no_thread, at_the_end_every_job_is_done_run_or_not,
           a_large_blob_is_given_back_with_its_charge, the_ledger_keeps_count_from_two_threads)
