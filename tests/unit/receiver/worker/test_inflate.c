// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/inflate.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "shared/base/buf.h"
#include "tests/support/suite.h"

#define MIB (1u << 20)

static struct inflate *shared; /* made once in each test's process */

/* Appends one gzip member made of `n` bytes; zlib is the independent maker. */
static void member(struct buf *out, const void *data, size_t n)
{
    z_stream z = {0};
    ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t bound = deflateBound(&z, n);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)n;
    z.next_out = buf_reserve(out, bound);
    z.avail_out = (uInt)bound;
    ck_assert_ptr_nonnull(z.next_out);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += z.total_out;
    deflateEnd(&z);
}

/* Bytes that hardly compress, the same in every run. */
static uint8_t *noise(size_t n)
{
    uint8_t *bytes = malloc(n ? n : 1);
    ck_assert_ptr_nonnull(bytes);
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(x >> 24);
    }
    return bytes;
}

/* Inflates an exact copy of the bytes. */
static int run(struct slice in, const struct inflate_limits *limits, struct blob **out,
               const char **why)
{
    if (!shared)
        shared = inflate_new();
    uint8_t *copy = malloc(in.len ? in.len : 1);
    ck_assert_ptr_nonnull(copy);
    if (in.len)
        memcpy(copy, in.data, in.len);
    *out = NULL;
    *why = NULL;
    int err = inflate_gzip(shared, slice_make(copy, in.len), limits, out, why);
    free(copy);
    ck_assert((err == GW_OK) == (*out != NULL));
    ck_assert((err == GW_OK) == (*why == NULL));
    return err;
}

static int run_max(struct slice in, size_t max_bytes)
{
    struct inflate_limits limits = {.max_bytes = max_bytes};
    struct blob *out;
    const char *why;
    int err = run(in, &limits, &out, &why);
    blob_drop(out);
    return err;
}

START_TEST(bodies_of_all_sizes_come_back)
{
    static const size_t sizes[] = {0, 1, 2, 4095, 4096, 4097, 65536, 3 * MIB + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct inflate_limits limits = {.max_bytes = 64 * MIB};
        struct buf in = buf_make(8 * MIB);
        uint8_t *plain = noise(sizes[i]);
        member(&in, plain, sizes[i]);
        struct blob *out;
        const char *why;
        ck_assert_int_eq(run(buf_slice(&in), &limits, &out, &why), GW_OK);
        ck_assert(slice_eq(slice_make(out->data, out->len), slice_make(plain, sizes[i])));
        ck_assert_uint_eq(out->cap, sizes[i]);
        blob_drop(out);
        free(plain);
        buf_free(&in);
    }
}
END_TEST

START_TEST(concatenated_members_are_one_body)
{
    struct inflate_limits limits = {.max_bytes = MIB};
    struct buf in = buf_make(MIB);
    uint8_t *plain = noise(30000);
    member(&in, plain, 20000);
    member(&in, plain, 0);
    member(&in, plain + 20000, 9999);
    member(&in, plain + 29999, 1);
    struct blob *out;
    const char *why;
    ck_assert_int_eq(run(buf_slice(&in), &limits, &out, &why), GW_OK);
    ck_assert(slice_eq(slice_make(out->data, out->len), slice_make(plain, 30000)));
    blob_drop(out);
    ck_assert_int_eq(run_max(buf_slice(&in), 30000), GW_OK);
    ck_assert_int_eq(run_max(buf_slice(&in), 29999), GW_ERR_TOO_LARGE);
    free(plain);
    buf_free(&in);
}
END_TEST

START_TEST(the_number_of_members_is_bounded)
{
    struct buf in = buf_make(MIB);
    for (unsigned i = 0; i < INFLATE_MAX_MEMBERS; i++)
        member(&in, "", 0);
    ck_assert_int_eq(run_max(buf_slice(&in), MIB), GW_OK);
    member(&in, "", 0);
    ck_assert_int_eq(run_max(buf_slice(&in), MIB), GW_ERR_CORRUPT);
    buf_free(&in);
}
END_TEST

