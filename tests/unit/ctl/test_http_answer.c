// SPDX-License-Identifier: Apache-2.0
#include "ctl/http_answer.h"

#include "tests/support/suite.h"

#define OK "HTTP/1.1 200 OK\r\n"

static const struct {
    const char *bytes;
    int64_t result; /* > 0: all of it */
    unsigned status;
    const char *body, *why;
} cases[] = {
    {OK "Content-Length: 2\r\n\r\nhi", 1, 200, "hi", "the common case"},
    {"HTTP/1.0 503 Service Unavailable\r\nX: y\r\ncontent-LENGTH:0\r\n\r\n", 1, 503, "", "any case, no body"},
    {"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", 1, 200, "x", "no phrase"},
    {OK "Content-Length: 2\r\n\r\nh", GW_ERR_INCOMPLETE, 0, NULL, "half a body"},
    {OK "Content-Length: 2\r\n", GW_ERR_INCOMPLETE, 0, NULL, "half a head"},
    {"", GW_ERR_INCOMPLETE, 0, NULL, "nothing"},
    {OK "\r\n", GW_ERR_UNSUPPORTED, 0, NULL, "no length"},
    {OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", GW_ERR_MALFORMED, 0, NULL, "two lengths"},
    {OK "Content-Length: -2\r\n\r\nhi", GW_ERR_MALFORMED, 0, NULL, "a sign"},
    {OK "Content-Length: \r\n\r\nhi", GW_ERR_MALFORMED, 0, NULL, "no digits"},
    {OK "Content-Length: 99999999999999999999999\r\n\r\n", GW_ERR_TOO_LARGE, 0, NULL, "more than we read"},
    {"HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\nhi", GW_ERR_MALFORMED, 0, NULL, "another version"},
    {"HTTP/1.1 20x OK\r\nContent-Length: 2\r\n\r\nhi", GW_ERR_MALFORMED, 0, NULL, "no status"},
    {"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nhi", GW_ERR_MALFORMED, 0, NULL, "too much of a status"},
    {"SSH-2.0-OpenSSH\r\n\r\n", GW_ERR_MALFORMED, 0, NULL, "something else listens there"},
};

START_TEST(answers_are_read_or_refused)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_answer answer = {0};
        struct slice bytes = slice_of(cases[i].bytes);
        int64_t got = http_answer_parse(bytes, &answer);
        int64_t expected = cases[i].result > 0 ? (int64_t)bytes.len : cases[i].result;
        ck_assert_msg(got == expected, "%s: %lld", cases[i].why, (long long)got);
        if (got <= 0)
            continue;
        ck_assert_msg(answer.status == cases[i].status && slice_is(answer.body, cases[i].body), "%s", cases[i].why);
        for (size_t n = 0; n < bytes.len; n++) /* wherever it is cut, more is waited for */
            ck_assert_msg(http_answer_parse(slice_make(bytes.data, n), &answer) == GW_ERR_INCOMPLETE, "%s, %zu",
                          cases[i].why, n);
    }
}
END_TEST

START_TEST(a_head_without_an_end_is_too_large)
{
    static uint8_t bytes[HTTP_ANSWER_HEAD_MAX_BYTES];
    struct http_answer answer;
    memset(bytes, 'x', sizeof bytes);
    ck_assert_int_eq(http_answer_parse(slice_make(bytes, sizeof bytes - 1), &answer), GW_ERR_INCOMPLETE);
    ck_assert_int_eq(http_answer_parse(slice_make(bytes, sizeof bytes), &answer), GW_ERR_TOO_LARGE);
}
END_TEST

SUITE_MAIN("ctl/http_answer", answers_are_read_or_refused, a_head_without_an_end_is_too_large)
