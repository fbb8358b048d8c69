// SPDX-License-Identifier: Apache-2.0
/* Death between any two writes. A child (store_life.h) dies at its k-th step, for every k; or in the
 * middle of that write; or that step fails and it goes on. */
#include "store_life.h"
#include "tests/support/suite.h"

enum how {
    DIE_BEFORE,
    DIE_TORN_ONE,
    DIE_TORN_HALF,
    DIE_TORN_ALMOST,
    FAIL_IO,
    FAIL_FULL,
    DEAD_DISK
};

struct killer {
    struct facts *facts;
    uint64_t at;
    enum how how;
};

static size_t before(void *ctx, enum io_step step, size_t bytes, int *error)
{
    struct killer *k = ctx;
    uint64_t now = k->facts->steps++;
    if (k->how == DEAD_DISK ? now < k->at || step != IO_WRITE : now != k->at)
        return SIZE_MAX;
    *error = k->how == FAIL_FULL ? 28 /* ENOSPC */ : 5 /* EIO */;
    switch (k->how) {
    case DIE_TORN_ONE:
        return bytes ? 1 : 0;
    case DIE_TORN_HALF:
    case FAIL_IO:
        return bytes / 2;
    case DIE_TORN_ALMOST:
        return bytes ? bytes - 1 : 0;
    default:
        return 0;
    }
}

static void after(void *ctx)
{
    struct killer *k = ctx;
    if (k->how < FAIL_IO)
        _exit(DIED);
}

static bool one_life(struct facts *f, enum how how, uint64_t at, enum store_sync sync)
{
    char path[64];
    make_dir(path, sizeof path);
    memset(f, 0, sizeof *f);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct killer killer = {f, at, how};
        struct io_hook hook = {.before = before, .after = after, .ctx = &killer};
        live(path, f, &hook, sync);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "step %llu, %d: signal %d", (unsigned long long)at, (int)how,
                  WTERMSIG(status));
    ck_assert_msg(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == DIED, "step %llu, %d: exit %d",
                  (unsigned long long)at, (int)how, WEXITSTATUS(status));
    bool reached = f->steps > at;
    judge(path, f, false);
    remove_dir(path);
    return reached;
}

static void every_step(enum how how, enum store_sync sync)
{
    struct facts *f = share_facts();
    uint64_t at = 0;
    while (one_life(f, how, at, sync))
        at += SUITE_STRIDE;
    ck_assert(f->finished);
    ck_assert_uint_gt(at, 300);
    munmap(f, sizeof *f);
}

START_TEST(death_before_any_step_keeps_every_promise)
{
    every_step(DIE_BEFORE, STORE_SYNC_NONE);
}
END_TEST

START_TEST(a_write_torn_after_one_byte_keeps_every_promise)
{
    every_step(DIE_TORN_ONE, STORE_SYNC_NONE);
}
END_TEST

START_TEST(a_write_torn_in_the_middle_keeps_every_promise)
{
    every_step(DIE_TORN_HALF, STORE_SYNC_NONE);
}
END_TEST

START_TEST(a_write_torn_before_its_last_byte_keeps_every_promise)
{
    every_step(DIE_TORN_ALMOST, STORE_SYNC_NONE);
}
END_TEST

START_TEST(a_step_that_fails_keeps_every_promise)
{
    every_step(FAIL_IO, STORE_SYNC_NONE);
}
END_TEST

START_TEST(writes_that_fail_from_some_step_on_keep_every_promise)
{
    every_step(DEAD_DISK, STORE_SYNC_NONE);
}
END_TEST

START_TEST(no_space_at_any_step_keeps_every_promise)
{
    every_step(FAIL_FULL, STORE_SYNC_NONE);
}
END_TEST

START_TEST(a_failed_sync_or_write_keeps_every_promise_with_syncs)
{
    every_step(FAIL_IO, STORE_SYNC_ALWAYS);
}
END_TEST

START_TEST(death_before_any_step_keeps_every_promise_with_syncs)
{
    every_step(DIE_BEFORE, STORE_SYNC_ALWAYS);
}
END_TEST

SUITE_MAIN("store, death at every step", death_before_any_step_keeps_every_promise,
           a_write_torn_after_one_byte_keeps_every_promise,
           a_write_torn_in_the_middle_keeps_every_promise,
           a_write_torn_before_its_last_byte_keeps_every_promise,
           a_step_that_fails_keeps_every_promise,
           writes_that_fail_from_some_step_on_keep_every_promise,
           no_space_at_any_step_keeps_every_promise,
           a_failed_sync_or_write_keeps_every_promise_with_syncs,
           death_before_any_step_keeps_every_promise_with_syncs)
