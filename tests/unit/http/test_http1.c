// SPDX-License-Identifier: Apache-2.0
#include "shared/http/http1.h"

#include <stdio.h>

#include "tests/support/suite.h"

#define HOST "Host: h\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define POST "POST /v1/logs HTTP/1.1\r\n" HOST

/* Parses a copy that ends where the bytes end, so that a sanitizer sees every read beyond them. The slices of *r are
 * moved over to `text`. */
static int64_t parse(const char *text, size_t len, size_t max, struct http1_request *r)
{
    uint8_t *copy = malloc(len ? len : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, len);
    int64_t n = http1_request_parse(slice_make(copy, len), max, r);
    struct slice *slices[] = {&r->method, &r->target, &r->path, &r->query, &r->content_type,
                              &r->content_encoding, &r->host, &r->fields};
    for (size_t i = 0; i < sizeof slices / sizeof slices[0]; i++) {
        if (slices[i]->data >= copy && slices[i]->data <= copy + len)
            slices[i]->data = (const uint8_t *)text + (slices[i]->data - copy);
    }
    free(copy);
    return n;
}

static int64_t parse_text(const char *text, struct http1_request *r)
{
    return parse(text, strlen(text), HTTP1_HEAD_DEFAULT_BYTES, r);
}

static const struct good {
    const char *text;
    const char *why;
} good[] = {
    {"GET / HTTP/1.1\r\nHost: localhost:4318\r\n\r\n", "the plainest request"},
    {"\r\n" GET "\r\n", "an empty line before the request is skipped (RFC 9112 2.2)"},
    {"GET / HTTP/1.0\r\n\r\n", "1.0 needs no Host"},
    {"GET http://h:4318/v1/logs HTTP/1.1\r\n" HOST "\r\n", "absolute-form must be taken"},
    {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "asterisk-form"},
    {GET "X:\r\n\r\n", "a value may be empty"},
    {GET "X: a\tb \x80\xff\r\n\r\n", "a value may hold tabs and bytes beyond ASCII"},
    {GET "Host2: a\r\nContent-Lengths: x\r\n\r\n", "names that only begin like known ones"},
    {POST "Content-Length: 0009\r\n\r\n", "leading zeros are digits"},
    {POST "content-length:3\r\n\r\n", "no blank behind the colon, name in any case"},
    {POST "Transfer-Encoding: Chunked\r\n\r\n", "coding names are case-insensitive"},
    {POST "Expect: 100-Continue\r\n\r\n", "expectations are case-insensitive"},
    {"POST / HTTP/1.0\r\nExpect: tea\r\n\r\n", "1.0 knows no Expect: ignored (RFC 9110 10.1.1)"},
    {GET "Connection: close, ,keep-alive\r\n\r\n", "lists may hold empty elements"},
    {GET "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", "an upgrade is ignored"},
};

