// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "exporters/common/reader.h"
#include "tests/support/suite.h"

#define SEED 0x1234567890abcdefull
#define FILE_BYTES (3u * 1024 * 1024)
#define BATCHES_MAX 64

/* A store directory with one segment of noise, and a DELIVER that lists parts of it. */
struct world {
    char dir[64];
    int fd; /* of the directory; the reader takes it */
    uint8_t *bytes;
    struct reader *reader;
    Masques__Bus__DeliveryId id;
    Masques__Bus__Deliver deliver;
    Masques__Bus__Extents extents;
    Masques__Bus__Extents *list[1];
    uint64_t offset[BATCHES_MAX];
    uint32_t length[BATCHES_MAX];
    uint64_t checksum[BATCHES_MAX];
    uint32_t records[BATCHES_MAX];
    uint64_t received[BATCHES_MAX];
    size_t count;
};

static void segment_path(const struct world *w, uint64_t segment, char *path, size_t room)
{
    snprintf(path, room, "%s/logs/%016llx.seg", w->dir, (unsigned long long)segment);
}

static void segment_write(const struct world *w, uint64_t segment, uint8_t salt)
{
    char path[128];
    segment_path(w, segment, path, sizeof path);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    for (size_t i = 0; i < FILE_BYTES; i++)
        w->bytes[i] = (uint8_t)(i * 2654435761u >> 13) ^ salt;
    ck_assert_uint_eq(fwrite(w->bytes, 1, FILE_BYTES, f), FILE_BYTES);
    fclose(f);
}

static void world_open(struct world *w)
{
    memset(w, 0, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/masques-reader-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(w->dir));
    char logs[96];
    snprintf(logs, sizeof logs, "%s/logs", w->dir);
    ck_assert_int_eq(mkdir(logs, 0700), 0);
    w->bytes = malloc(FILE_BYTES);
    ck_assert_ptr_nonnull(w->bytes);
    segment_write(w, 7, 0);
    w->fd = open(w->dir, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(w->fd, 0);
    w->reader = reader_new(w->fd);
    masques__bus__delivery_id__init(&w->id);
    masques__bus__deliver__init(&w->deliver);
    masques__bus__extents__init(&w->extents);
    w->id.signal = MASQUES__BUS__SIGNAL__LOGS;
    w->deliver.id = &w->id;
    w->list[0] = &w->extents;
    w->deliver.n_extents = 1;
    w->deliver.extents = w->list;
    w->extents.segment = 7;
    w->extents.seed = SEED;
    w->extents.offset = w->offset;
    w->extents.length = w->length;
    w->extents.checksum = w->checksum;
    w->extents.records = w->records;
    w->extents.received_ns = w->received;
}

static void world_add(struct world *w, uint64_t offset, uint32_t length)
{
    size_t i = w->count++;
    w->offset[i] = offset;
    w->length[i] = length;
    w->checksum[i] = XXH3_64bits_withSeed(w->bytes + offset, length, SEED);
    w->records[i] = (uint32_t)i + 1;
    w->received[i] = 1000 + i;
    w->extents.n_offset = w->extents.n_length = w->extents.n_checksum = w->count;
    w->extents.n_records = w->extents.n_received_ns = w->count;
}

static void world_close(struct world *w)
{
    char command[128];
    reader_free(&w->reader);
    free(w->bytes);
    snprintf(command, sizeof command, "rm -rf %s", w->dir);
    ck_assert_int_eq(system(command), 0);
}

static int next(struct world *w, struct reader_place *place, struct reader_batch *batch)
{
    return reader_next(w->reader, &w->deliver, NULL, 0, place, batch);
}

START_TEST(batches_come_in_order_with_their_records_and_times)
{
    struct world w;
    world_open(&w);
    world_add(&w, 100, 500);
    world_add(&w, 700, 0);
    world_add(&w, 5000, 1234);
    struct reader_place place = {0};
    struct reader_batch batch;
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(next(&w, &place, &batch), 1);
        ck_assert_uint_eq(batch.bytes.len, w.length[i]);
        ck_assert_int_eq(memcmp(batch.bytes.data, w.bytes + w.offset[i], batch.bytes.len), 0);
        ck_assert_uint_eq(batch.records, i + 1);
        ck_assert_uint_eq(batch.received_ns, 1000 + i);
    }
    ck_assert_int_eq(next(&w, &place, &batch), 0);
    ck_assert_int_eq(next(&w, &place, &batch), 0);
    world_close(&w);
}
END_TEST

