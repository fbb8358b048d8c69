// SPDX-License-Identifier: Apache-2.0
#include <xxhash.h>

#include "store_fixture.h"
#include "tests/support/suite.h"

/* ---- opening ---- */

START_TEST(a_store_is_found_again_with_its_uuid_and_a_higher_generation)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    struct store_report report;
    struct store *store;
    uint8_t uuid[STORE_UUID_BYTES];
    ck_assert_int_eq(store_open(&o, &store, &report), 0);
    ck_assert(report.created);
    ck_assert_uint_eq(report.generation, 1);
    memcpy(uuid, store_uuid(store), sizeof uuid);
    ck_assert_uint_eq(uuid[6] >> 4, 4);
    store_close(&store);
    for (uint64_t generation = 2; generation < 5; generation++) {
        ck_assert_int_eq(store_open(&o, &store, &report), 0);
        ck_assert(!report.created);
        ck_assert_uint_eq(store_generation(store), generation);
        ck_assert_mem_eq(store_uuid(store), uuid, sizeof uuid);
        store_close(&store);
    }
    remove_dir(path);
}
END_TEST

START_TEST(a_second_opener_is_told_who_has_it)
{
    char path[64], pid[32];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    struct store *store = open_store(&o), *second;
    struct store_report report;
    ck_assert_int_eq(store_open(&o, &second, &report), GW_ERR_EXISTS);
    ck_assert_ptr_null(second);
    snprintf(pid, sizeof pid, " %ld", (long)getpid());
    ck_assert_ptr_nonnull(strstr(report.error, pid));
    store_close(&store);
    store = open_store(&o);
    store_close(&store);
    remove_dir(path);
}
END_TEST

static uint64_t digest_of(const char *path)
{
    static uint8_t bytes[512 * KIB];
    int fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ssize_t n = read(fd, bytes, sizeof bytes);
    close(fd);
    return XXH3_64bits(bytes, (size_t)n);
}

static void make_newer(const char *path, uint64_t second)
{
    static const uint8_t version[4] = {9, 0, 9, 0}; /* version 9, oldest reader 9 */
    int fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, version, 4, 8), 4);
    ck_assert_int_eq(pwrite(fd, version, 4, (off_t)second + 8), 4);
    close(fd);
}

START_TEST(a_newer_version_is_refused_and_nothing_is_changed)
{
    for (int what = 0; what < 3; what++) {
        char path[64], files[3][128];
        uint64_t before[3];
        struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
        struct store *store = open_store(&o);
        struct store_report report;
        join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
        ck_assert_int_eq(put(store, 1, LOGS, 100), 0);
        store = reopen(&store, &o); /* both journals have been in use */
        store_close(&store);
        snprintf(files[0], sizeof files[0], "%s/journal.0", path);
        snprintf(files[1], sizeof files[1], "%s/journal.1", path);
        segment_path(files[2], sizeof files[2], path, 1);
        make_newer(files[what], what == 2 ? 128 : 64);
        for (int i = 0; i < 3; i++)
            before[i] = digest_of(files[i]);
        ck_assert_int_eq(store_open(&o, &store, &report), GW_ERR_UNSUPPORTED);
        ck_assert_ptr_nonnull(strstr(report.error, "newer version"));
        for (int i = 0; i < 3; i++)
            ck_assert_uint_eq(digest_of(files[i]), before[i]);
        remove_dir(path);
    }
}
END_TEST

START_TEST(segments_without_a_journal_are_left_alone)
{
    char path[64], file[128];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_report report;
    ck_assert_int_eq(put(store, 1, LOGS, 100), 0);
    store_close(&store);
    for (int i = 0; i < 2; i++) {
        snprintf(file, sizeof file, "%s/journal.%d", path, i);
        ck_assert_int_eq(truncate(file, 0), 0);
    }
    ck_assert_int_eq(store_open(&o, &store, &report), GW_ERR_CORRUPT);
    segment_path(file, sizeof file, path, 1);
    ck_assert_int_eq(access(file, F_OK), 0);
    remove_dir(path);
}
END_TEST

