// SPDX-License-Identifier: Apache-2.0
#include "shared/config/endpoint.h"
#include "tests/support/suite.h"

#include <string.h>

static const struct {
    const char *text;
    const char *host;
    unsigned port;
    const char *printed;
    const char *why;
} good[] = {
    {"127.0.0.1:4317", "127.0.0.1", 4317, "127.0.0.1:4317", "IPv4"},
    {"0.0.0.0:0", "0.0.0.0", 0, "0.0.0.0:0", "the kernel chooses the port"},
    {"localhost:4318", "127.0.0.1", 4318, "127.0.0.1:4318", "one name, one socket"},
    {"LocalHost:1", "127.0.0.1", 1, "127.0.0.1:1", "names have no case"},
    {":4317", "", 4317, ":4317", "every address"},
    {"[::1]:65535", "::1", 65535, "[::1]:65535", "IPv6"},
    {"[::]:1", "::", 1, "[::]:1", "every IPv6 address"},
    {"[fe80::1%eth0]:1", "fe80::1%eth0", 1, "[fe80::1%eth0]:1", "IPv6 with a zone"},
    {"otel-gateway.example_1:80", "otel-gateway.example_1", 80, "otel-gateway.example_1:80", "name"},
    {"10.example:80", "10.example", 80, "10.example:80", "a name that starts like an address"},
};

START_TEST(endpoints_are_host_and_port)
{
    struct buf out = buf_make(1000);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct endpoint e, again;
        ck_assert_msg(endpoint_parse(slice_of(good[i].text), &e) == 0, "%s", good[i].why);
        ck_assert_str_eq(e.host, good[i].host);
        ck_assert_uint_eq(e.port, good[i].port);
        buf_clear(&out);
        endpoint_print(&e, &out);
        ck_assert_msg(slice_is(buf_slice(&out), good[i].printed), "%s", good[i].why);
        ck_assert_int_eq(endpoint_parse(buf_slice(&out), &again), 0);
        ck_assert_str_eq(again.host, e.host);
        ck_assert_uint_eq(again.port, e.port);
    }
    buf_free(&out);
}
END_TEST

static const struct {
    const char *text;
    const char *why;
} bad[] = {
    {"", "nothing"},
    {"4317", "no host, no colon"},
    {"127.0.0.1", "no port"},
    {"127.0.0.1:", "empty port"},
    {"127.0.0.1:x", "port is no number"},
    {"127.0.0.1:-1", "negative port"},
    {"127.0.0.1:65536", "port too large"},
    {"127.0.0.1:99999999999999999999", "port far too large"},
    {"http://127.0.0.1:4318", "a URL"},
    {"127.0.0.1:4318/v1/logs", "a path"},
    {"127.0.0.256:1", "no IPv4 address"},
    {"127.1:1", "a short IPv4 address"},
    {"::1:4317", "IPv6 without brackets"},
    {"[::1]", "no port behind the brackets"},
    {"[::1]4317", "no colon behind the brackets"},
    {"[127.0.0.1]:1", "brackets are for IPv6"},
    {"[::1%]:1", "empty zone"},
    {"[::1%a b]:1", "space in the zone"},
    {"[]:1", "empty brackets"},
    {"a b:1", "space"},
    {"-a:1", "hyphen first"},
    {"a..b:1", "empty label"},
    {".a:1", "point first"},
};

START_TEST(what_is_no_endpoint_is_refused_and_nothing_is_written)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct endpoint e = {"before", 7};
        ck_assert_msg(endpoint_parse(slice_of(bad[i].text), &e) == GW_ERR_MALFORMED, "%s",
                      bad[i].why);
        ck_assert_str_eq(e.host, "before");
        ck_assert_uint_eq(e.port, 7);
    }
    struct endpoint e;
    ck_assert_int_eq(endpoint_parse(slice_make("a\0b:1", 5), &e), GW_ERR_MALFORMED);
}
END_TEST

START_TEST(a_host_may_be_as_long_as_a_dns_name)
{
    char text[300];
    struct endpoint e;
    memset(text, 'a', sizeof text);
    memcpy(text + 253, ":1", 3);
    ck_assert_int_eq(endpoint_parse(slice_of(text), &e), 0);
    memset(text, 'a', sizeof text);
    memcpy(text + 254, ":1", 3);
    ck_assert_int_eq(endpoint_parse(slice_of(text), &e), GW_ERR_MALFORMED);
}
END_TEST

SUITE_MAIN("endpoint", endpoints_are_host_and_port,
           what_is_no_endpoint_is_refused_and_nothing_is_written,
           a_host_may_be_as_long_as_a_dns_name)