START_TEST(neighbours_are_read_together_up_to_a_chunk)
{
    static const struct {
        const char *why;
        uint64_t step;
        uint32_t length;
        size_t count;
        uint64_t reads;
    } cases[] = {
        {"ten small ones with a header between", 1100, 1000, 10, 1},
        {"gaps too big to be headers", 20000, 1000, 3, 3},
        {"four of 300 KiB: three fit in a chunk", 300 * 1024, 300 * 1024, 4, 2},
        {"one larger than a chunk", 0, 2 * 1024 * 1024, 1, 1},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct world w;
        world_open(&w);
        for (size_t i = 0; i < cases[c].count; i++)
            world_add(&w, 64 + i * cases[c].step, cases[c].length);
        struct reader_place place = {0};
        struct reader_batch batch;
        size_t got = 0;
        while (next(&w, &place, &batch) == 1) {
            ck_assert_int_eq(memcmp(batch.bytes.data, w.bytes + w.offset[got], batch.bytes.len), 0);
            got++;
        }
        ck_assert_uint_eq(got, cases[c].count);
        struct reader_stats stats = reader_stats(w.reader);
        ck_assert_msg(stats.reads == cases[c].reads, "%s: %llu reads", cases[c].why,
                      (unsigned long long)stats.reads);
        ck_assert_uint_eq(stats.opens, 1);
        world_close(&w);
    }
}
END_TEST

START_TEST(two_deliveries_read_in_turns_both_get_their_own_bytes)
{
    struct world w;
    world_open(&w);
    world_add(&w, 0, 1000);
    world_add(&w, 1000000, 1000);
    world_add(&w, 2000000, 1000);
    struct reader_place a = {0}, b = {0, 1};
    struct reader_batch batch;
    ck_assert_int_eq(next(&w, &a, &batch), 1);
    ck_assert_int_eq(next(&w, &b, &batch), 1);
    ck_assert_int_eq(memcmp(batch.bytes.data, w.bytes + 1000000, 1000), 0);
    ck_assert_int_eq(next(&w, &a, &batch), 1);
    ck_assert_int_eq(memcmp(batch.bytes.data, w.bytes + 1000000, 1000), 0);
    ck_assert_int_eq(next(&w, &b, &batch), 1);
    ck_assert_int_eq(memcmp(batch.bytes.data, w.bytes + 2000000, 1000), 0);
    world_close(&w);
}
END_TEST

START_TEST(a_wrong_checksum_is_corrupt_and_the_place_stays)
{
    struct world w;
    world_open(&w);
    world_add(&w, 100, 500);
    world_add(&w, 600, 500);
    w.checksum[1] ^= 1;
    struct reader_place place = {0};
    struct reader_batch batch;
    ck_assert_int_eq(next(&w, &place, &batch), 1);
    ck_assert_int_eq(next(&w, &place, &batch), GW_ERR_CORRUPT);
    ck_assert_uint_eq(reader_stats(w.reader).opens, 2); /* looked again through a fresh descriptor */
    ck_assert_int_eq(next(&w, &place, &batch), GW_ERR_CORRUPT);
    w.checksum[1] ^= 1;
    ck_assert_int_eq(next(&w, &place, &batch), 1);
    world_close(&w);
}
END_TEST

START_TEST(the_seed_counts)
{
    struct world w;
    world_open(&w);
    world_add(&w, 100, 500);
    w.extents.seed++;
    struct reader_place place = {0};
    struct reader_batch batch;
    ck_assert_int_eq(next(&w, &place, &batch), GW_ERR_CORRUPT);
    world_close(&w);
}
END_TEST

