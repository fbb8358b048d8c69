// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/wire_out.h"

#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/otlp/message.h"

#define OUT_MAX_BYTES (64u << 20)

static void write_text(struct wire_out *w, size_t n)
{
    uint8_t *at = wire_out_room(w, n);
    ck_assert_ptr_nonnull(at);
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)('a' + i % 26);
    wire_out_wrote(w, at + n);
}

static void check_text(struct slice text, size_t n)
{
    ck_assert_uint_eq(text.len, n);
    size_t same = 0;
    while (same < n && text.data[same] == 'a' + same % 26)
        same++;
    ck_assert_uint_eq(same, n);
}

/* One field of `message`, which has no other; its bytes. */
static struct slice only_field(struct slice bytes, uint32_t number)
{
    struct wire in = wire_of(bytes);
    struct wire_field f;
    ck_assert_int_eq(wire_next(&in, &f), 1);
    ck_assert_uint_eq(f.number, number);
    ck_assert_uint_eq(f.type, WIRE_BYTES);
    ck_assert_ptr_eq(in.at, in.end);
    return f.bytes;
}

START_TEST(messages_of_every_size_keep_their_bytes)
{
    static const size_t sizes[] = {0, 1, 126, 127, 128, 129, 16382, 16383, 16384, 300000, 3000000};
    static const uint32_t widths[] = {1, 2, 4};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t k = 0; k < 3; k++) {
            struct buf out = buf_make(OUT_MAX_BYTES);
            struct wire_out w;
            buf_text(&out, "before");
            wire_out_init(&w, &out, 0);
            ck_assert_int_eq(wire_out_open(&w, 3, widths[k]), GW_OK);
            ck_assert_int_eq(wire_out_open(&w, 16, widths[k]), GW_OK);
            write_text(&w, sizes[i]);
            wire_out_close(&w);
            wire_out_close(&w);
            ck_assert_mem_eq(out.data, "before", 6);
            struct slice outer = only_field(slice_make(out.data + 6, out.len - 6), 3);
            check_text(only_field(outer, 16), sizes[i]);
            if (sizes[i] < 124)
                ck_assert_uint_eq(out.len, 6 + 5 + sizes[i]);
            buf_free(&out);
        }
    }
}
END_TEST

/* In pieces of `piece` bytes, with as many levels open as there may be, which are closed one after
 * the other with something written between. */
START_TEST(messages_grow_however_deep_they_lie)
{
    for (size_t piece = 1; piece < 20000; piece = piece * 3 + 1) {
        struct buf out = buf_make(OUT_MAX_BYTES);
        struct wire_out w;
        wire_out_init(&w, &out, 0);
        for (uint32_t i = 1; i < WIRE_OUT_DEPTH_MAX; i++)
            ck_assert_int_eq(wire_out_open(&w, 1, 1), GW_OK);
        while (w.depth > 1) {
            uint8_t *at = wire_out_room(&w, piece + 8);
            ck_assert_ptr_nonnull(at);
            at = wire_out_put_tag(at, 2, WIRE_BYTES);
            at = wire_out_put_varint(at, piece);
            memset(at, 'x', piece);
            wire_out_wrote(&w, at + piece);
            wire_out_close(&w);
        }
        struct slice inside = buf_slice(&out);
        for (uint32_t i = 1; i < WIRE_OUT_DEPTH_MAX; i++) {
            struct wire in = wire_of(inside);
            struct wire_field f;
            ck_assert_int_eq(wire_next(&in, &f), 1);
            ck_assert_uint_eq(f.number, 1);
            inside = f.bytes;
            if (i > 1) {
                ck_assert_int_eq(wire_next(&in, &f), 1);
                ck_assert_uint_eq(f.number, 2);
                ck_assert_uint_eq(f.bytes.len, piece);
            }
            ck_assert_ptr_eq(in.at, in.end);
        }
        ck_assert_uint_eq(only_field(inside, 2).len, piece);
        buf_free(&out);
    }
}
END_TEST

