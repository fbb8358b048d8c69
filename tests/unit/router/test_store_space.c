// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>

#include "store_fixture.h"
#include "tests/support/suite.h"

/* ---- space ---- */

START_TEST(a_durable_consumer_holds_the_store_and_gives_it_back)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    uint64_t number = 1;
    int err;
    while ((err = put(store, number, LOGS, 1000)) == 0) {
        ck_assert_uint_le(stored_bytes(store), 64 * KIB);
        number++;
    }
    ck_assert_int_eq(err, GW_ERR_FULL);
    ck_assert_uint_gt(number, 40);
    ck_assert_uint_eq(counts(store, c, LOGS).lost, 0);
    ck_assert_uint_eq(drain(store, c, LOGS), number - 1);
    ck_assert_int_eq(put(store, number, LOGS, 1000), 0);
    for (uint64_t i = 1; i < 500; i++) {
        ck_assert_int_eq(put(store, number + i, LOGS, 1000), 0);
        ck_assert_uint_le(stored_bytes(store), 64 * KIB);
        if (i % 20 == 0)
            drain(store, c, LOGS);
    }
    store_close(&store);
    remove_dir(path);
}
END_TEST

struct retired {
    unsigned count;
    uint64_t first, last;
};

static void note_retired(void *ctx, struct store_consumer *consumer, unsigned signal,
                         uint64_t first, uint64_t last)
{
    struct retired *r = ctx;
    ck_assert_ptr_nonnull(consumer);
    ck_assert_uint_eq(signal, LOGS);
    r->count++;
    r->first = first;
    r->last = last;
}

START_TEST(a_lossy_consumer_skips_only_what_is_gone_and_it_is_counted)
{
    char path[64];
    struct retired retired = {0};
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    o.on_retired = note_retired;
    o.ctx = &retired;
    struct store *store = open_store(&o);
    struct store_consumer *c = join(store, "debug", BIT(LOGS), STORE_LOSSY, STORE_OLDEST);
    for (uint64_t n = 1; n <= 10; n++)
        ck_assert_int_eq(put(store, n, LOGS, 1000), 0);
    struct store_group sent = next_group(store, c, LOGS, 0); /* spans the first two segments */
    ck_assert_uint_eq(sent.last, 10);
    uint64_t n = 11;
    while (!retired.count)
        ck_assert_int_eq(put(store, n++, LOGS, 1000), 0);
    ck_assert_uint_eq(retired.first, 1);
    ck_assert_uint_eq(retired.last, 10);
    struct store_counts now = counts(store, c, LOGS);
    ck_assert_uint_gt(now.lost_by[STORE_LOSS_SPACE], 0);
    struct store_group rest = next_group(store, c, LOGS, 0);
    ck_assert_uint_gt(rest.first, 1); /* a new id for what is left of it */
    ck_assert_uint_eq(rest.last, 10);
    ck_assert(rest.maybe_twice);
    ck_assert_int_eq(store_group_done(store, c, LOGS, 1, 0), GW_ERR_NOT_FOUND);
    done(store, c, LOGS, rest.first, 0);
    for (; n < 400; n++) {
        ck_assert_int_eq(put(store, n, LOGS, 1000), 0);
        ck_assert_uint_le(stored_bytes(store), 64 * KIB);
    }
    struct store_counts before = counts(store, c, LOGS);
    store = reopen(&store, &o);
    c = store_consumer_find(store, "debug");
    now = counts(store, c, LOGS);
    ck_assert_uint_eq(now.lost, before.lost);
    ck_assert_uint_eq(now.pending, before.pending);
    unsigned left = drain(store, c, LOGS);
    ck_assert_uint_gt(left, 30);
    ck_assert_uint_eq(counts(store, c, LOGS).lost, before.lost);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(a_signal_that_nobody_takes_does_not_leak)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_stats stats;
    for (uint64_t n = 1; n < 200; n++)
        ck_assert_int_eq(put(store, n, 1 + (unsigned)(n % 3), 1000), 0);
    store_stats(store, &stats);
    ck_assert_uint_eq(stats.segments, 3);
    ck_assert_uint_le(stats.bytes, 64 * KIB);
    ck_assert_uint_le(stats.free_files, 4);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(a_batch_larger_than_a_segment_has_one_of_its_own_and_leaves_no_hole)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 128 * KIB, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    for (uint64_t n = 1; n <= 20; n++) {
        ck_assert_int_eq(put(store, n, LOGS, n % 2 ? 60 * KIB : 100), 0);
        ck_assert_uint_eq(drain(store, c, LOGS), 1);
        ck_assert_uint_le(stored_bytes(store), 40 * KIB); /* the large one is not kept */
    }
    store = reopen(&store, &o);
    c = store_consumer_find(store, "a");
    ck_assert_int_eq(put(store, 21, LOGS, 60 * KIB), 0);
    store = reopen(&store, &o);
    c = store_consumer_find(store, "a");
    ck_assert_uint_eq(drain(store, c, LOGS), 1);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(a_recycled_file_never_yields_its_old_records)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    uint64_t number = 1;
    for (unsigned i = 0; i < 30;
         i++) { /* the same sizes: old records lie exactly where new ones would */
        ck_assert_int_eq(put(store, number++, LOGS, 500), 0);
        ck_assert_uint_eq(drain(store, c, LOGS), 1);
    }
    struct store_stats stats;
    store_stats(store, &stats);
    ck_assert_uint_ge(stats.free_files, 1);
    for (unsigned run = 0; run < 20; run++) {
        ck_assert_int_eq(put(store, number++, LOGS, 500), 0);
        struct store_report report;
        store_close(&store);
        ck_assert_int_eq(store_open(&o, &store, &report), 0);
        ck_assert_uint_eq(report.torn_bytes, 0);
        ck_assert_uint_eq(report.quarantined, 0);
        c = store_consumer_find(store, "a");
        ck_assert_uint_eq(drain(store, c, LOGS), 1);
    }
    store_close(&store);
    remove_dir(path);
}
END_TEST