/* The store renames a segment into its pool and writes another one into the same file. */
START_TEST(a_recycled_file_is_found_by_its_new_name_and_gone_by_its_old)
{
    struct world w;
    world_open(&w);
    world_add(&w, 100, 500);
    struct reader_place place = {0};
    struct reader_batch batch;
    ck_assert_int_eq(next(&w, &place, &batch), 1);

    char old[128], new[128];
    segment_path(&w, 7, old, sizeof old);
    segment_path(&w, 8, new, sizeof new);
    ck_assert_int_eq(rename(old, new), 0);
    FILE *f = fopen(new, "r+b"); /* the same inode */
    ck_assert_ptr_nonnull(f);
    for (size_t i = 0; i < FILE_BYTES; i++)
        w.bytes[i] ^= 0x5a;
    ck_assert_uint_eq(fwrite(w.bytes, 1, FILE_BYTES, f), FILE_BYTES);
    fclose(f);

    w.offset[0] = 200000; /* outside of what lies in the chunk */
    place = (struct reader_place){0};
    ck_assert_int_eq(next(&w, &place, &batch), GW_ERR_NOT_FOUND);
    w.extents.segment = 8;
    w.count = 0;
    world_add(&w, 100, 500);
    ck_assert_int_eq(next(&w, &place, &batch), 1);
    ck_assert_int_eq(memcmp(batch.bytes.data, w.bytes + 100, 500), 0);
    world_close(&w);
}
END_TEST

START_TEST(a_stale_descriptor_is_replaced_once)
{
    struct world w;
    world_open(&w);
    world_add(&w, 100, 500);
    struct reader_place place = {0};
    struct reader_batch batch;
    ck_assert_int_eq(next(&w, &place, &batch), 1);
    char path[128];
    segment_path(&w, 7, path, sizeof path);
    ck_assert_int_eq(unlink(path), 0);
    segment_write(&w, 7, 0x33); /* the name now leads to another file */
    w.count = 0;
    world_add(&w, 100, 500);
    place = (struct reader_place){0};
    ck_assert_int_eq(next(&w, &place, &batch), 1);
    ck_assert_int_eq(memcmp(batch.bytes.data, w.bytes + 100, 500), 0);
    world_close(&w);
}
END_TEST

START_TEST(what_cannot_be_read_is_an_error_with_a_name)
{
    static const struct {
        const char *why;
        uint64_t segment;
        uint64_t offset;
        uint32_t length;
        int drop_checksum;
        int expected;
    } cases[] = {
        {"no such segment", 99, 0, 10, 0, GW_ERR_NOT_FOUND},
        {"behind the end of the file", 7, FILE_BYTES, 10, 0, GW_ERR_CORRUPT},
        {"over the end of the file", 7, FILE_BYTES - 5, 10, 0, GW_ERR_CORRUPT},
        {"offset that no file has", 7, UINT64_MAX - 3, 10, 0, GW_ERR_MALFORMED},
        {"length that no batch has", 7, 0, UINT32_MAX, 0, GW_ERR_MALFORMED},
        {"lists of different length", 7, 0, 10, 1, GW_ERR_MALFORMED},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct world w;
        world_open(&w);
        world_add(&w, 0, 10);
        w.extents.segment = cases[c].segment;
        w.offset[0] = cases[c].offset;
        w.length[0] = cases[c].length;
        if (cases[c].drop_checksum)
            w.extents.n_checksum = 0;
        struct reader_place place = {0};
        struct reader_batch batch;
        int rc = next(&w, &place, &batch);
        ck_assert_msg(rc == cases[c].expected, "%s: %s", cases[c].why, gw_strerror(rc));
        world_close(&w);
    }
}
END_TEST