static const struct bad {
    const char *text;
    unsigned status;
    const char *why;
} bad[] = {
    {" GET / HTTP/1.1\r\n", 400, "blank before the method"},
    {"\r\n\r\n" GET "\r\n", 400, "one empty line is enough"},
    {"\n" GET "\r\n", 400, "bare LF before the request"},
    {"G(T / HTTP/1.1\r\n", 400, "method is no token"},
    {"GET  / HTTP/1.1\r\n", 400, "two blanks"},
    {"GET /\r\n\r\n", 400, "HTTP/0.9"},
    {"GET /a b HTTP/1.1\r\n", 400, "blank in the target"},
    {"GET /a#b HTTP/1.1\r\n", 400, "fragment in the target"},
    {"GET /\x80 HTTP/1.1\r\n", 400, "target beyond ASCII"},
    {"GET v1/logs HTTP/1.1\r\n", 400, "target without slash"},
    {"GET ?a HTTP/1.1\r\n", 400, "a query alone"},
    {"GET http:///x HTTP/1.1\r\n", 400, "absolute-form without host"},
    {"GET http://u@h/x HTTP/1.1\r\n", 400, "userinfo"},
    {"CONNECT h:1 HTTP/1.1\r\n", 400, "no proxy"},
    {"GET / HTTP/1.1 \r\n", 400, "blank behind the version"},
    {"GET / HTTP/1.1\n", 400, "bare LF ends the request line"},
    {"GET / HTTP/1.1\rX", 400, "bare CR"},
    {"GET / http/1.1\r\n", 400, "the version is case-sensitive"},
    {"GET / HTTP/-1.-1\r\n", 400, "version that evhttp takes"},
    {"GET / HTTP/1.\r\n\r\n", 400, "version cut short"},
    {"GET / HTTP/1.10\r\n", 400, "one digit only"},
    {"GET / HTTP/2.0\r\n", 505, "version that we do not speak"},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "the HTTP/2 preface is not for this parser"},
    {"GET / HTTP/1.2\r\n", 505, "a minor version that does not exist"},
    {"GET / HTTP/0.9\r\n", 505, "a version older than headers"},

    {GET "X : a\r\n\r\n", 400, "blank before the colon"},
    {POST "Content-Length : 3\r\n\r\n", 400, "the same for a length: evhttp ignores that header"},
    {POST "Transfer-Encoding : chunked\r\n\r\n", 400, "and for a coding"},
    {GET ": a\r\n\r\n", 400, "a header without name"},
    {GET "X\r\n\r\n", 400, "a header without colon"},
    {GET "X: a\r\n b\r\n\r\n", 400, "obs-fold"},
    {GET "\tX: a\r\n\r\n", 400, "a fold as the first line"},
    {GET "X: a\n\r\n", 400, "bare LF ends a line"},
    {GET "X: a\n\n", 400, "bare LFs end the head"},
    {GET "X: \rTransfer-Encoding: chunked\r\n\r\n", 400, "bare CR in a value (CVE-2023-30589)"},
    {GET "X: a\x01z\r\n\r\n", 400, "control byte in a value"},
    {GET "X: a\x7fz\r\n\r\n", 400, "DEL in a value"},
    {GET "X\x80: a\r\n\r\n", 400, "name beyond ASCII"},
    {GET "X: a\r\n\rZ", 400, "bare CR instead of the last line"},

    {"GET / HTTP/1.1\r\n\r\n", 400, "Host is missing"},
    {GET HOST "\r\n", 400, "Host twice"},
    {"GET / HTTP/1.0\r\n" HOST HOST "\r\n", 400, "Host twice on 1.0"},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "Host with a blank"},
    {"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400, "Host as a list"},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "Host with a path"},
    {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "Host with userinfo"},

    {POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", 400, "two lengths"},
    {POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", 400, "the same length twice"},
    {POST "Content-Length: 3, 3\r\n\r\n", 400, "lengths as a list"},
    {POST "Content-Length: +3\r\n\r\n", 400, "signed"},
    {POST "Content-Length: -3\r\n\r\n", 400, "negative"},
    {POST "Content-Length: 0x3\r\n\r\n", 400, "hex"},
    {POST "Content-Length: 3 3\r\n\r\n", 400, "blank inside"},
    {POST "Content-Length:\r\n\r\n", 400, "empty"},
    {POST "Content-Length: 9223372036854775808\r\n\r\n", 413, "2^63"},
    {POST "Content-Length: 99999999999999999999999999\r\n\r\n", 413, "more digits than any number"},

    {POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "CL.TE"},
    {POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400, "TE.CL"},
    {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "TE twice"},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "TE on 1.0"},
    {POST "Transfer-Encoding: xchunked\r\n\r\n", 501, "a coding that only looks alike"},
    {POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "a coding that we do not have"},
    {POST "Transfer-Encoding: chunked, chunked\r\n\r\n", 501, "chunks in chunks"},
    {POST "Transfer-Encoding: identity\r\n\r\n", 501, "a coding that was abolished"},
    {POST "Transfer-Encoding: \x0b" "chunked\r\n\r\n", 400, "a vertical tab is no blank"},
    {POST "Transfer-Encoding: \"chunked\"\r\n\r\n", 501, "quoted"},
    {POST "Transfer-Encoding:\r\n\r\n", 501, "empty"},

    {POST "Expect: 200-ok\r\n\r\n", 417, "an expectation that nobody can meet"},
    {POST "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n", 400, "two content types"},
    {POST "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n\r\n", 400, "two codings"},
};

START_TEST(well_formed_heads_are_taken_and_end_where_they_end)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct http1_request r;
        ck_assert_msg(parse_text(good[i].text, &r) == (int64_t)strlen(good[i].text), "%s: %s",
                      good[i].why, r.why);
        char more[512];
        snprintf(more, sizeof more, "%s%s", good[i].text, "\r\nGET");
        ck_assert_msg(parse_text(more, &r) == (int64_t)strlen(good[i].text), "%s", good[i].why);
    }
}
END_TEST

START_TEST(malformed_heads_are_refused_with_status_and_reason)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct http1_request r;
        int64_t n = parse_text(bad[i].text, &r);
        int want = bad[i].status == 413 ? GW_ERR_TOO_LARGE : GW_ERR_MALFORMED;
        ck_assert_msg(n == want, "%s: %lld", bad[i].why, (long long)n);
        ck_assert_msg(r.status == bad[i].status, "%s: %u %s", bad[i].why, r.status, r.why);
        ck_assert_msg(r.why && strlen(r.why) > 5, "%s", bad[i].why);
    }
}
END_TEST

