// SPDX-License-Identifier: Apache-2.0
/* Notes outlive the program that wrote them: what is expected here must stay readable. */
#include "exporters/clickhouse/note.h"
#include "tests/support/suite.h"

#define HEX_MAX (2 * NOTE_MAX_BYTES + 1)

static struct note sample(void)
{
    return (struct note){.limits = {.version = 1, .rows = 100000, .bytes = 33554432},
                         .parts_done = 2, .position = 4096, .span = 128, .open = true,
                         .place = UINT64_C(0x0102030405060708)};
}

static struct buf written(const struct note *note)
{
    struct buf out = buf_make(NOTE_MAX_BYTES);
    note_write(note, &out);
    ck_assert(buf_ok(&out));
    return out;
}

static void check_hex(const struct note *note, const char *expected)
{
    struct buf out = written(note), hex = buf_make(HEX_MAX);
    buf_hex(&hex, buf_slice(&out));
    buf_byte(&hex, '\0');
    ck_assert_str_eq((const char *)hex.data, expected);
    buf_free(&out);
    buf_free(&hex);
}

START_TEST(notes_are_these_bytes)
{
    struct note note = sample();
    check_hex(&note, "0101a08d06808080100280208001010807060504030201" "0000");
    ck_assert_int_eq(note_reject(&note, 0, 5, 1, "bad", 0), 0);
    ck_assert_int_eq(note_reject(&note, 2, 300, 2, "worse", 0), 0);
    ck_assert_int_eq(note_reject(&note, 2, 310, 1, "bad", 0), 0);
    check_hex(&note, "0101a08d06808080100280208001010807060504030201"
                     "0203626164" "05776f727365" "03" "00050100" "02ac020201" "00080100");
    note_fini(&note);
}
END_TEST

static void check_same(const struct note *a, const struct note *b)
{
    ck_assert_uint_eq(a->limits.version, b->limits.version);
    ck_assert_uint_eq(a->limits.rows, b->limits.rows);
    ck_assert_uint_eq(a->limits.bytes, b->limits.bytes);
    ck_assert_uint_eq(a->parts_done, b->parts_done);
    ck_assert_uint_eq(a->position, b->position);
    ck_assert_uint_eq(a->span, b->span);
    ck_assert_uint_eq(a->open, b->open);
    ck_assert_uint_eq(a->place, b->place);
    ck_assert_uint_eq(a->range_count, b->range_count);
    for (size_t i = 0; i < a->range_count; i++) {
        ck_assert_uint_eq(a->ranges[i].part, b->ranges[i].part);
        ck_assert_uint_eq(a->ranges[i].first, b->ranges[i].first);
        ck_assert_uint_eq(a->ranges[i].count, b->ranges[i].count);
        ck_assert_str_eq(a->reasons[a->ranges[i].reason], b->reasons[b->ranges[i].reason]);
    }
}

START_TEST(what_is_written_is_read)
{
    struct note note = sample(), back;
    for (uint32_t i = 0; i < 200; i++)
        ck_assert_int_eq(note_reject(&note, i / 20, 7 * (i % 20) * (i % 20), 1 + i % 3, i % 2 ? "odd" : "even", 0), 0);
    struct buf out = written(&note);
    ck_assert_int_eq(note_read(buf_slice(&out), &back), 0);
    check_same(&note, &back);
    buf_free(&out);
    note_fini(&note);
    note_fini(&back);
}
END_TEST

START_TEST(rows_that_follow_each_other_are_one_range)
{
    struct note note = sample();
    ck_assert_int_eq(note_reject(&note, 0, 5, 1, "bad", 0), 0);
    ck_assert_int_eq(note_reject(&note, 0, 6, 2, "bad", 0), 0);
    ck_assert_uint_eq(note.range_count, 1);
    ck_assert_uint_eq(note.ranges[0].count, 3);
    ck_assert_int_eq(note_reject(&note, 0, 8, 1, "otherwise", 0), 0);
    ck_assert_int_eq(note_reject(&note, 1, 9, 1, "otherwise", 0), 0);
    ck_assert_uint_eq(note.range_count, 3);
    note_fini(&note);
}
END_TEST

