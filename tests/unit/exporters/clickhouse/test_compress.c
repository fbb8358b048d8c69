// SPDX-License-Identifier: Apache-2.0
#include <lz4frame.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "exporters/clickhouse/compress.h"
#include "tests/support/suite.h"

#define TEXT_BYTES (3u * 1024 * 1024)

static uint8_t *text_new(void)
{
    uint8_t *text = malloc(TEXT_BYTES);
    uint32_t x = 1;
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < TEXT_BYTES; i++) {
        x = x * 1664525u + 1013904223u;
        text[i] = (uint8_t)("abcdefgh"[x >> 29]);
    }
    return text;
}

static size_t inflate_zstd(struct slice in, uint8_t *out)
{
    size_t n = ZSTD_decompress(out, TEXT_BYTES, in.data, in.len);
    ck_assert(!ZSTD_isError(n));
    return n;
}

static size_t inflate_gzip(struct slice in, uint8_t *out)
{
    z_stream z = {.next_in = (uint8_t *)in.data, .avail_in = (uInt)in.len, .next_out = out, .avail_out = TEXT_BYTES};
    ck_assert_int_eq(inflateInit2(&z, 15 + 16), Z_OK);
    ck_assert_int_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
    ck_assert_uint_eq(z.avail_in, 0);
    size_t n = z.total_out;
    inflateEnd(&z);
    return n;
}

static size_t inflate_lz4(struct slice in, uint8_t *out)
{
    LZ4F_dctx *ctx;
    size_t done = 0, used = 0, left = 1;
    ck_assert(!LZ4F_isError(LZ4F_createDecompressionContext(&ctx, LZ4F_VERSION)));
    while (left && used < in.len) {
        size_t room = TEXT_BYTES - done, have = in.len - used;
        left = LZ4F_decompress(ctx, out + done, &room, in.data + used, &have, NULL);
        ck_assert(!LZ4F_isError(left));
        done += room;
        used += have;
    }
    ck_assert_uint_eq(left, 0);
    ck_assert_uint_eq(used, in.len);
    LZ4F_freeDecompressionContext(ctx);
    return done;
}

static size_t inflate_none(struct slice in, uint8_t *out)
{
    memcpy(out, in.data, in.len);
    return in.len;
}

static const struct {
    enum clickhouse_compress kind;
    const char *name;
    size_t (*inflate)(struct slice in, uint8_t *out);
} kinds[] = {
    {CLICKHOUSE_PLAIN, NULL, inflate_none},
    {CLICKHOUSE_ZSTD, "zstd", inflate_zstd},
    {CLICKHOUSE_LZ4, "lz4", inflate_lz4},
    {CLICKHOUSE_GZIP, "gzip", inflate_gzip},
};

/* In pieces of all sizes; the second stream of the same object is whole, too, though the first was left unfinished. */
START_TEST(what_goes_in_comes_out)
{
    uint8_t *text = text_new(), *back = malloc(TEXT_BYTES);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct compress *c = compress_new(kinds[k].kind);
        struct buf out = buf_make(2 * TEXT_BYTES);
        ck_assert_int_eq(compress_begin(c), 0);
        ck_assert_int_eq(compress_add(c, slice_of("left unfinished"), &out), 0);
        buf_clear(&out);
        ck_assert_int_eq(compress_begin(c), 0);
        for (size_t at = 0, n = 1; at < TEXT_BYTES; at += n, n = n * 3 + 1) {
            if (n > TEXT_BYTES - at)
                n = TEXT_BYTES - at;
            ck_assert_int_eq(compress_add(c, slice_make(text + at, n), &out), 0);
        }
        ck_assert_int_eq(compress_end(c, &out), 0);
        ck_assert_uint_eq(kinds[k].inflate(buf_slice(&out), back), TEXT_BYTES);
        ck_assert_mem_eq(text, back, TEXT_BYTES);
        if (kinds[k].name)
            ck_assert_str_eq(compress_name(kinds[k].kind), kinds[k].name);
        else
            ck_assert_ptr_null(compress_name(kinds[k].kind));
        buf_free(&out);
        compress_free(&c);
    }
    free(text);
    free(back);
}
END_TEST

START_TEST(an_empty_stream_is_whole)
{
    uint8_t back[16];
    for (size_t k = 1; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct compress *c = compress_new(kinds[k].kind);
        struct buf out = buf_make(1 << 20);
        ck_assert_int_eq(compress_begin(c), 0);
        ck_assert_int_eq(compress_end(c, &out), 0);
        ck_assert_uint_gt(out.len, 0);
        if (kinds[k].kind != CLICKHOUSE_LZ4)
            ck_assert_uint_eq(kinds[k].inflate(buf_slice(&out), back), 0);
        buf_free(&out);
        compress_free(&c);
    }
}
END_TEST

START_TEST(no_room_is_an_error)
{
    uint8_t *text = text_new();
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct compress *c = compress_new(kinds[k].kind);
        struct buf out = buf_make(70000);
        ck_assert_int_eq(compress_begin(c), 0);
        int rc = compress_add(c, slice_make(text, TEXT_BYTES), &out);
        if (rc == 0)
            rc = compress_end(c, &out);
        ck_assert_int_eq(rc, GW_ERR_NOMEM);
        buf_free(&out);
        compress_free(&c);
    }
    free(text);
}
END_TEST

SUITE_MAIN("compress", what_goes_in_comes_out, an_empty_stream_is_whole, no_room_is_an_error)
