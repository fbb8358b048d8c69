// SPDX-License-Identifier: Apache-2.0
#include "shared/http/http1_chunked.h"

#include <stdio.h>

#include "shared/base/buf.h"
#include "tests/support/suite.h"

#define MAX_BYTES 4096u

/* Feeds `text` in pieces of `step` bytes. Returns the bytes consumed or the error; content is appended to `out`. */
static int64_t decode(struct http1_chunked *c, const char *text, size_t len, size_t step,
                      struct buf *out)
{
    size_t at = 0;
    while (at < len && !http1_chunked_done(c)) {
        size_t n = len - at < step ? len - at : step;
        uint8_t *copy = malloc(n);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, text + at, n);
        struct slice content;
        int64_t used = http1_chunked_feed(c, slice_make(copy, n), &content);
        buf_slice_append(out, content);
        free(copy);
        if (used < 0)
            return used;
        ck_assert_int_gt(used, 0);
        at += (size_t)used;
    }
    return (int64_t)at;
}

static const struct good {
    const char *text;
    const char *content;
    const char *why;
} good[] = {
    {"0\r\n\r\n", "", "an empty body"},
    {"3\r\nabc\r\n0\r\n\r\n", "abc", "one chunk"},
    {"1\r\na\r\n00002\r\nbc\r\n000\r\n\r\n", "abc", "leading zeros"},
    {"A\r\n0123456789\r\n0\r\n\r\n", "0123456789", "upper-case hex"},
    {"a\r\n0123456789\r\n0\r\n\r\n", "0123456789", "lower-case hex"},
    {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n", "content that looks like framing"},
    {"3;a=b\r\nabc\r\n0;x\r\n\r\n", "abc", "extensions are legal and ignored"},
    {"3;0123456789abcdef\r\nabc\r\n0\r\n\r\n", "abc", "extensions do not count as digits"},
    {"3 \t;a=\"b c\"\r\nabc\r\n0\r\n\r\n", "abc", "blanks before an extension"},
    {"0\r\nX-Checksum: 1\r\nContent-Length: 5\r\n\r\n", "", "trailers are thrown away"},
    {"0000000000000003\r\nabc\r\n0\r\n\r\n", "abc", "16 digits"},
};

static const struct bad {
    const char *text;
    int err;
    const char *why;
} bad[] = {
    {"\r\n", GW_ERR_MALFORMED, "no size"},
    {";x\r\n", GW_ERR_MALFORMED, "an extension without size"},
    {"g\r\n", GW_ERR_MALFORMED, "no hex"},
    {"0x3\r\nabc\r\n", GW_ERR_MALFORMED, "a prefix that evhttp takes"},
    {"+3\r\nabc\r\n", GW_ERR_MALFORMED, "a sign that evhttp takes"},
    {"-1\r\n", GW_ERR_MALFORMED, "negative"},
    {" 3\r\nabc\r\n", GW_ERR_MALFORMED, "blank before the size"},
    {"3 \r\nabc\r\n", GW_ERR_MALFORMED, "blank behind the size"},
    {"3\nabc\n", GW_ERR_MALFORMED, "bare LF"},
    {"3\rabc", GW_ERR_MALFORMED, "bare CR"},
    {"3\r\nabcd\r\n", GW_ERR_MALFORMED, "no CRLF behind the content"},
    {"3\r\nabc0\r\n", GW_ERR_MALFORMED, "missing CRLF"},
    {"3\r\nabc\n0\r\n", GW_ERR_MALFORMED, "bare LF behind the content"},
    {"3\r\nabc\rX", GW_ERR_MALFORMED, "bare CR behind the content"},
    {"00000000000000003\r\nabc\r\n", GW_ERR_MALFORMED, "17 digits"},
    {"3;a\nb\r\n", GW_ERR_MALFORMED, "LF in an extension"},
    {"3;a\rb\r\n", GW_ERR_MALFORMED, "CR in an extension"},
    {"3;a\x01\r\n", GW_ERR_MALFORMED, "control byte in an extension"},
    {"0\r\n X: a\r\n\r\n", GW_ERR_MALFORMED, "a folded trailer"},
    {"0\r\n: a\r\n\r\n", GW_ERR_MALFORMED, "a trailer without name"},
    {"0\r\nX : a\r\n\r\n", GW_ERR_MALFORMED, "blank before a trailer's colon"},
    {"0\r\nX\r\n\r\n", GW_ERR_MALFORMED, "a trailer without colon"},
    {"0\r\nX: a\n\r\n", GW_ERR_MALFORMED, "bare LF behind a trailer"},
    {"0\r\n\n", GW_ERR_MALFORMED, "bare LF at the end"},
    {"0\r\n\rX", GW_ERR_MALFORMED, "bare CR at the end"},
    {"1001\r\n", GW_ERR_TOO_LARGE, "one chunk over the limit"},
    {"ffffffffffffffff\r\n", GW_ERR_TOO_LARGE, "the largest size"},
    {"1\r\na\r\n1000\r\n", GW_ERR_TOO_LARGE, "the sum is over the limit"},
    {"1\r\na\r\nffffffffffffffff\r\n", GW_ERR_TOO_LARGE, "a sum that would wrap"},
};

START_TEST(well_formed_bodies_give_their_content_in_any_split)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        size_t len = strlen(good[i].text);
        for (size_t step = 1; step <= len; step++) {
            struct http1_chunked c;
            http1_chunked_init(&c, MAX_BYTES);
            struct buf out = buf_make(MAX_BYTES);
            ck_assert_msg(decode(&c, good[i].text, len, step, &out) == (int64_t)len, "%s: %s",
                          good[i].why, c.why);
            ck_assert_msg(http1_chunked_done(&c), "%s", good[i].why);
            ck_assert_msg(slice_is(buf_slice(&out), good[i].content), "%s", good[i].why);
            ck_assert_uint_eq(c.announced, strlen(good[i].content));
            buf_free(&out);
        }
    }
}
END_TEST