START_TEST(bytes_can_be_taken_out_again)
{
    struct buf out = message();
    struct wire_out w;
    wire_out_init(&w, &out, 0);
    ck_assert_int_eq(wire_out_open(&w, 1, 1), GW_OK);
    write_text(&w, 100);
    size_t from = wire_out_size(&w);
    write_text(&w, 100); /* which moves the message */
    size_t to = wire_out_size(&w);
    write_text(&w, 26);
    wire_out_cut(&w, from, to);
    ck_assert_uint_eq(wire_out_size(&w), 126);
    wire_out_cut(&w, from, 126);
    wire_out_close(&w);
    check_text(only_field(buf_slice(&out), 1), 100);
    ck_assert_uint_eq(out.len, 102);
    buf_free(&out);
}
END_TEST

START_TEST(the_limit_is_kept_to_the_byte)
{
    struct buf out = message();
    struct wire_out w;
    buf_text(&out, "before");
    wire_out_init(&w, &out, 10);
    write_text(&w, 4);
    ck_assert_int_eq(wire_out_open(&w, 1, 1), GW_OK);
    ck_assert_ptr_null(wire_out_room(&w, 5));
    ck_assert_int_eq(w.err, GW_ERR_TOO_LARGE);
    wire_out_init(&w, &out, 10);
    ck_assert_int_eq(wire_out_open(&w, 1, 1), GW_OK);
    write_text(&w, 8);
    ck_assert_int_eq(wire_out_open(&w, 1, 1), GW_ERR_TOO_LARGE);
    buf_free(&out);
    /* One byte more would fit, but the length that it makes longer would not. */
    wire_out_init(&w, &out, 3 + 16383 + 1);
    ck_assert_int_eq(wire_out_open(&w, 1, 2), GW_OK);
    write_text(&w, 16383);
    ck_assert_ptr_null(wire_out_room(&w, 1));
    ck_assert_int_eq(w.err, GW_ERR_TOO_LARGE);
    buf_free(&out);
}
END_TEST

START_TEST(a_full_buffer_is_told_from_the_limit)
{
    struct buf out = buf_make(10);
    struct wire_out w;
    wire_out_init(&w, &out, 0);
    ck_assert_ptr_null(wire_out_room(&w, 11));
    ck_assert_int_eq(w.err, GW_ERR_NOMEM);
}
END_TEST

START_TEST(numbers_are_written_as_they_are_read)
{
    static const uint64_t values[] = {0, 1, 127, 128, 300, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        uint8_t bytes[32];
        struct wire_field f;
        uint8_t *at = wire_out_put_tag(bytes, 2047, WIRE_VARINT);
        ck_assert_ptr_eq(at, bytes + WIRE_OUT_TAG_ROOM);
        at = wire_out_put_varint(at, values[i]);
        at = wire_out_put_tag(at, 1, WIRE_FIXED64);
        at = wire_out_put_fixed64(at, values[i]);
        at = wire_out_put_tag(at, 1, WIRE_FIXED32);
        at = wire_out_put_fixed32(at, (uint32_t)values[i]);
        struct wire in = wire_of(slice_make(bytes, (size_t)(at - bytes)));
        for (int k = 0; k < 3; k++) {
            ck_assert_int_eq(wire_next(&in, &f), 1);
            ck_assert_uint_eq(f.number, k ? 1 : 2047);
            ck_assert_uint_eq(f.value, k == 2 ? (uint32_t)values[i] : values[i]);
        }
        ck_assert_int_eq(wire_next(&in, &f), 0);
    }
}
END_TEST

SUITE_MAIN("wire_out", messages_of_every_size_keep_their_bytes, messages_grow_however_deep_they_lie,
           bytes_can_be_taken_out_again, the_limit_is_kept_to_the_byte,
           a_full_buffer_is_told_from_the_limit, numbers_are_written_as_they_are_read)