START_TEST(what_is_missing_in_the_request_line_is_named)
{
    static const char *const cases[][2] = {
        {" / HTTP/1.1\r\n", "the method is missing"},
        {"GET  HTTP/1.1\r\n", "the request target is missing"},
        {"GET / \r\n", "the request line does not end in an HTTP version"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http1_request r;
        ck_assert_int_eq(parse_text(cases[i][0], &r), GW_ERR_MALFORMED);
        ck_assert_str_eq(r.why, cases[i][1]);
    }
}
END_TEST

START_TEST(a_nul_byte_is_refused_everywhere)
{
    static const char head[] = POST "X: abc\r\nContent-Length: 3\r\n\r\n";
    for (size_t at = 0; at < sizeof head - 1; at++) {
        char text[sizeof head];
        memcpy(text, head, sizeof head);
        text[at] = '\0';
        struct http1_request r;
        ck_assert_msg(parse(text, sizeof head - 1, 8192, &r) == GW_ERR_MALFORMED, "byte %zu", at);
    }
}
END_TEST

static void check_split(const char *text, const char *why)
{
    size_t len = strlen(text);
    struct http1_request whole;
    int64_t want = parse_text(text, &whole);
    bool decided = false;
    for (size_t n = 0; n <= len; n++) {
        struct http1_request part;
        int64_t got = parse(text, n, HTTP1_HEAD_DEFAULT_BYTES, &part);
        ck_assert_msg(got == want || (got == GW_ERR_INCOMPLETE && !decided && n < len),
                      "%s: %lld after %zu bytes", why, (long long)got, n);
        if (got == want) {
            decided = true;
            ck_assert_uint_eq(part.status, whole.status);
            ck_assert_ptr_eq(part.why, whole.why);
        }
        if (want > 0 && n < (size_t)want)
            ck_assert_int_eq(got, GW_ERR_INCOMPLETE);
    }
}

START_TEST(the_result_does_not_depend_on_how_the_bytes_are_split)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        check_split(good[i].text, good[i].why);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        check_split(bad[i].text, bad[i].why);
}
END_TEST

START_TEST(all_parts_of_a_request_are_found)
{
    struct http1_request r;
    ck_assert_int_gt(parse_text("POST /v1/logs?a=b?c HTTP/1.1\r\n"
                                "Content-Type:  application/x-protobuf \t\r\n"
                                "User-Agent: OTel\r\nX-A: 1\r\nx-a: 2\r\n"
                                "Host: localhost:4318\r\nContent-Encoding: gzip\r\n"
                                "Content-Length: 12345\r\nExpect: 100-continue\r\n\r\n",
                                &r),
                     0);
    ck_assert(slice_is(r.method, "POST"));
    ck_assert(slice_is(r.target, "/v1/logs?a=b?c"));
    ck_assert(slice_is(r.path, "/v1/logs"));
    ck_assert(slice_is(r.query, "a=b?c"));
    ck_assert_uint_eq(r.minor, 1);
    ck_assert(r.keep_alive && r.has_length && !r.chunked && r.expect_continue);
    ck_assert_uint_eq(r.content_length, 12345);
    ck_assert(slice_is(r.content_type, "application/x-protobuf"));
    ck_assert(slice_is(r.content_encoding, "gzip"));
    ck_assert(slice_is(r.host, "localhost:4318"));
    ck_assert(slice_is(http1_request_header(&r, "user-agent"), "OTel"));
    ck_assert(slice_is(http1_request_header(&r, "X-A"), "1"));
    ck_assert_ptr_null(http1_request_header(&r, "X-").data);
    ck_assert_ptr_null(http1_request_header(&r, "Authorization").data);
}
END_TEST

START_TEST(an_empty_header_is_told_from_an_absent_one)
{
    struct http1_request r;
    ck_assert_int_gt(parse_text(GET "X: \r\n\r\n", &r), 0);
    ck_assert_ptr_nonnull(http1_request_header(&r, "x").data);
    ck_assert_uint_eq(http1_request_header(&r, "x").len, 0);
}
END_TEST

