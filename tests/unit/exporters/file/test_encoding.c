// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/encoding.h"
#include "tests/support/suite.h"

#include <zstd.h>

/* A request with one empty ResourceLogs. */
static const uint8_t request[] = {0x0a, 0x00};
#define JSON "{\"resourceLogs\":[{\"resource\":{}}]}"

static struct buf message(enum file_format format, enum file_compression compression)
{
    struct encoding *e = encoding_new(format, compression);
    struct buf out = buf_make(10000);
    ck_assert_ptr_nonnull(e);
    buf_text(&out, "before ");
    ck_assert_int_eq(encoding_append(e, OTLP_LOGS, slice_make(request, sizeof request), &out), 0);
    encoding_free(&e);
    buf_drop_front(&out, 7);
    return out;
}

START_TEST(json_is_a_line)
{
    struct buf out = message(FILE_JSON, FILE_PLAIN);
    ck_assert(slice_is(buf_slice(&out), JSON "\n"));
    ck_assert(!encoding_is_framed(FILE_JSON, FILE_PLAIN));
    buf_free(&out);
}
END_TEST

START_TEST(proto_has_its_length_in_front_the_highest_byte_first)
{
    static const uint8_t wanted[] = {0, 0, 0, 2, 0x0a, 0x00};
    struct buf out = message(FILE_PROTO, FILE_PLAIN);
    ck_assert(slice_eq(buf_slice(&out), slice_make(wanted, sizeof wanted)));
    ck_assert(encoding_is_framed(FILE_PROTO, FILE_PLAIN));
    buf_free(&out);
}
END_TEST

static void check_zstd(enum file_format format, struct slice wanted)
{
    struct buf out = message(format, FILE_ZSTD);
    uint8_t plain[1000];
    ck_assert(encoding_is_framed(format, FILE_ZSTD));
    ck_assert_uint_eq(out.data[2] * 256u + out.data[3], out.len - 4);
    size_t n = ZSTD_decompress(plain, sizeof plain, out.data + 4, out.len - 4);
    ck_assert(!ZSTD_isError(n));
    ck_assert(slice_eq(slice_make(plain, n), wanted));
    buf_free(&out);
}

START_TEST(zstd_is_one_frame_of_either)
{
    check_zstd(FILE_JSON, slice_of(JSON));
    check_zstd(FILE_PROTO, slice_make(request, sizeof request));
}
END_TEST

START_TEST(what_finds_no_room_leaves_nothing_behind)
{
    for (unsigned i = 0; i < 4; i++) {
        struct encoding *e = encoding_new(i & 1 ? FILE_PROTO : FILE_JSON, i & 2 ? FILE_ZSTD : FILE_PLAIN);
        struct buf out = buf_make(8);
        buf_text(&out, "abcd");
        ck_assert_int_eq(encoding_append(e, OTLP_LOGS, slice_make(request, sizeof request), &out),
                         GW_ERR_NOMEM);
        ck_assert(slice_is(buf_slice(&out), "abcd"));
        ck_assert(buf_ok(&out));
        buf_free(&out);
        encoding_free(&e);
    }
}
END_TEST

SUITE_MAIN("encoding", json_is_a_line, proto_has_its_length_in_front_the_highest_byte_first,
           zstd_is_one_frame_of_either, what_finds_no_room_leaves_nothing_behind)
