// SPDX-License-Identifier: Apache-2.0
#include "store_fixture.h"
#include "tests/support/suite.h"

/* ---- damage ---- */

/* Ten batches of 300 bytes in one segment that is not sealed. Returns where the payload of batch 4
 * lies. */
static uint64_t ten_batches(const struct store_options *o)
{
    struct store *store = open_store(o);
    struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    for (uint64_t n = 1; n <= 10; n++)
        ck_assert_int_eq(put(store, n, LOGS, 300), 0);
    struct store_group g = next_group(store, c, LOGS, 0);
    const struct store_extent *x;
    size_t n;
    ck_assert_int_eq(store_group_extents(store, c, LOGS, g.first, &x, &n), 0);
    uint64_t offset = x[3].offset;
    ck_assert_int_eq(store_consumer_unregister(store, c), 0);
    join(store, "b", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    store_close(&store);
    return offset;
}

START_TEST(a_flipped_bit_costs_the_batch_it_hit_and_no_other)
{
    static const struct {
        const char *why;
        int64_t from_payload;
        bool sealed;
        unsigned left;
        bool at_open; /* found while recovering */
    } cases[] = {
        {"payload of the tail", 150, false, 9, true},
        {"record header of the tail", -100, false, 9, true},
        {"length in the record header of the tail", -104, false, 9, true},
        {"a trailer: the next one stands for both", 300 + 4 + 30, false, 10, false},
        {"payload of a sealed segment: found when read", 150, true, 9, false},
        {"record header of a sealed segment: the index has it", -100, true, 10, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[64], file[128];
        struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
        uint64_t payload = ten_batches(&o);
        struct store_report report;
        struct store *store;
        if (cases[i].sealed) { /* by a recovery, and by another segment behind it */
            store = open_store(&o);
            ck_assert_int_eq(put(store, 11, LOGS, 300), 0);
            store_close(&store);
        }
        segment_path(file, sizeof file, path, 1);
        flip(file, payload + (uint64_t)cases[i].from_payload);
        ck_assert_int_eq(store_open(&o, &store, &report), 0);
        ck_assert_msg((report.quarantined == 1) == cases[i].at_open, "%s", cases[i].why);
        struct store_consumer *c = store_consumer_find(store, "b");
        struct store_wishes wishes = {.linger_over = true};
        struct store_group g;
        unsigned got = 0;
        while (store_group_next(store, c, LOGS, &wishes, &g) == 0) {
            const struct store_extent *x;
            size_t n;
            int err = store_group_extents(store, c, LOGS, g.first, &x, &n);
            ck_assert_int_eq(err, 0);
            for (size_t k = 0; k < n && !err; k++) {
                uint8_t bytes[300];
                err = store_verify(store, LOGS, x[k].sequence);
                if (!err)
                    ck_assert_int_eq(store_read(store, LOGS, &x[k], bytes), 0);
            }
            if (err) {
                ck_assert_int_eq(err, GW_ERR_CORRUPT);
                ck_assert_int_eq(store_group_release(store, c, LOGS, g.first), 0);
                continue;
            }
            got += (unsigned)n;
            done(store, c, LOGS, g.first, 0);
        }
        ck_assert_msg(got - cases[i].sealed == cases[i].left, "%s: %u", cases[i].why, got);
        struct store_counts n = counts(store, c, LOGS);
        ck_assert_uint_eq(n.pending, 0);
        ck_assert_msg(n.lost_by[STORE_LOSS_CORRUPT] == (cases[i].left == 9 ? batch_records(4) : 0),
                      "%s", cases[i].why);
        store_close(&store);
        remove_dir(path);
    }
}
END_TEST

START_TEST(damaged_headers_and_indexes_cost_nothing)
{
    for (int what = 0; what < 4; what++) {
        char path[64], file[128];
        struct stat st;
        struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
        ten_batches(&o);
        struct store *store = open_store(&o);
        ck_assert_int_eq(put(store, 11, LOGS, 300), 0);
        store_close(&store);
        segment_path(file, sizeof file, path, 1);
        ck_assert_int_eq(stat(file, &st), 0);
        if (what == 0)
            flip(file, 75); /* seed in the first header */
        if (what == 1)
            flip(file, (uint64_t)st.st_size - 20); /* footer */
        if (what == 2)
            flip(file, (uint64_t)st.st_size - 96 - 100); /* index */
        if (what == 3) {
            segment_path(file, sizeof file, path, 2);
            flip(file, 256 + 20); /* snapshot of ids: all segments are read for them */
        }
        store = open_store(&o);
        for (uint64_t n = 1; n <= 11; n++) {
            uint8_t bytes[300];
            struct store_batch b = batch_make(1, n, LOGS, n, bytes, sizeof bytes);
            ck_assert_int_eq(store_append(store, &b), n < 11 ? GW_ERR_INVALID : GW_ERR_EXISTS);
        }
        ck_assert_uint_eq(drain(store, store_consumer_find(store, "b"), LOGS), 11);
        store_close(&store);
        remove_dir(path);
    }
}
END_TEST

START_TEST(a_segment_whose_headers_are_gone_is_put_aside_and_its_batches_are_counted)
{
    char path[64], file[128];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    ten_batches(&o);
    struct store *store = open_store(&o);
    ck_assert_int_eq(put(store, 11, LOGS, 300), 0);
    store_close(&store);
    segment_path(file, sizeof file, path, 1);
    flip(file, 75);
    flip(file, 128 + 75);
    store = open_store(&o);
    struct store_consumer *c = store_consumer_find(store, "b");
    ck_assert_uint_eq(drain(store, c, LOGS), 1);
    uint64_t lost = 0;
    for (uint64_t n = 1; n <= 10; n++)
        lost += batch_records(n);
    ck_assert_uint_eq(counts(store, c, LOGS).lost_by[STORE_LOSS_MISSING], lost);
    snprintf(file, sizeof file, "%s/quarantine/logs-0000000000000001.seg", path);
    ck_assert_int_eq(access(file, F_OK), 0);
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(a_tail_that_is_gone_is_counted_and_its_numbers_are_not_used_again)
{
    char path[64], file[128];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    for (uint64_t n = 1; n <= 10; n++)
        ck_assert_int_eq(put(store, n, LOGS, 300), 0);
    struct store_group g = next_group(store, c, LOGS, 0);
    store_close(&store);
    segment_path(file, sizeof file, path, 1);
    ck_assert_int_eq(truncate(file, 2000),
                     0); /* a power cut without sync: the journal knows more */
    store = open_store(&o);
    c = store_consumer_find(store, "a");
    ck_assert_int_eq(put(store, 11, LOGS, 300), 0);
    struct store_group rest = next_group(store, c, LOGS, 0);
    ck_assert_uint_eq(rest.first, g.first);
    ck_assert_uint_lt(rest.last, g.last);
    ck_assert(rest.maybe_twice);
    done(store, c, LOGS, rest.first, 0);
    ck_assert_uint_gt(counts(store, c, LOGS).lost_by[STORE_LOSS_MISSING], 0);
    rest = next_group(store, c, LOGS, 0);
    ck_assert_uint_eq(rest.first, 11);
    ck_assert_uint_eq(rest.generation, 2);
    done(store, c, LOGS, rest.first, 0);
    ck_assert_uint_eq(counts(store, c, LOGS).pending, 0);
    store_close(&store);
    remove_dir(path);
}
END_TEST

static uint64_t first_record(const char *file)
{
    uint8_t head[4096];
    int fd = open(file, O_RDONLY);
    ck_assert_int_eq(pread(fd, head, sizeof head, 0), sizeof head);
    close(fd);
    uint64_t at = 256;
    while (memcmp(head + at, "mREC", 4) != 0)
        at += 8;
    return at;
}

START_TEST(bytes_that_imitate_records_never_pass_for_records)
{
    char path[64], file[128];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 16 * KIB);
    uint64_t payload = ten_batches(&o);
    uint8_t stolen[4096];
    segment_path(file, sizeof file, path, 1);
    int fd = open(file, O_RDWR);
    /* batches 3 to 6 with their trailers, as they stand in the file, inside another payload */
    ck_assert_int_eq(pread(fd, stolen, 2000, (off_t)payload - 600), 2000);
    struct store *store = open_store(&o);
    struct store_batch b = {.signal = LOGS,
                            .number = 20,
                            .lowest_open = 20,
                            .records = 3,
                            .received_ns = 5,
                            .payload = {stolen, 2000}};
    ck_assert_int_eq(store_append(store, &b), 0);
    ck_assert_int_eq(store_commit(store, NULL, NULL), 0);
    ck_assert_int_eq(put(store, 21, LOGS, 300), 0);
    store_close(&store);
    close(fd);
    /* and the header before them damaged, so that the search goes through the payload */
    segment_path(file, sizeof file, path, 2);
    flip(file, first_record(file) + 20);
    struct store_report report;
    ck_assert_int_eq(store_open(&o, &store, &report), 0);
    ck_assert_uint_eq(report.quarantined, 1);
    struct store_consumer *c = store_consumer_find(store, "b");
    ck_assert_uint_eq(drain(store, c, LOGS), 11);
    ck_assert_uint_eq(counts(store, c, LOGS).lost_by[STORE_LOSS_CORRUPT], 3);
    store_close(&store);
    remove_dir(path);
}
END_TEST

#define ONE_RECORD (112u + 304u) /* in the file, of a batch of 300 bytes */

START_TEST(a_damaged_last_trailer_costs_nothing)
{
    char path[64], file[128];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 16 * KIB);
    uint64_t payload = ten_batches(&o);
    uint64_t last_trailer = payload + 6 * (ONE_RECORD + 56) + 304;
    segment_path(file, sizeof file, path, 1);
    flip(file, last_trailer + 20);
    struct store_report report;
    struct store *store;
    ck_assert_int_eq(store_open(&o, &store, &report), 0);
    ck_assert_uint_eq(report.quarantined, 0);
    ck_assert_uint_eq(report.torn_bytes, 0);
    ck_assert_uint_eq(drain(store, store_consumer_find(store, "b"), LOGS), 10);
    ck_assert_int_eq(put(store, 10, LOGS, 300), GW_ERR_EXISTS); /* its id is known, too */
    ck_assert_int_eq(put(store, 11, LOGS, 300), 0);
    ck_assert_uint_eq(drain(store, store_consumer_find(store, "b"), LOGS), 1);
    store_close(&store);
    remove_dir(path);
}
END_TEST

/* Three batches in one write, of which the trailer and the second one's bytes did not arrive. */
START_TEST(a_torn_write_counts_up_to_its_first_hole)
{
    char path[64], file[128];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 16 * KIB);
    ten_batches(&o);
    struct store *store = open_store(&o); /* which seals the segment of the ten */
    uint8_t payloads[3][300];
    for (uint64_t n = 11; n <= 13; n++) {
        struct store_batch b = batch_make(1, n, LOGS, 11, payloads[n - 11], 300);
        ck_assert_int_eq(store_append(store, &b), 0);
    }
    ck_assert_int_eq(store_commit(store, NULL, NULL), 0);
    store_close(&store);
    segment_path(file, sizeof file, path, 2);
    uint64_t first = first_record(file);
    flip(file, first + ONE_RECORD + 200);    /* the second one's payload */
    flip(file, first + 3 * ONE_RECORD + 20); /* the trailer */
    struct store_report report;
    ck_assert_int_eq(store_open(&o, &store, &report), 0);
    ck_assert_uint_eq(report.quarantined, 0);
    ck_assert_uint_eq(report.torn_bytes, ONE_RECORD);
    ck_assert_uint_eq(drain(store, store_consumer_find(store, "b"), LOGS), 11);
    ck_assert_int_eq(put(store, 12, LOGS, 300), 0); /* it was never answered, so it is sent again */
    ck_assert_uint_eq(drain(store, store_consumer_find(store, "b"), LOGS), 1);
    store_close(&store);
    remove_dir(path);
}
END_TEST