START_TEST(reasons_beyond_the_last_are_the_last)
{
    struct note note = sample();
    char text[300];
    for (uint32_t i = 0; i < NOTE_REASONS_MAX + 3; i++) {
        memset(text, (int)('a' + i), sizeof text);
        text[sizeof text - 1] = '\0';
        ck_assert_int_eq(note_reject(&note, 0, 2 * i, 1, text, 0), 0);
    }
    ck_assert_uint_eq(note.reason_count, NOTE_REASONS_MAX);
    ck_assert_uint_eq(note.ranges[NOTE_REASONS_MAX + 2].reason, NOTE_REASONS_MAX - 1);
    ck_assert_uint_eq(strlen(note.reasons[0]), NOTE_REASON_BYTES - 1);
    note_fini(&note);
}
END_TEST

START_TEST(a_note_that_is_full_stays_writable)
{
    struct note note = sample();
    int rc = 0;
    uint32_t at = 0;
    for (; rc == 0; at += 1000)
        rc = note_reject(&note, 0, at, 1, "bad", 1024);
    ck_assert_int_eq(rc, GW_ERR_FULL);
    size_t kept = note.range_count;
    ck_assert_uint_gt(kept, 300);
    ck_assert_int_eq(note_reject(&note, 0, at, 1000000, "bad", 0), 0); /* the reserve is there */
    for (rc = 0; rc == 0; at += 1000)
        rc = note_reject(&note, 1, at, 1, "bad", 0);
    struct buf out = written(&note);
    ck_assert_uint_le(out.len, NOTE_MAX_BYTES);
    buf_free(&out);
    note_fini(&note);
}
END_TEST

START_TEST(other_versions_are_not_carried_on)
{
    struct note note;
    static const uint8_t other_note[] = {2, 1, 1}, other_plan[] = {1, 0x7f, 1};
    ck_assert_int_eq(note_read(slice_make(other_note, sizeof other_note), &note), GW_ERR_UNSUPPORTED);
    ck_assert_int_eq(note_read(slice_make(other_plan, sizeof other_plan), &note), GW_ERR_UNSUPPORTED);
}
END_TEST

START_TEST(bytes_that_are_no_note_are_refused)
{
    struct note note = sample(), back;
    ck_assert_int_eq(note_reject(&note, 0, 5, 1, "bad", 0), 0);
    ck_assert_int_eq(note_reject(&note, 3, 5, 1, "worse", 0), 0);
    struct buf out = written(&note);
    ck_assert_int_eq(note_read(slice_make(NULL, 0), &back), GW_ERR_MALFORMED);
    for (size_t len = 2; len < out.len; len++) /* the version alone is read */
        ck_assert_int_eq(note_read(slice_make(out.data, len), &back), GW_ERR_MALFORMED);
    for (size_t at = 2; at < out.len; at++) /* never more than an error */
        for (unsigned bit = 0; bit < 8; bit++) {
            out.data[at] ^= (uint8_t)(1u << bit);
            (void)!note_read(buf_slice(&out), &back);
            note_fini(&back);
            out.data[at] ^= (uint8_t)(1u << bit);
        }
    buf_byte(&out, 0);
    ck_assert_int_eq(note_read(buf_slice(&out), &back), GW_ERR_MALFORMED);
    buf_free(&out);
    note_fini(&note);
}
END_TEST

SUITE_MAIN("note", notes_are_these_bytes, what_is_written_is_read, rows_that_follow_each_other_are_one_range,
           reasons_beyond_the_last_are_the_last, a_note_that_is_full_stays_writable,
           other_versions_are_not_carried_on, bytes_that_are_no_note_are_refused)