START_TEST(limits_that_make_no_sense_are_refused)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 1 * KIB);
    struct store_report report;
    struct store *store;
    ck_assert_int_eq(store_open(&o, &store, &report), GW_ERR_INVALID);
    o.segment_bytes = 40 * KIB;
    ck_assert_int_eq(store_open(&o, &store, &report), GW_ERR_INVALID);
    ck_assert_uint_gt(strlen(report.error), 0);
    remove_dir(path);
}
END_TEST

/* ---- appending ---- */

START_TEST(append_refuses_what_makes_no_sense)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    struct store *store = open_store(&o);
    static uint8_t bytes[64 * KIB];
    static const struct {
        const char *why;
        unsigned signal;
        uint32_t records;
        uint64_t number, lowest;
        size_t payload, sources;
        int err;
    } cases[] = {
        {"right", 1, 1, 9, 9, 10, 0, 0},
        {"signal 0 is none", 0, 1, 10, 9, 10, 0, GW_ERR_INVALID},
        {"there is no signal 4", 4, 1, 10, 9, 10, 0, GW_ERR_INVALID},
        {"a batch has records", 1, 0, 10, 9, 10, 0, GW_ERR_INVALID},
        {"and bytes", 1, 1, 10, 9, 0, 0, GW_ERR_INVALID},
        {"0 is no number", 1, 1, 0, 0, 10, 0, GW_ERR_INVALID},
        {"below the lowest open number it says itself", 1, 1, 10, 11, 10, 0, GW_ERR_INVALID},
        {"larger than half the store", 1, 1, 10, 9, 32 * KIB + 1, 0, GW_ERR_TOO_LARGE},
        {"too many sources", 1, 1, 10, 9, 10, 64 * KIB + 1, GW_ERR_TOO_LARGE},
    };
    ck_assert_uint_eq(store_max_batch(store), 32 * KIB);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct store_batch b = {.signal = cases[i].signal,
                                .records = cases[i].records,
                                .number = cases[i].number,
                                .lowest_open = cases[i].lowest,
                                .payload = {bytes, cases[i].payload},
                                .sources = {bytes, cases[i].sources}};
        ck_assert_msg(store_append(store, &b) == cases[i].err, "%s", cases[i].why);
    }
    ck_assert_int_eq(store_commit(store, NULL, NULL), 0);
    /* number 9 is the lowest open one now: what lies below is settled */
    struct store_batch b = {
        .signal = 1, .records = 1, .number = 8, .lowest_open = 8, .payload = {bytes, 10}};
    ck_assert_int_eq(store_append(store, &b), GW_ERR_INVALID);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(a_batch_sent_again_is_stored_once)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    uint8_t bytes[100], other[100];
    struct store_batch b = batch_make(1, 5, LOGS, 5, bytes, sizeof bytes);
    struct store_batch b2 = batch_make(2, 5, LOGS, 5, other, sizeof other);
    struct settled s = {0};
    ck_assert_int_eq(store_append(store, &b), 0);
    ck_assert_int_eq(store_append(store, &b), GW_ERR_AGAIN);
    ck_assert_int_eq(store_append(store, &b2), 0); /* another worker's 5 */
    ck_assert_int_eq(store_commit(store, note_settled, &s), 0);
    ck_assert_uint_eq(s.count, 2);
    ck_assert_uint_eq(s.sequence[0], 1);
    ck_assert_uint_eq(s.sequence[1], 2);
    ck_assert_int_eq(store_append(store, &b), GW_ERR_EXISTS);
    store = reopen(&store, &o);
    ck_assert_int_eq(store_append(store, &b), GW_ERR_EXISTS);
    ck_assert_int_eq(store_append(store, &b2), GW_ERR_EXISTS);
    /* and when neither has been written to since */
    store = reopen(&store, &o);
    ck_assert_int_eq(store_append(store, &b), GW_ERR_EXISTS);
    c = store_consumer_find(store, "a");
    ck_assert_uint_eq(drain(store, c, LOGS), 2);
    store_forget_incarnation(store, b2.incarnation);
    ck_assert_int_eq(store_append(store, &b2), 0);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(ids_outlive_the_segments_of_their_batches)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    static uint8_t bytes[1000];
    for (uint64_t number = 1; number <= 60; number++) {
        struct store_batch b = batch_make(1, number, LOGS, 1, bytes, sizeof bytes);
        ck_assert_int_eq(store_append(store, &b), 0);
        ck_assert_int_eq(store_commit(store, NULL, NULL), 0);
        drain(store, c, LOGS);
    }
    char file[128];
    segment_path(file, sizeof file, path, 1);
    ck_assert_int_ne(access(file, F_OK), 0);
    store = reopen(&store, &o);
    for (uint64_t number = 1; number <= 60; number++) {
        struct store_batch b = batch_make(1, number, LOGS, 1, bytes, sizeof bytes);
        ck_assert_int_eq(store_append(store, &b), GW_ERR_EXISTS);
    }
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(many_batches_go_out_in_one_commit)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 4096 * KIB, 1024 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *c =
        join(store, "a", BIT(LOGS) | BIT(METRICS), STORE_DURABLE, STORE_OLDEST);
    uint8_t *bytes = malloc(3000 * 600);
    for (uint64_t number = 1; number <= 3000;
         number++) { /* more pieces than IOV_MAX, more than one segment */
        struct store_batch b = batch_make(1, number, number % 2 ? LOGS : METRICS, 1,
                                          bytes + (number - 1) * 600, 1 + number % 600);
        b.sources = slice_make("0123456789", number % 10);
        ck_assert_int_eq(store_append(store, &b), 0);
    }
    ck_assert_int_eq(store_commit(store, NULL, NULL), 0);
    store = reopen(&store, &o);
    c = store_consumer_find(store, "a");
    ck_assert_uint_eq(drain(store, c, LOGS), 1500);
    ck_assert_uint_eq(drain(store, c, METRICS), 1500);
    store_close(&store);
    free(bytes);
    remove_dir(path);
}
END_TEST