START_TEST(malformed_bodies_are_refused_in_any_split)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t len = strlen(bad[i].text);
        for (size_t step = 1; step <= len; step++) {
            struct http1_chunked c;
            http1_chunked_init(&c, MAX_BYTES);
            struct buf out = buf_make(MAX_BYTES);
            int64_t got = decode(&c, bad[i].text, len, step, &out);
            ck_assert_msg(got == bad[i].err, "%s: %lld", bad[i].why, (long long)got);
            ck_assert_msg(c.why != NULL && !http1_chunked_done(&c), "%s", bad[i].why);
            buf_free(&out);
        }
    }
}
END_TEST

START_TEST(a_body_is_not_done_before_its_last_byte)
{
    static const char text[] = "3;x\r\nabc\r\n0\r\nA: b\r\n\r\n";
    for (size_t n = 0; n < sizeof text - 1; n++) {
        struct http1_chunked c;
        http1_chunked_init(&c, MAX_BYTES);
        struct buf out = buf_make(MAX_BYTES);
        ck_assert_int_eq(decode(&c, text, n, 64, &out), (int64_t)n);
        ck_assert(!http1_chunked_done(&c));
        buf_free(&out);
    }
}
END_TEST

START_TEST(what_follows_the_body_is_left_alone)
{
    static const char text[] = "1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
    struct http1_chunked c;
    http1_chunked_init(&c, MAX_BYTES);
    struct buf out = buf_make(MAX_BYTES);
    ck_assert_int_eq(decode(&c, text, strlen(text), 64, &out), 11);
    struct slice content;
    ck_assert_int_eq(http1_chunked_feed(&c, slice_of("GET"), &content), 0);
    ck_assert_uint_eq(content.len, 0);
    buf_free(&out);
}
END_TEST

START_TEST(content_is_given_as_a_view_of_the_input)
{
    struct http1_chunked c;
    http1_chunked_init(&c, MAX_BYTES);
    struct slice in = slice_of("5\r\nhello\r\n0\r\n\r\n");
    struct slice content;
    ck_assert_int_eq(http1_chunked_feed(&c, in, &content), 8);
    ck_assert_ptr_eq(content.data, in.data + 3);
    ck_assert_uint_eq(content.len, 5);
}
END_TEST

START_TEST(too_much_is_refused_before_its_content_is_read)
{
    struct http1_chunked c;
    http1_chunked_init(&c, 4);
    struct slice content;
    ck_assert_int_eq(http1_chunked_feed(&c, slice_of("4\r\nabcd"), &content), 7);
    ck_assert_int_eq(http1_chunked_feed(&c, slice_of("\r\n1\r\nx"), &content), GW_ERR_TOO_LARGE);
    ck_assert_uint_eq(content.len, 0);
    ck_assert_int_eq(http1_chunked_feed(&c, slice_of("0\r\n\r\n"), &content), GW_ERR_TOO_LARGE);
    ck_assert_int_eq(http1_chunked_feed(&c, slice_of(""), &content), GW_ERR_TOO_LARGE);
}
END_TEST

/* Feeds `n` times `piece`, then tells the first error, GW_OK without one. */
static int repeat(struct http1_chunked *c, const char *piece, size_t n)
{
    struct buf out = buf_make(1 << 20);
    int64_t err = 0;
    for (size_t i = 0; i < n && err >= 0; i++)
        err = decode(c, piece, strlen(piece), 4096, &out);
    buf_free(&out);
    return err < 0 ? (int)err : GW_OK;
}

START_TEST(extensions_and_trailers_are_bounded)
{
    struct http1_chunked c;
    http1_chunked_init(&c, 1 << 20);
    ck_assert_int_eq(repeat(&c, "1;", 1), GW_OK);
    ck_assert_int_eq(repeat(&c, "x", HTTP1_CHUNK_EXT_BYTES), GW_OK);
    ck_assert_int_eq(repeat(&c, "\r\na\r\n1;", 1), GW_OK);
    ck_assert_int_eq(repeat(&c, "x", HTTP1_CHUNK_EXT_BYTES + 1), GW_ERR_MALFORMED);

    http1_chunked_init(&c, 1 << 20);
    ck_assert_int_eq(repeat(&c, "1;4567\r\na\r\n", HTTP1_CHUNK_EXT_TOTAL_BYTES / 4), GW_OK);
    ck_assert_int_eq(repeat(&c, "1;4567\r\na\r\n", 1), GW_ERR_MALFORMED);

    http1_chunked_init(&c, 1 << 20);
    ck_assert_int_eq(repeat(&c, "0\r\n", 1), GW_OK);
    ck_assert_int_eq(repeat(&c, "X: 5\r\n", HTTP1_TRAILERS_BYTES / 5), GW_OK);
    ck_assert_int_eq(repeat(&c, "X: 5\r\n", 1), GW_ERR_MALFORMED);
}
END_TEST

SUITE_MAIN("http1_chunked", well_formed_bodies_give_their_content_in_any_split,
           malformed_bodies_are_refused_in_any_split, a_body_is_not_done_before_its_last_byte,
           what_follows_the_body_is_left_alone, content_is_given_as_a_view_of_the_input,
           too_much_is_refused_before_its_content_is_read, extensions_and_trailers_are_bounded)
