// SPDX-License-Identifier: Apache-2.0
#include "shared/http/http1_response.h"

#include "tests/support/suite.h"

static const struct {
    struct http1_response response;
    const char *text;
    const char *why;
} cases[] = {
    {{.status = 200, .content_type = "application/x-protobuf"},
     "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n"
     "Connection: keep-alive\r\n\r\n",
     "full success"},
    {{.status = 405, .content_length = 17, .allow = "POST", .close = true},
     "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 17\r\nAllow: POST\r\n"
     "Connection: close\r\n\r\n",
     "a 405 must have Allow"},
    {{.status = 503, .content_length = 123456789012, .retry_after_s = 2},
     "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 123456789012\r\nRetry-After: 2\r\n"
     "Connection: keep-alive\r\n\r\n",
     "a wait in seconds"},
    {{.status = 415, .accept_encoding = "gzip, identity"},
     "HTTP/1.1 415 Unsupported Media Type\r\nContent-Length: 0\r\n"
     "Accept-Encoding: gzip, identity\r\nConnection: keep-alive\r\n\r\n",
     "a 415 about a coding says which are taken"},
};

START_TEST(heads_are_written_byte_by_byte_as_expected)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = buf_make(1024);
        http1_response_head(&out, &cases[i].response);
        ck_assert(buf_ok(&out));
        ck_assert_msg(slice_is(buf_slice(&out), cases[i].text), "%s: %.*s", cases[i].why,
                      (int)out.len, (const char *)out.data);
        buf_free(&out);
    }
}
END_TEST

START_TEST(a_full_buffer_is_the_callers_to_see)
{
    struct buf out = buf_make(20);
    http1_response_head(&out, &cases[0].response);
    ck_assert(!buf_ok(&out));
    buf_free(&out);
}
END_TEST

START_TEST(every_status_of_the_parser_has_its_phrase)
{
    static const unsigned sent[] = {200, 400, 404, 405, 408, 411, 413, 414,
                                    415, 417, 429, 431, 500, 501, 503, 505};
    for (size_t i = 0; i < sizeof sent / sizeof sent[0]; i++)
        ck_assert_str_ne(http1_reason(sent[i]), "Unknown");
    ck_assert_str_eq(http1_reason(299), "Unknown");
}
END_TEST

SUITE_MAIN("http1_response", heads_are_written_byte_by_byte_as_expected,
           a_full_buffer_is_the_callers_to_see, every_status_of_the_parser_has_its_phrase)