/* ---- groups ---- */

START_TEST(groups_follow_the_wishes_and_never_split_a_batch)
{
    static const struct {
        const char *why;
        struct store_wishes wishes;
        int err;
        uint32_t batches;
    } cases[] = {
        {"all that is there, as the wait is over", {0, 0, true}, 0, 6},
        {"more could join, and there is time", {0, 0, false}, GW_ERR_AGAIN, 0},
        {"10 records are 1+2+3 and 4 more", {10, 0, false}, 0, 4},
        {"9 records: the fourth batch would be over", {9, 0, false}, 0, 3},
        {"one record: the first batch is over it or not, it travels", {1, 0, false}, 0, 1},
        {"250 bytes: two of 100", {0, 250, false}, 0, 2},
        {"50 bytes: the first travels alone", {0, 50, false}, 0, 1},
        {"the tighter of both", {10, 250, false}, 0, 2},
        {"not yet 100 records", {100, 0, false}, GW_ERR_AGAIN, 0},
        {"not 100 records, but the wait is over", {100, 0, true}, 0, 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[64];
        struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
        struct store *store = open_store(&o);
        struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
        struct store_group g = {0};
        for (uint64_t n = 0; n < 6; n++) /* 1, 2, … 6 records */
            ck_assert_int_eq(put(store, 7 + n, LOGS, 100), 0);
        ck_assert_msg(store_group_next(store, c, LOGS, &cases[i].wishes, &g) == cases[i].err, "%s",
                      cases[i].why);
        ck_assert_msg(g.batches == cases[i].batches, "%s: %u", cases[i].why, g.batches);
        if (!cases[i].err)
            ck_assert_uint_eq(g.bytes, 100 * g.batches);
        store_close(&store);
        remove_dir(path);
    }
}
END_TEST

START_TEST(a_group_spans_segments_but_not_generations)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 4 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    for (uint64_t n = 1; n <= 10; n++)
        ck_assert_int_eq(put(store, n, LOGS, 900), 0);
    store = reopen(&store, &o);
    for (uint64_t n = 11; n <= 12; n++)
        ck_assert_int_eq(put(store, n, LOGS, 900), 0);
    c = store_consumer_find(store, "a");
    struct store_wishes wishes = {
        0}; /* nothing can join those of an old generation: no need to wait */
    struct store_group g;
    ck_assert_int_eq(store_group_next(store, c, LOGS, &wishes, &g), 0);
    ck_assert_uint_eq(g.batches, 10);
    ck_assert_uint_eq(g.generation, 1);
    const struct store_extent *x;
    size_t n;
    ck_assert_int_eq(store_group_extents(store, c, LOGS, g.first, &x, &n), 0);
    ck_assert_uint_gt(x[n - 1].segment, x[0].segment);
    g = next_group(store, c, LOGS, 0);
    ck_assert_uint_eq(g.batches, 2);
    ck_assert_uint_eq(g.generation, 2);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(the_digest_and_the_extents_are_what_the_bus_promises)
{
    char path[64], file[128];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    for (uint64_t n = 1; n <= 3; n++)
        ck_assert_int_eq(put(store, n, LOGS, 50 * n), 0);
    struct store_group g = next_group(store, c, LOGS, 0);
    const struct store_extent *x;
    size_t n;
    uint8_t sums[24];
    ck_assert_int_eq(store_group_extents(store, c, LOGS, g.first, &x, &n), 0);
    ck_assert_uint_eq(n, 3);
    for (size_t i = 0; i < n; i++) {
        uint8_t bytes[200];
        segment_path(file, sizeof file, path, x[i].segment);
        int fd = open(file, O_RDONLY);
        ck_assert_int_eq(pread(fd, bytes, x[i].length, (off_t)x[i].offset), x[i].length);
        close(fd);
        ck_assert_uint_eq(XXH3_64bits_withSeed(bytes, x[i].length, x[i].seed), x[i].checksum);
        ck_assert_uint_eq(x[i].records, batch_records(i + 1));
        ck_assert_uint_eq(x[i].received_ns, 1001 + i);
        ck_assert_uint_eq(x[i].stream, 7);
        for (unsigned b = 0; b < 8; b++)
            sums[8 * i + b] = (uint8_t)(x[i].checksum >> (8 * b));
    }
    ck_assert_uint_eq(g.digest, XXH3_64bits(sums, sizeof sums));
    struct store_extent wrong = x[0];
    wrong.offset += 8;
    uint8_t bytes[200];
    ck_assert_int_eq(store_read(store, LOGS, &wrong, bytes), GW_ERR_NOT_FOUND);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(an_unanswered_group_comes_back_identical_with_note_and_attempt)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    for (uint64_t n = 1; n <= 6; n++)
        ck_assert_int_eq(put(store, n, LOGS, 100), 0);
    struct store_group first = next_group(store, c, LOGS, 3),
                       second = next_group(store, c, LOGS, 7), again;
    ck_assert_uint_eq(first.attempt, 1);
    ck_assert_int_eq(store_group_progress(store, c, LOGS, second.first, slice_of("so far")), 0);
    ck_assert_int_eq(store_commit(store, NULL, NULL), 0);
    static uint8_t long_note[STORE_NOTE_MAX_BYTES + 1];
    ck_assert_int_eq(
        store_group_progress(store, c, LOGS, second.first, slice_make(long_note, sizeof long_note)),
        GW_ERR_TOO_LARGE);
    for (uint32_t attempt = 2; attempt < 4; attempt++) {
        store = reopen(&store, &o);
        c = store_consumer_find(store, "a");
        again = next_group(store, c, LOGS, 1000); /* other wishes change nothing */
        ck_assert_uint_eq(again.first, first.first);
        ck_assert_uint_eq(again.last, first.last);
        ck_assert_uint_eq(again.digest, first.digest);
        ck_assert_uint_eq(again.generation, 1);
        ck_assert_uint_eq(again.attempt, attempt);
        again = next_group(store, c, LOGS, 1000);
        ck_assert_uint_eq(again.first, second.first);
        ck_assert_uint_eq(again.last, second.last);
        ck_assert(slice_is(again.note, "so far"));
    }
    /* without a restart: reset and release do the same, hold keeps it back */
    store_consumer_reset(store, c);
    ck_assert_int_eq(store_group_hold(store, c, LOGS, first.first, first.last + 1),
                     GW_ERR_NOT_FOUND);
    ck_assert_int_eq(store_group_hold(store, c, LOGS, first.first, first.last), 0);
    again = next_group(store, c, LOGS, 1000);
    ck_assert_uint_eq(again.first, second.first);
    ck_assert_int_eq(store_group_release(store, c, LOGS, first.first), 0);
    again = next_group(store, c, LOGS, 1000);
    ck_assert_uint_eq(again.first, first.first);
    ck_assert_uint_eq(again.attempt, 4);
    ck_assert_int_eq(store_group_find(store, c, LOGS, first.first, &again), 0);
    ck_assert_int_eq(store_group_find(store, c, LOGS, 4711, &again), GW_ERR_NOT_FOUND);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(answers_out_of_order_move_the_cursor_over_the_contiguous_prefix)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    for (uint64_t n = 7; n < 11; n++) /* 1 + 2 + 3 + 4 records */
        ck_assert_int_eq(put(store, n, LOGS, 100), 0);
    struct store_group g[4];
    for (unsigned i = 0; i < 4; i++)
        g[i] = next_group(store, c, LOGS, 1);
    done(store, c, LOGS, g[2].first, 1);
    struct store_counts n = counts(store, c, LOGS);
    ck_assert_uint_eq(n.delivered, 2);
    ck_assert_uint_eq(n.rejected, 1);
    ck_assert_uint_eq(n.pending, 7);
    ck_assert_uint_eq(n.pending_batches, 3);
    ck_assert_uint_eq(n.pending_bytes, 300);
    ck_assert_uint_eq(n.oldest_ns, 1007);
    ck_assert_uint_eq(n.groups, 3);
    ck_assert_int_eq(store_group_done(store, c, LOGS, g[2].first, 0), GW_ERR_NOT_FOUND);
    store = reopen(&store, &o);
    c = store_consumer_find(store, "a");
    n = counts(store, c, LOGS);
    ck_assert_uint_eq(n.pending, 7);
    ck_assert_uint_eq(n.rejected, 1);
    done(store, c, LOGS, g[0].first, 100); /* no more can be rejected than there are */
    ck_assert_int_eq(store_group_lost(store, c, LOGS, g[1].first, STORE_LOSS_GAVE_UP), 0);
    ck_assert_int_eq(store_commit(store, NULL, NULL), 0);
    n = counts(store, c, LOGS);
    ck_assert_uint_eq(n.rejected, 2);
    ck_assert_uint_eq(n.lost, 2);
    ck_assert_uint_eq(n.lost_by[STORE_LOSS_GAVE_UP], 2);
    ck_assert_uint_eq(n.pending, 4);
    ck_assert_uint_eq(n.oldest_ns, 1010);
    store = reopen(&store, &o);
    c = store_consumer_find(store, "a");
    n = counts(store, c, LOGS);
    ck_assert_uint_eq(n.lost_by[STORE_LOSS_GAVE_UP], 2);
    ck_assert_uint_eq(drain(store, c, LOGS), 1);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(no_more_than_64_groups_are_on_their_way)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 256 * KIB, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    struct store_wishes wishes = {.max_records = 1, .linger_over = true};
    struct store_group g;
    for (uint64_t n = 1; n <= 70; n++)
        ck_assert_int_eq(put(store, n, LOGS, 100), 0);
    for (unsigned i = 0; i < STORE_GROUPS_MAX; i++)
        ck_assert_int_eq(store_group_next(store, c, LOGS, &wishes, &g), 0);
    ck_assert_int_eq(store_group_next(store, c, LOGS, &wishes, &g), GW_ERR_FULL);
    done(store, c, LOGS, 2, 0); /* not at the cursor: no room yet */
    ck_assert_int_eq(store_group_next(store, c, LOGS, &wishes, &g), GW_ERR_FULL);
    done(store, c, LOGS, 1, 0);
    ck_assert_int_eq(store_group_next(store, c, LOGS, &wishes, &g), 0);
    ck_assert_uint_eq(g.first, 65);
    store_close(&store);
    remove_dir(path);
}
END_TEST

/* ---- consumers ---- */

START_TEST(registration_decides_once_where_a_consumer_begins)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    struct store *store = open_store(&o);
    ck_assert_uint_eq(store_wanted(store), 0);
    struct store_consumer *old = join(store, "old", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    ck_assert_int_eq(put(store, 7, LOGS, 100), 0);
    ck_assert_int_eq(put(store, 8, LOGS, 100), 0);
    struct store_consumer *now = join(store, "now", BIT(LOGS) | BIT(TRACES), STORE_LIVE, STORE_NOW);
    ck_assert_int_eq(put(store, 9, LOGS, 100), 0);
    ck_assert_uint_eq(store_wanted(store), BIT(LOGS) | BIT(TRACES));
    ck_assert_uint_eq(counts(store, old, LOGS).stored, 6);
    ck_assert_uint_eq(counts(store, now, LOGS).stored, 3);
    ck_assert_ptr_eq(join(store, "now", BIT(LOGS) | BIT(TRACES), STORE_LIVE, STORE_OLDEST), now);
    ck_assert_uint_eq(counts(store, now, LOGS).stored, 3);
    store = reopen(&store, &o);
    now = store_consumer_find(store, "now");
    ck_assert_ptr_nonnull(now);
    ck_assert_uint_eq(counts(store, now, LOGS).pending, 3);
    ck_assert_int_eq(store_consumer_mode(now), STORE_LIVE);
    ck_assert_str_eq(store_consumer_type(now), "test");
    ck_assert_str_eq(store_consumer_name(store_consumer_at(store, 0)), "old");
    ck_assert_ptr_null(store_consumer_at(store, 2));
    ck_assert_int_eq(store_consumer_unregister(store, now), 0);
    store = reopen(&store, &o);
    ck_assert_ptr_null(store_consumer_find(store, "now"));
    struct store_consumer *c;
    ck_assert_int_eq(store_consumer_register(store, "", "t", 2, STORE_LIVE, STORE_NOW, &c),
                     GW_ERR_INVALID);
    ck_assert_int_eq(store_consumer_register(store, "x", "t", 0, STORE_LIVE, STORE_NOW, &c),
                     GW_ERR_INVALID);
    ck_assert_int_eq(store_consumer_register(store, "x", "t", 1, STORE_LIVE, STORE_NOW, &c),
                     GW_ERR_INVALID);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(a_signal_given_up_is_counted_and_can_be_taken_up_again)
{
    char path[64];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *c =
        join(store, "a", BIT(LOGS) | BIT(METRICS), STORE_DURABLE, STORE_OLDEST);
    ck_assert_int_eq(put(store, 8, LOGS, 100), 0);
    ck_assert_int_eq(put(store, 9, LOGS, 100), 0);
    struct store_group g = next_group(store, c, LOGS, 2);
    done(store, c, LOGS, g.first, 0);
    c = join(store, "a", BIT(METRICS), STORE_DURABLE, STORE_OLDEST);
    struct store_counts n;
    ck_assert_int_eq(store_consumer_counts(store, c, LOGS, &n), GW_ERR_NOT_FOUND);
    ck_assert_int_eq(put(store, 10, LOGS, 100), 0);
    store = reopen(&store, &o);
    c = join(store, "a", BIT(METRICS) | BIT(LOGS), STORE_DURABLE, STORE_NOW);
    ck_assert_int_eq(put(store, 11, LOGS, 100), 0);
    n = counts(store, c, LOGS);
    ck_assert_uint_eq(n.delivered, 2);
    ck_assert_uint_eq(n.lost_by[STORE_LOSS_UNSUBSCRIBED], 3);
    ck_assert_uint_eq(n.pending, 5);
    store_close(&store);
    remove_dir(path);
}
END_TEST

SUITE_MAIN("store", a_store_is_found_again_with_its_uuid_and_a_higher_generation,
           a_second_opener_is_told_who_has_it, a_newer_version_is_refused_and_nothing_is_changed,
           segments_without_a_journal_are_left_alone, limits_that_make_no_sense_are_refused,
           append_refuses_what_makes_no_sense, a_batch_sent_again_is_stored_once,
           ids_outlive_the_segments_of_their_batches, many_batches_go_out_in_one_commit,
           groups_follow_the_wishes_and_never_split_a_batch,
           a_group_spans_segments_but_not_generations,
           the_digest_and_the_extents_are_what_the_bus_promises,
           an_unanswered_group_comes_back_identical_with_note_and_attempt,
           answers_out_of_order_move_the_cursor_over_the_contiguous_prefix,
           no_more_than_64_groups_are_on_their_way,
           registration_decides_once_where_a_consumer_begins,
           a_signal_given_up_is_counted_and_can_be_taken_up_again)