START_TEST(inline_payload_is_handed_on_as_it_came)
{
    struct reader *reader = reader_new(-1);
    Masques__Bus__Deliver deliver = MASQUES__BUS__DELIVER__INIT;
    uint64_t received[] = {5, 6};
    deliver.n_received_ns = 2;
    deliver.received_ns = received;
    const struct slice payloads[] = {slice_of("one"), slice_of("three")};
    struct reader_place place = {0};
    struct reader_batch batch;
    ck_assert_int_eq(reader_next(reader, &deliver, payloads, 2, &place, &batch), 1);
    ck_assert(slice_is(batch.bytes, "one"));
    ck_assert_uint_eq(batch.received_ns, 5);
    ck_assert_int_eq(reader_next(reader, &deliver, payloads, 2, &place, &batch), 1);
    ck_assert(slice_is(batch.bytes, "three"));
    ck_assert_int_eq(reader_next(reader, &deliver, payloads, 2, &place, &batch), 0);
    reader_free(&reader);
}
END_TEST

START_TEST(extents_without_a_store_are_unsupported)
{
    struct world w;
    world_open(&w);
    world_add(&w, 0, 10);
    struct reader *blind = reader_new(-1);
    struct reader_place place = {0};
    struct reader_batch batch;
    ck_assert_int_eq(reader_next(blind, &w.deliver, NULL, 0, &place, &batch), GW_ERR_UNSUPPORTED);
    reader_free(&blind);
    world_close(&w);
}
END_TEST

START_TEST(tidying_lets_go_of_deleted_segments)
{
    struct world w;
    world_open(&w);
    world_add(&w, 100, 500);
    struct reader_place place = {0};
    struct reader_batch batch;
    ck_assert_int_eq(next(&w, &place, &batch), 1);
    reader_tidy(w.reader);
    w.offset[0] = 1000000;
    w.checksum[0] = XXH3_64bits_withSeed(w.bytes + 1000000, 500, SEED);
    place = (struct reader_place){0};
    ck_assert_int_eq(next(&w, &place, &batch), 1);
    ck_assert_uint_eq(reader_stats(w.reader).opens, 1); /* a living one stays open */
    char path[128];
    segment_path(&w, 7, path, sizeof path);
    ck_assert_int_eq(unlink(path), 0);
    reader_tidy(w.reader);
    w.offset[0] = 2000000;
    w.checksum[0] = XXH3_64bits_withSeed(w.bytes + 2000000, 500, SEED);
    place = (struct reader_place){0};
    ck_assert_int_eq(next(&w, &place, &batch), GW_ERR_NOT_FOUND);
    world_close(&w);
}
END_TEST

START_TEST(another_store_is_read_from_where_it_is)
{
    struct world w, other;
    struct reader_place place = {0};
    struct reader_batch batch;
    world_open(&w);
    world_open(&other);
    segment_write(&other, 7, 0xff);
    world_add(&w, 100, 500);
    world_add(&other, 100, 500);
    ck_assert_int_eq(next(&w, &place, &batch), 1);
    place = (struct reader_place){0};
    reader_set_store(w.reader, dup(other.fd));
    ck_assert_int_eq(reader_next(w.reader, &other.deliver, NULL, 0, &place, &batch), 1);
    ck_assert_int_eq(memcmp(batch.bytes.data, other.bytes + 100, 500), 0);
    place = (struct reader_place){0};
    reader_set_store(w.reader, -1);
    ck_assert_int_eq(next(&w, &place, &batch), GW_ERR_UNSUPPORTED);
    world_close(&other);
    world_close(&w);
}
END_TEST

SUITE_MAIN("exporters/common/reader", batches_come_in_order_with_their_records_and_times,
           neighbours_are_read_together_up_to_a_chunk,
           two_deliveries_read_in_turns_both_get_their_own_bytes,
           a_wrong_checksum_is_corrupt_and_the_place_stays, the_seed_counts,
           a_recycled_file_is_found_by_its_new_name_and_gone_by_its_old,
           a_stale_descriptor_is_replaced_once, what_cannot_be_read_is_an_error_with_a_name,
           inline_payload_is_handed_on_as_it_came, extents_without_a_store_are_unsupported,
           tidying_lets_go_of_deleted_segments, another_store_is_read_from_where_it_is)