START_TEST(every_cut_and_every_changed_byte_is_noticed)
{
    /* RFC 1952: bytes 4..9 of the header (time, flags of the compressor, system) carry no content. */
    struct buf in = buf_make(MIB);
    uint8_t *plain = noise(300);
    member(&in, plain, 300);
    for (size_t n = 0; n < in.len; n++)
        ck_assert_int_eq(run_max(slice_make(in.data, n), MIB), GW_ERR_CORRUPT);
    for (size_t i = 0; i < in.len; i++) {
        in.data[i] ^= 0x41;
        int err = run_max(buf_slice(&in), MIB);
        if (i >= 4 && i < 10)
            ck_assert_int_eq(err, GW_OK);
        else
            ck_assert_msg(err == GW_ERR_CORRUPT, "byte %zu: %d", i, err);
        in.data[i] ^= 0x41;
    }
    free(plain);
    buf_free(&in);
}
END_TEST

START_TEST(what_is_no_gzip_is_told_from_what_follows_one)
{
    struct inflate_limits limits = {.max_bytes = MIB};
    struct blob *out;
    const char *why;
    ck_assert_int_eq(run(slice_of("{\"resourceLogs\":[]}"), &limits, &out, &why), GW_ERR_CORRUPT);
    ck_assert_str_eq(why, "this is no gzip");
    struct buf in = buf_make(MIB);
    member(&in, "abc", 3);
    buf_byte(&in, 0);
    ck_assert_int_eq(run(buf_slice(&in), &limits, &out, &why), GW_ERR_CORRUPT);
    ck_assert_str_eq(why, "the gzip data is followed by other bytes");
    buf_free(&in);
}
END_TEST

START_TEST(output_over_the_cap_is_refused_and_at_the_cap_taken)
{
    struct buf in = buf_make(8 * MIB);
    uint8_t *plain = noise(2 * MIB);
    member(&in, plain, 2 * MIB);
    ck_assert_int_eq(run_max(buf_slice(&in), 2 * MIB), GW_OK);
    ck_assert_int_eq(run_max(buf_slice(&in), 2 * MIB - 1), GW_ERR_TOO_LARGE);
    ck_assert_int_eq(run_max(buf_slice(&in), 1), GW_ERR_TOO_LARGE);
    ck_assert_int_eq(run_max(buf_slice(&in), 0), GW_ERR_TOO_LARGE);
    free(plain);
    buf_free(&in);
}
END_TEST

START_TEST(a_bomb_is_refused_by_its_ratio_before_the_cap)
{
    struct inflate_limits limits = {.max_bytes = 64 * MIB};
    uint8_t *zeros = calloc(1, 40 * MIB);
    ck_assert_ptr_nonnull(zeros);
    struct buf in = buf_make(64 * MIB);
    member(&in, zeros, 40 * MIB);
    struct blob *out;
    const char *why;
    ck_assert_int_eq(run(buf_slice(&in), &limits, &out, &why), GW_ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(why, "multiple"));
    limits.ratio = 2000; /* as deflate can do 1032 at most, that allows anything */
    ck_assert_int_eq(run(buf_slice(&in), &limits, &out, &why), GW_OK);
    blob_drop(out);
    buf_clear(&in);
    member(&in, zeros, MIB);
    ck_assert_msg(run_max(buf_slice(&in), 64 * MIB) == GW_OK, "below 1 MiB any ratio is fine");
    free(zeros);
    buf_free(&in);
}
END_TEST

static void set_size_field(struct buf *in, uint32_t size)
{
    for (unsigned i = 0; i < 4; i++)
        in->data[in->len - 4 + i] = (uint8_t)(size >> 8 * i);
}

/* A ledger of a kind: grants up to `left`, and counts. */
struct purse {
    size_t left;
    size_t given;
    unsigned asked;
};

static bool grant(void *ctx, size_t bytes)
{
    struct purse *purse = ctx;
    purse->asked++;
    if (bytes > purse->left)
        return false;
    purse->left -= bytes;
    purse->given += bytes;
    return true;
}

