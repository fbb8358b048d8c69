// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/grpc_frame.h"

#include <stdlib.h>

#include "tests/support/suite.h"

#define MAX_BYTES 1000u

struct result {
    int err; /* GW_OK after a whole message and the end of the stream */
    enum otlp_cause cause;
    uint32_t length;
    bool compressed;
    uint8_t message[MAX_BYTES];
};

/* Plays a stream of `len` bytes in DATA of `step` bytes, then END_STREAM. */
static struct result play(const uint8_t *bytes, size_t len, size_t step, bool coded)
{
    struct result r = {0};
    struct grpc_frame f;
    grpc_frame_init(&f, MAX_BYTES, coded);
    uint8_t *room = NULL;
    for (size_t at = 0; at < len && r.err >= 0;) {
        size_t n = len - at < step ? len - at : step;
        int64_t used = grpc_frame_feed(&f, slice_make(bytes + at, n));
        if (used < 0) {
            r.err = (int)used;
            break;
        }
        ck_assert_msg(used == (int64_t)n || grpc_frame_wants_room(&f), "all or room");
        at += (size_t)used;
        if (grpc_frame_wants_room(&f)) {
            ck_assert_uint_eq(used == 0, 0);
            room = malloc(f.length);
            ck_assert_ptr_nonnull(room);
            grpc_frame_give_room(&f, room);
        }
    }
    if (r.err >= 0)
        r.err = grpc_frame_end(&f);
    r.cause = f.cause;
    r.length = f.length;
    r.compressed = f.compressed;
    if (r.err == GW_OK && f.length)
        memcpy(r.message, room, f.length);
    free(room);
    return r;
}

#define STREAM(...) {__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
static const struct {
    uint8_t bytes[16];
    size_t len;
    bool coded;
    int err;
    enum otlp_cause cause;
    const char *why;
} streams[] = {
    {STREAM(0, 0, 0, 0, 3, 'a', 'b', 'c'), false, GW_OK, OTLP_ACCEPTED, "one message"},
    {STREAM(0, 0, 0, 0, 0), false, GW_OK, OTLP_ACCEPTED, "an empty message is a message"},
    {STREAM(1, 0, 0, 0, 1, 'z'), true, GW_OK, OTLP_ACCEPTED, "compressed, with a coding"},
    {STREAM(0, 0, 0, 0, 1, 'z'), true, GW_OK, OTLP_ACCEPTED, "a coding need not be used"},
    {STREAM(1, 0, 0, 0, 1, 'z'), false, GW_ERR_MALFORMED, OTLP_BAD_GRPC_FRAME,
     "compressed, without a coding"},
    {STREAM(2, 0, 0, 0, 1, 'z'), true, GW_ERR_MALFORMED, OTLP_BAD_GRPC_FRAME, "flag 2"},
    {STREAM(0x80, 0, 0, 0, 1, 'z'), true, GW_ERR_MALFORMED, OTLP_BAD_GRPC_FRAME,
     "gRPC-Web's trailer flag"},
    {STREAM(0, 0, 0, 0x03, 0xe9), false, GW_ERR_TOO_LARGE, OTLP_TOO_LARGE_WIRE, "1001 bytes"},
    {STREAM(0, 0xff, 0xff, 0xff, 0xff), false, GW_ERR_TOO_LARGE, OTLP_TOO_LARGE_WIRE, "4 GiB"},
    {STREAM(0), false, GW_ERR_MALFORMED, OTLP_BAD_GRPC_FRAME, "ends inside the prefix"},
    {STREAM(0, 0, 0, 0, 3, 'a', 'b'), false, GW_ERR_MALFORMED, OTLP_BAD_GRPC_FRAME,
     "ends inside the message"},
    {STREAM(0, 0, 0, 0, 3), false, GW_ERR_MALFORMED, OTLP_BAD_GRPC_FRAME,
     "ends behind the prefix"},
    {STREAM(0, 0, 0, 0, 1, 'a', 0, 0, 0, 0, 1, 'b'), false, GW_ERR_MALFORMED, OTLP_NOT_UNARY,
     "two messages"},
    {STREAM(0, 0, 0, 0, 0, 0, 0, 0, 0, 0), false, GW_ERR_MALFORMED, OTLP_NOT_UNARY,
     "two empty messages"},
    {STREAM(0, 0, 0, 0, 1, 'a', 'x'), false, GW_ERR_MALFORMED, OTLP_NOT_UNARY, "a trailing byte"},
};

START_TEST(streams_come_to_the_same_end_in_any_split)
{
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        for (size_t step = 1; step <= streams[i].len; step++) {
            struct result r = play(streams[i].bytes, streams[i].len, step, streams[i].coded);
            ck_assert_msg(r.err == streams[i].err && r.cause == streams[i].cause,
                          "%s, by %zu: %d, cause %d", streams[i].why, step, r.err, r.cause);
            if (r.err)
                continue;
            ck_assert_uint_eq(r.length, streams[i].len - GRPC_PREFIX_BYTES);
            ck_assert_int_eq(r.compressed, streams[i].bytes[0]);
            ck_assert_mem_eq(r.message, streams[i].bytes + GRPC_PREFIX_BYTES, r.length);
        }
    }
}
END_TEST

START_TEST(a_stream_without_any_message_is_not_unary)
{
    struct result r = play(NULL, 0, 1, false);
    ck_assert_int_eq(r.err, GW_ERR_MALFORMED);
    ck_assert_int_eq(r.cause, OTLP_NOT_UNARY);
}
END_TEST