START_TEST(targets_are_split_into_path_and_query)
{
    static const struct {
        const char *target, *path, *query;
    } cases[] = {
        {"/", "/", ""},
        {"/a?", "/a", ""},
        {"/a%20b?x=%3f", "/a%20b", "x=%3f"},
        {"http://h", "/", ""},
        {"HTTPS://h:1?q", "/", "q"},
        {"http://[::1]:4318/v1/logs?x", "/v1/logs", "x"},
        {"*", "*", ""},
        {"//h/x", "//h/x", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        struct http1_request r;
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" HOST "\r\n", cases[i].target);
        ck_assert_msg(parse_text(text, &r) > 0, "%s", cases[i].target);
        ck_assert_msg(slice_is(r.path, cases[i].path), "%s", cases[i].target);
        ck_assert_msg(slice_is(r.query, cases[i].query), "%s", cases[i].target);
    }
}
END_TEST

START_TEST(keep_alive_follows_version_and_connection)
{
    static const struct {
        const char *version, *connection;
        bool keep;
    } cases[] = {
        {"1.1", "", true},
        {"1.1", "Connection: close\r\n", false},
        {"1.1", "Connection: TE, Close\r\n", false},
        {"1.1", "Connection: keep-alive\r\nConnection: close\r\n", false},
        {"1.1", "Connection: closed\r\n", true},
        {"1.0", "", false},
        {"1.0", "Connection: Keep-Alive\r\n", true},
        {"1.0", "Connection: keep-alive, close\r\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        struct http1_request r;
        snprintf(text, sizeof text, "GET / HTTP/%s\r\n" HOST "%s\r\n", cases[i].version,
                 cases[i].connection);
        ck_assert_int_gt(parse_text(text, &r), 0);
        ck_assert_msg(r.keep_alive == cases[i].keep, "%s %s", cases[i].version,
                      cases[i].connection);
    }
}
END_TEST

START_TEST(a_body_is_announced_by_length_or_chunks_or_not_at_all)
{
    struct http1_request r;
    ck_assert_int_gt(parse_text(POST "Content-Length: 9223372036854775807\r\n\r\n", &r), 0);
    ck_assert_uint_eq(r.content_length, INT64_MAX);
    ck_assert(r.has_length && !r.chunked);
    ck_assert_int_gt(parse_text(POST "Transfer-Encoding: chunked\r\n\r\n", &r), 0);
    ck_assert(!r.has_length && r.chunked);
    ck_assert_int_gt(parse_text(POST "\r\n", &r), 0);
    ck_assert(!r.has_length && !r.chunked && r.content_length == 0);
}
END_TEST

START_TEST(an_expectation_of_http_1_0_is_ignored)
{
    struct http1_request r;
    ck_assert_int_gt(parse_text("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", &r), 0);
    ck_assert(!r.expect_continue);
}
END_TEST

START_TEST(pipelined_requests_are_taken_one_after_the_other)
{
    static const char text[] = "GET /a HTTP/1.1\r\n" HOST "\r\nGET /b HTTP/1.1\r\n" HOST
                               "\r\nGET /c HT";
    struct http1_request r;
    int64_t a = parse(text, strlen(text), 8192, &r);
    ck_assert(a > 0 && slice_is(r.path, "/a"));
    int64_t b = parse(text + a, strlen(text) - (size_t)a, 8192, &r);
    ck_assert(b > 0 && slice_is(r.path, "/b"));
    ck_assert_int_eq(parse(text + a + b, strlen(text) - (size_t)(a + b), 8192, &r),
                     GW_ERR_INCOMPLETE);
}
END_TEST

START_TEST(a_head_over_the_limit_is_refused_when_the_limit_is_reached)
{
    struct http1_request r;
    static const char head[] = GET "X: y\r\n\r\n";
    size_t len = sizeof head - 1;
    ck_assert_int_eq(parse(head, len, len, &r), (int64_t)len);
    ck_assert_int_eq(parse(head, len, len - 1, &r), GW_ERR_TOO_LARGE);
    ck_assert_uint_eq(r.status, 431);
    ck_assert_int_eq(parse(head, len - 2, len - 1, &r), GW_ERR_INCOMPLETE);
    ck_assert_int_eq(parse(head, len, 9, &r), GW_ERR_TOO_LARGE);
    ck_assert_uint_eq(r.status, 414);
    ck_assert_int_eq(parse("\r\nGET /aaaaaaaaa", 16, 9, &r), GW_ERR_TOO_LARGE);
    ck_assert_uint_eq(r.status, 414);
}
END_TEST

SUITE_MAIN("http1", well_formed_heads_are_taken_and_end_where_they_end,
           malformed_heads_are_refused_with_status_and_reason,
           what_is_missing_in_the_request_line_is_named, a_nul_byte_is_refused_everywhere,
           the_result_does_not_depend_on_how_the_bytes_are_split, all_parts_of_a_request_are_found,
           an_empty_header_is_told_from_an_absent_one, targets_are_split_into_path_and_query,
           keep_alive_follows_version_and_connection,
           a_body_is_announced_by_length_or_chunks_or_not_at_all,
           an_expectation_of_http_1_0_is_ignored, pipelined_requests_are_taken_one_after_the_other,
           a_head_over_the_limit_is_refused_when_the_limit_is_reached)
