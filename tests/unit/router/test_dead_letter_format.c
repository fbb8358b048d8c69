// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "router/dead_letter_format.h"
#include "router/store/le.h"
#include "tests/support/suite.h"

static struct dead_letter sample(void)
{
    struct dead_letter l = {
        .number = 0x300000007,
        .generation = 3,
        .first = 100,
        .last = 109,
        .index = 5,
        .records = 2,
        .rejected_ns = 1700000000123456789,
        .signal = 3,
        .exporter = slice_of("clickhouse/main"),
        .reason = slice_of("timestamp out of range"),
    };
    memset(l.store, 0xAB, sizeof l.store);
    return l;
}

/* A whole file in memory of its own, so that reading past its end is seen. */
static struct slice file_of(struct dead_letter l, const char *payload)
{
    uint8_t header[DEAD_LETTER_HEADER_MAX_BYTES];
    struct slice bytes = slice_of(payload);
    l.payload_bytes = bytes.len;
    l.payload_checksum = dead_letter_checksum(bytes);
    size_t len = dead_letter_put(&l, header);
    ck_assert_uint_le(len, sizeof header);
    ck_assert_uint_eq(len % DEAD_LETTER_ALIGN, 0);
    uint8_t *file = malloc(len + bytes.len);
    ck_assert_ptr_nonnull(file);
    memcpy(file, header, len);
    memcpy(file + len, bytes.data, bytes.len);
    return slice_make(file, len + bytes.len);
}

static void drop(struct slice file)
{
    free((void *)(uintptr_t)file.data);
}

START_TEST(what_is_written_is_read)
{
    static const char *const payloads[] = {"", "p", "a payload of some bytes"};
    for (size_t i = 0; i < 3; i++) {
        struct dead_letter l;
        struct slice payload;
        struct slice file = file_of(sample(), payloads[i]);
        ck_assert_int_eq(dead_letter_get_whole(file, &l, &payload), 0);
        ck_assert(slice_is(payload, payloads[i]));
        ck_assert_uint_eq(l.number, 0x300000007);
        ck_assert_uint_eq(l.generation, 3);
        ck_assert_uint_eq(l.first, 100);
        ck_assert_uint_eq(l.last, 109);
        ck_assert_uint_eq(l.index, 5);
        ck_assert_uint_eq(l.records, 2);
        ck_assert_uint_eq(l.rejected_ns, 1700000000123456789);
        ck_assert_uint_eq(l.signal, 3);
        ck_assert(slice_is(l.exporter, "clickhouse/main"));
        ck_assert(slice_is(l.reason, "timestamp out of range"));
        ck_assert_uint_eq(l.store[15], 0xAB);
        drop(file);
    }
}
END_TEST

START_TEST(every_shorter_file_is_incomplete_and_a_longer_one_malformed)
{
    struct dead_letter l;
    struct slice payload;
    struct slice file = file_of(sample(), "payload");
    for (size_t len = 0; len < file.len; len++) {
        uint8_t *cut = malloc(len + 1);
        memcpy(cut, file.data, len);
        ck_assert_int_eq(dead_letter_get_whole(slice_make(cut, len), &l, &payload),
                         GW_ERR_INCOMPLETE);
        free(cut);
    }
    uint8_t *longer = malloc(file.len + 1);
    memcpy(longer, file.data, file.len);
    longer[file.len] = 0;
    ck_assert_int_eq(dead_letter_get_whole(slice_make(longer, file.len + 1), &l, &payload),
                     GW_ERR_MALFORMED);
    free(longer);
    drop(file);
}
END_TEST

START_TEST(every_flipped_bit_is_found)
{
    struct dead_letter l;
    struct slice payload;
    struct slice file = file_of(sample(), "payload");
    uint8_t *bytes = (uint8_t *)(uintptr_t)file.data;
    for (size_t bit = 0; bit < file.len * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_msg(dead_letter_get_whole(file, &l, &payload) < 0, "bit %zu", bit);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_int_eq(dead_letter_get_whole(file, &l, &payload), 0);
    drop(file);
}
END_TEST

START_TEST(a_newer_version_is_named_as_such)
{
    struct dead_letter l;
    struct slice file = file_of(sample(), "payload");
    uint8_t *bytes = (uint8_t *)(uintptr_t)file.data;
    le_put_u16(bytes + 10, DEAD_LETTER_VERSION + 1);
    ck_assert_int_eq(dead_letter_get(file, &l), GW_ERR_UNSUPPORTED);
    drop(file);
}
END_TEST

START_TEST(a_long_reason_is_cut_between_characters)
{
    char reason[DEAD_LETTER_REASON_MAX_BYTES + 10];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(reason, 'x', sizeof reason);
        for (size_t at = shift; at + 3 < sizeof reason; at += 3)
            memcpy(reason + at, "\xe2\x82\xac", 3); /* a euro sign */
        struct dead_letter l = sample();
        struct slice payload;
        l.reason = slice_make(reason, sizeof reason);
        struct slice file = file_of(l, "payload");
        ck_assert_int_eq(dead_letter_get_whole(file, &l, &payload), 0);
        ck_assert_uint_le(l.reason.len, DEAD_LETTER_REASON_MAX_BYTES);
        ck_assert_uint_gt(l.reason.len, DEAD_LETTER_REASON_MAX_BYTES - 3);
        ck_assert_uint_eq((l.reason.len - shift) % 3, 0);
        drop(file);
    }
}
END_TEST

SUITE_MAIN("router/dead_letter_format", what_is_written_is_read,
           every_shorter_file_is_incomplete_and_a_longer_one_malformed, every_flipped_bit_is_found,
           a_newer_version_is_named_as_such, a_long_reason_is_cut_between_characters)