START_TEST(a_message_of_the_largest_size_is_taken)
{
    uint8_t bytes[GRPC_PREFIX_BYTES + MAX_BYTES] = {0};
    grpc_frame_prefix(bytes, MAX_BYTES);
    for (size_t i = GRPC_PREFIX_BYTES; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    struct result r = play(bytes, sizeof bytes, 7, false);
    ck_assert_int_eq(r.err, GW_OK);
    ck_assert_mem_eq(r.message, bytes + GRPC_PREFIX_BYTES, MAX_BYTES);
}
END_TEST

START_TEST(feeding_stops_where_storage_is_wanted)
{
    static const uint8_t bytes[] = {0, 0, 0, 0, 2, 'a', 'b'};
    struct grpc_frame f;
    grpc_frame_init(&f, MAX_BYTES, false);
    ck_assert(!grpc_frame_begun(&f) && !grpc_frame_wants_room(&f));
    ck_assert_int_eq(grpc_frame_feed(&f, slice_make(bytes, sizeof bytes)), 5);
    ck_assert(grpc_frame_begun(&f) && grpc_frame_wants_room(&f));
    ck_assert_uint_eq(f.length, 2);
    ck_assert_int_eq(grpc_frame_feed(&f, slice_make(bytes + 5, 2)), 0);
    uint8_t room[2];
    grpc_frame_give_room(&f, room);
    ck_assert_int_eq(grpc_frame_feed(&f, slice_make(bytes + 5, 2)), 2);
    ck_assert_int_eq(grpc_frame_end(&f), GW_OK);
}
END_TEST

START_TEST(an_error_stays_and_is_explained)
{
    static const uint8_t bytes[] = {0, 0, 0, 0x10, 0};
    struct grpc_frame f;
    grpc_frame_init(&f, MAX_BYTES, false);
    ck_assert_int_eq(grpc_frame_feed(&f, slice_make(bytes, sizeof bytes)), GW_ERR_TOO_LARGE);
    ck_assert_int_eq(grpc_frame_feed(&f, slice_make(bytes, 1)), GW_ERR_TOO_LARGE);
    ck_assert_int_eq(grpc_frame_end(&f), GW_ERR_TOO_LARGE);
    struct buf out = buf_make(200);
    grpc_frame_explain(&f, &out);
    ck_assert(slice_is(buf_slice(&out), "grpc: received message larger than max (4096 vs. 1000)"));
    buf_free(&out);
}
END_TEST

START_TEST(a_prefix_is_big_endian)
{
    uint8_t prefix[GRPC_PREFIX_BYTES];
    static const uint8_t want[] = {0, 0x01, 0x02, 0x03, 0x04};
    grpc_frame_prefix(prefix, 0x01020304);
    ck_assert_mem_eq(prefix, want, sizeof want);
}
END_TEST

START_TEST(timeouts_are_read_in_every_unit)
{
    static const struct {
        const char *text;
        int err;
        uint64_t ms;
    } cases[] = {
        {"9925m", GW_OK, 9925},
        {"10S", GW_OK, 10000},
        {"2M", GW_OK, 120000},
        {"1H", GW_OK, 3600000},
        {"99999999H", GW_OK, 99999999ull * 3600000},
        {"1u", GW_OK, 1},
        {"1000u", GW_OK, 1},
        {"1001u", GW_OK, 2},
        {"1n", GW_OK, 1},
        {"99999999n", GW_OK, 100},
        {"0n", GW_OK, 0},
        {"0H", GW_OK, 0},
        {"", GW_ERR_MALFORMED, 0},
        {"m", GW_ERR_MALFORMED, 0},
        {"5", GW_ERR_MALFORMED, 0},
        {"123456789m", GW_ERR_MALFORMED, 0},
        {"5s", GW_ERR_MALFORMED, 0},
        {"5h", GW_ERR_MALFORMED, 0},
        {"-5m", GW_ERR_MALFORMED, 0},
        {"+5m", GW_ERR_MALFORMED, 0},
        {"5 m", GW_ERR_MALFORMED, 0},
        {"5mm", GW_ERR_MALFORMED, 0},
        {"1.5S", GW_ERR_MALFORMED, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t ms = 0;
        ck_assert_msg(grpc_timeout_parse(slice_of(cases[i].text), &ms) == cases[i].err, "%s",
                      cases[i].text);
        ck_assert_msg(ms == cases[i].ms, "%s: %llu", cases[i].text, (unsigned long long)ms);
    }
}
END_TEST

START_TEST(messages_are_percent_encoded)
{
    struct buf out = buf_make(200);
    grpc_message_encode(&out, slice_of("a b~ 100%\r\n\x7f\xc3\xa9"));
    ck_assert(slice_is(buf_slice(&out), "a b~ 100%25%0D%0A%7F%C3%A9"));
    buf_free(&out);
}
END_TEST

START_TEST(details_are_base64_without_padding)
{
    struct buf out = buf_make(200);
    grpc_details_encode(&out, slice_make("\x08\x03\xff\xfe", 4));
    ck_assert(slice_is(buf_slice(&out), "CAP//g"));
    buf_free(&out);
}
END_TEST

SUITE_MAIN("grpc_frame", streams_come_to_the_same_end_in_any_split,
           a_stream_without_any_message_is_not_unary, a_message_of_the_largest_size_is_taken,
           feeding_stops_where_storage_is_wanted, an_error_stays_and_is_explained,
           a_prefix_is_big_endian, timeouts_are_read_in_every_unit, messages_are_percent_encoded,
           details_are_base64_without_padding)
