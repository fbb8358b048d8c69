// SPDX-License-Identifier: Apache-2.0
#include "router/store/segment_format.h"

#include <string.h>

#include "tests/support/suite.h"

static struct segment_header header(void)
{
    struct segment_header h = {.number = 7,
                               .generation = 3,
                               .base = {100, 2000, 30000},
                               .seed = 0x1234567890abcdefu,
                               .created_ns = 99,
                               .snapshot_checksum = 5,
                               .snapshot_bytes = 30,
                               .header_bytes = SEGMENT_SNAPSHOT_OFFSET + 32,
                               .signal = 2};
    memset(h.uuid, 0xa5, sizeof h.uuid);
    return h;
}

static struct segment_record record(void)
{
    struct segment_record r = {.at = {101, 2001, 30001},
                               .number = 9,
                               .lowest_open = 8,
                               .received_ns = 77,
                               .payload_checksum = 66,
                               .payload_bytes = 20,
                               .sources_bytes = 5,
                               .records = 4,
                               .stream = 3};
    memset(r.incarnation, 0x11, sizeof r.incarnation);
    return r;
}

START_TEST(header_reads_back_and_every_flipped_bit_is_seen)
{
    uint8_t at[SEGMENT_HEADER_BYTES];
    struct segment_header h = header(), got;
    segment_header_put(&h, at);
    ck_assert_int_eq(segment_header_get(at, &got), 0);
    ck_assert_mem_eq(got.uuid, h.uuid, sizeof h.uuid);
    ck_assert_uint_eq(got.number, 7);
    ck_assert_uint_eq(got.generation, 3);
    ck_assert_uint_eq(got.base.sequence, 100);
    ck_assert_uint_eq(got.base.records, 2000);
    ck_assert_uint_eq(got.base.bytes, 30000);
    ck_assert_uint_eq(got.seed, h.seed);
    ck_assert_uint_eq(got.created_ns, 99);
    ck_assert_uint_eq(got.snapshot_bytes, 30);
    ck_assert_uint_eq(got.header_bytes, h.header_bytes);
    ck_assert_uint_eq(got.signal, 2);
    for (unsigned bit = 0; bit < SEGMENT_HEADER_BYTES * 8; bit++) {
        at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_ne(segment_header_get(at, &got), 0);
        at[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
END_TEST

START_TEST(a_newer_header_is_refused_only_when_it_needs_a_newer_reader)
{
    uint8_t at[SEGMENT_HEADER_BYTES];
    struct segment_header h = header(), got;
    segment_header_put(&h, at);
    at[8] = 9;
    at[10] = 9;
    ck_assert_int_eq(segment_header_get(at, &got), GW_ERR_UNSUPPORTED);
    at[10] = SEGMENT_VERSION; /* written by version 9 for readers of ours: judged by its checksum */
    ck_assert_int_eq(segment_header_get(at, &got), GW_ERR_CORRUPT);
}
END_TEST

START_TEST(a_record_is_valid_only_where_it_was_written)
{
    uint8_t at[SEGMENT_RECORD_BYTES + 32] = {0};
    struct segment_header h = header(), other = header();
    struct segment_record r = record(), got;
    struct slice sources = slice_of("abcde"), all = slice_make(at, sizeof at);
    uint64_t key = segment_key(&h);
    memcpy(at + SEGMENT_RECORD_BYTES, sources.data, sources.len);
    segment_record_put(&r, sources, key, 512, at);
    ck_assert_int_eq(segment_record_get(all, key, 512, &got), 0);
    ck_assert_mem_eq(&got, &r, sizeof r);
    ck_assert_int_eq(segment_record_get(all, key, 520, &got), GW_ERR_CORRUPT);
    other.number++;
    ck_assert_int_eq(segment_record_get(all, segment_key(&other), 512, &got), GW_ERR_CORRUPT);
    other = header();
    other.uuid[15]++;
    ck_assert_int_eq(segment_record_get(all, segment_key(&other), 512, &got), GW_ERR_CORRUPT);
    other = header();
    other.seed++;
    ck_assert_int_eq(segment_record_get(all, segment_key(&other), 512, &got), GW_ERR_CORRUPT);
    other = header();
    other.signal++;
    ck_assert_int_eq(segment_record_get(all, segment_key(&other), 512, &got), GW_ERR_CORRUPT);
    /* header and sources are covered, the payload has a checksum of its own */
    for (unsigned i = 0; i < SEGMENT_RECORD_BYTES + 5; i++) {
        at[i] ^= 0x40;
        ck_assert_int_eq(segment_record_get(all, key, 512, &got), GW_ERR_CORRUPT);
        at[i] ^= 0x40;
    }
    for (size_t len = 0; len < segment_record_size(5, 20); len++)
        ck_assert_int_eq(segment_record_get(slice_make(at, len), key, 512, &got), GW_ERR_CORRUPT);
}
END_TEST

START_TEST(a_trailer_is_valid_only_where_it_was_written)
{
    uint8_t at[SEGMENT_TRAILER_BYTES];
    struct segment_trailer t = {512, {105, 2005, 30005}, 4}, got;
    struct slice all = slice_make(at, sizeof at);
    segment_trailer_put(&t, 42, 800, at);
    ck_assert_int_eq(segment_trailer_get(all, 42, 800, &got), 0);
    ck_assert_uint_eq(got.start, 512);
    ck_assert_uint_eq(got.next.sequence, 105);
    ck_assert_uint_eq(got.next.records, 2005);
    ck_assert_uint_eq(got.next.bytes, 30005);
    ck_assert_uint_eq(got.count, 4);
    ck_assert_int_eq(segment_trailer_get(all, 42, 808, &got), GW_ERR_CORRUPT);
    ck_assert_int_eq(segment_trailer_get(all, 43, 800, &got), GW_ERR_CORRUPT);
    for (unsigned i = 0; i < sizeof at; i++) {
        at[i] ^= 1;
        ck_assert_int_eq(segment_trailer_get(all, 42, 800, &got), GW_ERR_CORRUPT);
        at[i] ^= 1;
    }
    ck_assert_int_eq(segment_trailer_get(slice_make(at, sizeof at - 1), 42, 800, &got),
                     GW_ERR_CORRUPT);
}
END_TEST

START_TEST(a_footer_must_fit_its_place_and_its_count)
{
    uint8_t at[SEGMENT_FOOTER_BYTES];
    struct segment_footer f = {7, 1000, {100, 1, 1}, {103, 9, 9}, 55, 3}, got;
    uint64_t place = 1000 + 3 * SEGMENT_ENTRY_BYTES;
    segment_footer_put(&f, 42, place, at);
    ck_assert_int_eq(segment_footer_get(at, 42, place, &got), 0);
    ck_assert_mem_eq(&got.next, &f.next, sizeof f.next);
    ck_assert_uint_eq(got.index_checksum, 55);
    ck_assert_int_eq(segment_footer_get(at, 42, place + 8, &got), GW_ERR_CORRUPT);
    f.count = 2; /* a checksum does not make it true */
    segment_footer_put(&f, 42, place, at);
    ck_assert_int_eq(segment_footer_get(at, 42, place, &got), GW_ERR_CORRUPT);
}
END_TEST

START_TEST(an_index_entry_reads_back)
{
    uint8_t at[SEGMENT_ENTRY_BYTES];
    struct segment_entry e = {1, 2, 3, 4, 5, 6, SEGMENT_QUARANTINED}, got;
    segment_entry_put(&e, at);
    segment_entry_get(at, &got);
    ck_assert_uint_eq(got.offset, 1);
    ck_assert_uint_eq(got.checksum, 2);
    ck_assert_uint_eq(got.received_ns, 3);
    ck_assert_uint_eq(got.length, 4);
    ck_assert_uint_eq(got.records, 5);
    ck_assert_uint_eq(got.stream, 6);
    ck_assert_uint_eq(got.flags, SEGMENT_QUARANTINED);
}
END_TEST

SUITE_MAIN("segment_format", header_reads_back_and_every_flipped_bit_is_seen,
           a_newer_header_is_refused_only_when_it_needs_a_newer_reader,
           a_record_is_valid_only_where_it_was_written,
           a_trailer_is_valid_only_where_it_was_written, a_footer_must_fit_its_place_and_its_count,
           an_index_entry_reads_back)