static void wipe(const char *file, uint64_t from, uint64_t to)
{
    uint8_t zeros[4096] = {0};
    int fd = open(file, O_WRONLY);
    ck_assert_uint_le(to - from, sizeof zeros);
    ck_assert_int_eq(pwrite(fd, zeros, to - from, (off_t)from), (ssize_t)(to - from));
    close(fd);
}

static uint64_t records_of(uint64_t first, uint64_t last)
{
    uint64_t records = 0;
    for (uint64_t n = first; n <= last; n++)
        records += batch_records(n);
    return records;
}

/* Of ten batches those from 4 to 8 are not in the file any more, headers and all. */
START_TEST(a_gap_costs_each_consumer_what_it_had_not_had_of_it)
{
    char path[64], file[128];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 16 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *behind = join(store, "behind", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    struct store_consumer *inside = join(store, "inside", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
    for (uint64_t n = 1; n <= 5; n++)
        ck_assert_int_eq(put(store, n, LOGS, 300), 0);
    ck_assert_uint_eq(drain(store, inside, LOGS), 5);
    for (uint64_t n = 6; n <= 10; n++)
        ck_assert_int_eq(put(store, n, LOGS, 300), 0);
    store_close(&store);
    segment_path(file, sizeof file, path, 1);
    uint64_t first = first_record(file);
    wipe(file, first + 3 * (ONE_RECORD + 56), first + 8 * (ONE_RECORD + 56));
    store = open_store(&o);
    inside = store_consumer_find(store, "inside");
    ck_assert_uint_eq(drain(store, inside, LOGS), 2);
    ck_assert_uint_eq(counts(store, inside, LOGS).lost, records_of(6, 8));
    ck_assert_uint_eq(counts(store, inside, LOGS).delivered, records_of(1, 5) + records_of(9, 10));
    ck_assert_uint_eq(counts(store, inside, LOGS).pending, 0);
    store = reopen(&store, &o); /* the index is read from the footer now */
    behind = store_consumer_find(store, "behind");
    ck_assert_uint_eq(drain(store, behind, LOGS), 5);
    ck_assert_uint_eq(counts(store, behind, LOGS).lost, records_of(4, 8));
    ck_assert_uint_eq(counts(store, behind, LOGS).pending, 0);
    ck_assert_uint_eq(counts(store, store_consumer_find(store, "inside"), LOGS).pending, 0);
    store_close(&store);
    remove_dir(path);
}
END_TEST

/* ---- a device that fails ---- */

struct failing {
    enum io_step step;
    int countdown; /* the step that makes it 0 fails */
    int more;      /* and so many of those behind it */
    int error;
};

static size_t fail_before(void *ctx, enum io_step step, size_t bytes, int *error)
{
    struct failing *f = ctx;
    if (step != f->step || --f->countdown > 0)
        return SIZE_MAX;
    if (f->countdown < 0 && f->more-- <= 0)
        return SIZE_MAX;
    *error = f->error;
    return bytes / 2;
}

static uint64_t segment_of_last(struct store *store, struct store_consumer *c)
{
    struct store_group g = next_group(store, c, LOGS, 0);
    const struct store_extent *x;
    size_t n;
    ck_assert_int_eq(store_group_extents(store, c, LOGS, g.first, &x, &n), 0);
    uint64_t segment = x[n - 1].segment;
    done(store, c, LOGS, g.first, 0);
    return segment;
}

START_TEST(a_segment_is_not_written_again_after_a_write_or_sync_failed)
{
    static const struct {
        enum io_step step;
        int more, error, err;
        const char *words; /* file 1 was there before, what is tried again goes into file 2 */
    } cases[] = {{IO_WRITE, 0, EIO, GW_ERR_IO, "write logs/0000000000000001.seg: Input/output error"},
                 {IO_WRITE, 0, ENOSPC, GW_ERR_FULL, "write logs/0000000000000001.seg: No space left"},
                 {IO_SYNC, 0, EIO, GW_OK, ""}, /* written once more, into the next segment */
                 {IO_SYNC, 1, EIO, GW_ERR_IO, "sync logs/0000000000000002.seg: Input/output error"},
                 {IO_SYNC, 1, ENOSPC, GW_ERR_FULL, "sync logs/0000000000000002.seg: No space left"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[64];
        struct failing failing = {.step = cases[i].step, .error = cases[i].error};
        struct io_hook hook = {.before = fail_before, .ctx = &failing};
        struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
        o.hook = &hook;
        o.sync = STORE_SYNC_ALWAYS;
        struct store *store = open_store(&o);
        struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
        ck_assert_int_eq(put(store, 1, LOGS, 500), 0);
        uint64_t before = segment_of_last(store, c);
        failing.countdown = 1;
        failing.more = cases[i].more;
        ck_assert_int_eq(put(store, 2, LOGS, 500), cases[i].err);
        if (cases[i].err) {
            ck_assert_msg(strstr(store_trouble(store), cases[i].words), "%s", store_trouble(store));
            ck_assert_uint_eq(counts(store, c, LOGS).pending, 0);
            ck_assert_int_eq(put(store, 2, LOGS, 500), 0); /* the same id again: it was not stored */
        }
        ck_assert_str_eq(store_trouble(store), "");
        ck_assert_uint_eq(counts(store, c, LOGS).pending, batch_records(2));
        ck_assert_uint_gt(segment_of_last(store, c), before);
        store = reopen(&store, &o);
        ck_assert_uint_eq(counts(store, store_consumer_find(store, "a"), LOGS).stored, 2 + 3);
        store_close(&store);
        remove_dir(path);
    }
}
END_TEST

/* A new segment is needed and cannot be made, at any step of making it: refused, and taken when the
 * device is well again, under the same number as if nothing had been. */
START_TEST(a_segment_that_cannot_be_made_refuses_what_would_go_into_it)
{
    static const struct {
        enum io_step step;
        int error, err;
        const char *words, *why;
    } cases[] = {{IO_CREATE, EIO, GW_ERR_IO, "cannot create logs/", "Input/output"},
                 {IO_CREATE, ENOSPC, GW_ERR_FULL, "cannot create logs/", "No space"},
                 {IO_RESIZE, ENOSPC, GW_ERR_FULL, "cannot create logs/", "No space"},
                 {IO_WRITE, EIO, GW_ERR_IO, "cannot create logs/", "Input/output"},
                 {IO_SYNC, EIO, GW_ERR_IO, "cannot sync logs/", "Input/output"},
                 {IO_RENAME, EIO, GW_ERR_IO, "cannot sync logs/", "Input/output"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[64];
        struct failing failing = {.step = cases[i].step, .error = cases[i].error};
        struct io_hook hook = {.before = fail_before, .ctx = &failing};
        struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
        o.hook = &hook;
        o.sync = STORE_SYNC_ALWAYS;
        struct store *store = open_store(&o);
        struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST);
        ck_assert_int_eq(put(store, 1, LOGS, 5000), 0);
        failing.countdown = 1;
        failing.more = 1000; /* nothing of that kind works from here on */
        for (unsigned tries = 0; tries < 3; tries++) {
            ck_assert_int_eq(put(store, 2, LOGS, 5000), cases[i].err);
            const char *trouble = store_trouble(store);
            ck_assert_msg(strstr(trouble, cases[i].words) && strstr(trouble, cases[i].why), "%s", trouble);
            ck_assert_uint_eq(counts(store, c, LOGS).pending_batches, 1);
        }
        failing.countdown = failing.more = 0;
        ck_assert_int_eq(put(store, 2, LOGS, 5000), 0);
        ck_assert_str_eq(store_trouble(store), "");
        store = reopen(&store, &o);
        ck_assert_uint_eq(drain(store, store_consumer_find(store, "a"), LOGS), 2);
        store_close(&store);
        remove_dir(path);
    }
}
END_TEST

START_TEST(a_journal_that_cannot_be_written_confirms_nothing_until_it_can)
{
    char path[64];
    struct failing failing = {.step = IO_WRITE, .error = EIO};
    struct io_hook hook = {.before = fail_before, .ctx = &failing};
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    o.hook = &hook;
    struct store *store = open_store(&o);
    struct store_consumer *c = join(store, "a", BIT(LOGS), STORE_DURABLE, STORE_OLDEST), *none;
    ck_assert_int_eq(put(store, 1, LOGS, 500), 0);
    failing.countdown = 1;
    ck_assert_str_eq(store_journal_trouble(store), "");
    ck_assert_int_eq(
        store_consumer_register(store, "b", "test", BIT(LOGS), STORE_LOSSY, STORE_NOW, &none),
        GW_ERR_IO);
    ck_assert_ptr_null(none);
    ck_assert_ptr_null(store_consumer_find(store, "b"));
    ck_assert_str_eq(store_journal_trouble(store), "cannot write journal.1: Input/output error");
    ck_assert_str_eq(store_trouble(store), ""); /* batches can be stored all the same */
    struct store_wishes wishes = {.linger_over = true};
    struct store_group g;
    failing.countdown = 1;
    ck_assert_int_eq(store_group_next(store, c, LOGS, &wishes, &g), GW_ERR_IO);
    ck_assert_int_eq(store_group_next(store, c, LOGS, &wishes, &g), 0);
    ck_assert_int_eq(store_group_done(store, c, LOGS, g.first, 0), 0);
    failing.countdown = 1; /* the live journal fails, the other one takes over */
    ck_assert_int_eq(store_commit(store, NULL, NULL), 0);
    ck_assert_str_eq(store_journal_trouble(store), "");
    store = reopen(&store, &o);
    ck_assert_uint_eq(counts(store, store_consumer_find(store, "a"), LOGS).delivered,
                      batch_records(1));
    store_close(&store);
    remove_dir(path);
}
END_TEST

START_TEST(half_a_journal_is_never_taken_for_one)
{
    char path[64], file[96];
    struct failing failing = {.step = IO_WRITE, .error = EIO};
    struct io_hook hook = {.before = fail_before, .ctx = &failing};
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    o.hook = &hook;
    struct store *store = open_store(&o);
    ck_assert_int_eq(put(store, 1, LOGS, 500), 0);
    store = reopen(&store, &o); /* journal.0 is live now, journal.1 was before */
    store_close(&store);
    struct store_report report;
    failing.countdown = 3; /* lock, emptied header of journal.1, half its snapshot */
    ck_assert_int_eq(store_open(&o, &store, &report), GW_ERR_IO);
    snprintf(file, sizeof file, "%s/journal.0", path);
    ck_assert_int_eq(truncate(file, 0), 0);
    ck_assert_int_eq(store_open(&o, &store, &report), GW_ERR_CORRUPT);
    remove_dir(path);
}
END_TEST

/* That of the two files which has the higher number. */
static void live_journal(char *file, size_t size, const char *path)
{
    uint64_t number[2] = {0, 0};
    for (unsigned i = 0; i < 2; i++) {
        snprintf(file, size, "%s/journal.%u", path, i);
        int fd = open(file, O_RDONLY);
        ck_assert_int_eq(pread(fd, &number[i], 8, 32), 8);
        close(fd);
    }
    snprintf(file, size, "%s/journal.%d", path, number[1] > number[0]);
}

START_TEST(a_flipped_bit_in_the_journal_costs_no_record)
{
    char path[64], copied[64], file[96], command[256];
    struct store_options o = options_for(path, sizeof path, 64 * KIB, 8 * KIB);
    struct store *store = open_store(&o);
    struct store_consumer *quick = join(store, "quick", BIT(LOGS), STORE_DURABLE, STORE_NOW);
    join(store, "slow", BIT(LOGS), STORE_DURABLE, STORE_NOW);
    for (uint64_t n = 1; n <= 60; n++)
        ck_assert_int_eq(put(store, n, LOGS, 300), 0);
    ck_assert_uint_eq(drain(store, quick, LOGS), 60);
    for (unsigned again = 0; again < 2; again++) {
        for (uint64_t at = 3; at < 1800; at += 25) {
            struct store_options of_copy = options_for(copied, sizeof copied, 64 * KIB, 8 * KIB);
            snprintf(command, sizeof command, "cp -r %s/. %s", path, copied);
            ck_assert_int_eq(system(command), 0);
            live_journal(file, sizeof file, copied);
            flip(file, at);
            struct store *copy = open_store(&of_copy);
            struct store_consumer *slow = join(copy, "slow", BIT(LOGS), STORE_DURABLE, STORE_WHERE_LEFT_OFF);
            unsigned left = drain(copy, slow, LOGS);
            ck_assert_msg(left == 60, "%u of 60 are left after a flip at %u", left, (unsigned)at);
            store_close(&copy);
            remove_dir(copied);
        }
        store = reopen(&store, &o); /* now all of it is in a snapshot */
    }
    store_close(&store);
    remove_dir(path);
}
END_TEST

SUITE_MAIN("store, damage", a_flipped_bit_costs_the_batch_it_hit_and_no_other,
           damaged_headers_and_indexes_cost_nothing,
           a_segment_whose_headers_are_gone_is_put_aside_and_its_batches_are_counted,
           a_tail_that_is_gone_is_counted_and_its_numbers_are_not_used_again,
           bytes_that_imitate_records_never_pass_for_records,
           a_damaged_last_trailer_costs_nothing,
           a_torn_write_counts_up_to_its_first_hole,
           a_gap_costs_each_consumer_what_it_had_not_had_of_it,
           a_segment_is_not_written_again_after_a_write_or_sync_failed,
           a_segment_that_cannot_be_made_refuses_what_would_go_into_it,
           a_journal_that_cannot_be_written_confirms_nothing_until_it_can,
           half_a_journal_is_never_taken_for_one, a_flipped_bit_in_the_journal_costs_no_record)