static unsigned open_files(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

START_TEST(many_segments_are_read_with_few_in_memory)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 1024 * KIB, 4 * KIB);
    unsigned before = open_files();
    struct store *store = open_store(&o);
    struct store_consumer *a = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST), *b;
    for (uint64_t n = 1; n <= 600; n++)
        ck_assert_int_eq(put(store, n, LOGS, 1000), 0);
    ck_assert_uint_lt(open_files(), before + 60); /* of 200 segments that nobody has read yet */
    b = join(store, "b", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    ck_assert_uint_eq(drain(store, a, LOGS), 600);
    ck_assert_uint_lt(open_files(), before + 60);
    store = reopen(&store, &o);
    b = store_consumer_find(store, "b");
    ck_assert_uint_eq(counts(store, b, LOGS).pending_batches, 600);
    ck_assert_uint_eq(drain(store, b, LOGS), 600);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(skipping_loses_what_is_below_and_nothing_else)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 4 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    for (uint64_t n = 1; n <= 10; n++)
        ck_assert_int_eq(put(store, n, LOGS, 1000), 0);
    struct store_group g = next_group(store, c, LOGS, 10);
    uint64_t lost;
    ck_assert_int_eq(store_skip(store, c, LOGS, g.last, STORE_LOSS_SHARE, &lost), 0);
    ck_assert_uint_eq(counts(store, c, LOGS).lost_by[STORE_LOSS_SHARE], lost);
    ck_assert_uint_eq(lost, g.records - batch_records(g.last));
    store = reopen(&store, &o);
    c = store_consumer_find(store, "a");
    struct store_group rest = next_group(store, c, LOGS, 10);
    ck_assert_uint_eq(rest.first, g.last);
    ck_assert_uint_eq(rest.last, g.last);
    ck_assert_int_eq(store_skip(store, c, LOGS, 9, STORE_LOSS_SHARE, &lost),
                     0); /* beyond all groups */
    ck_assert_uint_eq(counts(store, c, LOGS).pending_batches, 2);
    ck_assert_int_eq(store_skip(store, c, LOGS, 3, STORE_LOSS_SHARE, &lost), 0);
    ck_assert_uint_eq(lost, 0);
    ck_assert_uint_eq(drain(store, c, LOGS), 2);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(a_sync_of_the_interval_that_is_under_way_ends_with_the_store)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    o.sync = STORE_SYNC_INTERVAL;
    o.background = true;
    unsigned before = open_files();
    struct store *store = open_store(&o);
    struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    ck_assert_int_eq(put(store, 1, LOGS, 1000), 0);
    store_want_sync(store);
    store_start(store, false); /* and nobody asks how it went */
    next_group(store, c, LOGS, 1); /* something more to be synced at the end */
    store_close(&store);
    ck_assert_uint_eq(open_files(), before);
    remove_dir(path);
}
END_TEST

SUITE_MAIN("store, space", a_durable_consumer_holds_the_store_and_gives_it_back,
           a_lossy_consumer_skips_only_what_is_gone_and_it_is_counted,
           a_signal_that_nobody_takes_does_not_leak,
           a_batch_larger_than_a_segment_has_one_of_its_own_and_leaves_no_hole,
           a_recycled_file_never_yields_its_old_records, many_segments_are_read_with_few_in_memory,
           skipping_loses_what_is_below_and_nothing_else,
           a_sync_of_the_interval_that_is_under_way_ends_with_the_store)