START_TEST(a_size_that_lies_costs_little_memory_and_few_attempts)
{
    struct buf in = buf_make(4 * MIB);
    uint8_t *plain = noise(MIB);
    member(&in, plain, MIB);
    static const uint32_t lies[] = {0, 1, 4096, MIB - 1, MIB + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct purse purse = {.left = SIZE_MAX};
        struct inflate_limits limits = {.max_bytes = 2 * MIB, .grant = grant, .ctx = &purse};
        struct blob *out;
        const char *why;
        set_size_field(&in, lies[i]);
        ck_assert_int_eq(run(buf_slice(&in), &limits, &out, &why), GW_ERR_CORRUPT);
        ck_assert_uint_le(purse.given, 2 * MIB);
        ck_assert_uint_le(purse.asked, 11);
    }
    free(plain);
    buf_free(&in);
}
END_TEST

START_TEST(members_whose_last_size_says_nothing_still_grow_the_output)
{
    struct buf in = buf_make(4 * MIB);
    uint8_t *plain = noise(MIB);
    member(&in, plain, MIB);
    member(&in, plain, 1);
    struct purse purse = {.left = SIZE_MAX};
    struct inflate_limits limits = {.max_bytes = 64 * MIB, .grant = grant, .ctx = &purse};
    struct blob *out;
    const char *why;
    ck_assert_int_eq(run(buf_slice(&in), &limits, &out, &why), GW_OK);
    ck_assert_uint_eq(out->len, MIB + 1);
    ck_assert_uint_eq(out->cap, purse.given);
    blob_drop(out);
    free(plain);
    buf_free(&in);
}
END_TEST

START_TEST(without_a_grant_nothing_is_inflated)
{
    struct buf in = buf_make(MIB);
    uint8_t *plain = noise(10000);
    member(&in, plain, 10000);
    struct purse purse = {.left = 9999};
    struct inflate_limits limits = {.max_bytes = MIB, .grant = grant, .ctx = &purse};
    struct blob *out;
    const char *why;
    ck_assert_int_eq(run(buf_slice(&in), &limits, &out, &why), GW_ERR_FULL);
    ck_assert_uint_eq(purse.given, 0);
    purse.left = 10000;
    ck_assert_int_eq(run(buf_slice(&in), &limits, &out, &why), GW_OK);
    ck_assert_uint_eq(purse.given, 10000);
    blob_drop(out);
    free(plain);
    buf_free(&in);
}
END_TEST

START_TEST(what_is_no_gzip_asks_for_no_memory)
{
    struct purse purse = {.left = SIZE_MAX};
    struct inflate_limits limits = {.max_bytes = MIB, .grant = grant, .ctx = &purse};
    struct blob *out;
    const char *why;
    ck_assert_int_eq(run(slice_of("abcdefgh"), &limits, &out, &why), GW_ERR_CORRUPT);
    ck_assert_int_eq(run(slice_of(""), &limits, &out, &why), GW_ERR_CORRUPT);
    ck_assert_uint_eq(purse.asked, 0);
}
END_TEST

START_TEST(freeing_clears_the_pointer_and_may_be_done_twice)
{
    struct inflate *mine = inflate_new();
    inflate_free(&mine);
    ck_assert_ptr_null(mine);
    inflate_free(&mine);
}
END_TEST

SUITE_MAIN("inflate", bodies_of_all_sizes_come_back, concatenated_members_are_one_body,
           the_number_of_members_is_bounded, every_cut_and_every_changed_byte_is_noticed,
           what_is_no_gzip_is_told_from_what_follows_one,
           output_over_the_cap_is_refused_and_at_the_cap_taken,
           a_bomb_is_refused_by_its_ratio_before_the_cap,
           a_size_that_lies_costs_little_memory_and_few_attempts,
           members_whose_last_size_says_nothing_still_grow_the_output,
           without_a_grant_nothing_is_inflated, what_is_no_gzip_asks_for_no_memory,
           freeing_clears_the_pointer_and_may_be_done_twice)
