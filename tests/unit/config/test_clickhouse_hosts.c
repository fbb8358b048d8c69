// SPDX-License-Identifier: Apache-2.0
#include "shared/config/clickhouse_hosts.h"
#include "tests/support/suite.h"

#include <string.h>

static const struct {
    const char *text;
    const char *urls; /* of all hosts, a space between them; NULL: refused */
    const char *why;  /* refused: stands in the message */
} cases[] = {
    {"http://ch:8123", "http://ch:8123", ""},
    {"http://ch", "http://ch:8123", ""},
    {"https://ch", "https://ch:8443", ""},
    {"HTTPS://ch:443/", "https://ch:443", ""},
    {"http://127.0.0.1:8123", "http://127.0.0.1:8123", ""},
    {"http://[::1]", "http://[::1]:8123", ""},
    {"http://[fe80::1%eth0]:1", "http://[fe80::1%eth0]:1", ""},
    {"https://localhost:8443", "https://localhost:8443", "its certificate has the name"},
    {"https://localhost", "https://localhost:8443", ""},
    {"http://localhost.example", "http://localhost.example:8123", ""},
    {"http://a,b:1,[::1]:2", "http://a:8123 http://b:1 http://[::1]:2", ""},
    {"http://a:1, http://b:2", "http://a:1 http://b:2", ""},
    {"http://a:1/,http://b:2/", "http://a:1 http://b:2", ""},
    {" http://a ", "http://a:8123", ""},
    {"http://a,https://b", NULL, "one scheme"},
    {"http://a,tcp://b", NULL, "one scheme"},
    {"", NULL, "expected http://HOST:PORT or https://HOST:PORT"},
    {"ch:8123", NULL, "expected http://HOST:PORT or https://HOST:PORT"},
    {"http://", NULL, "expected http://HOST:PORT or https://HOST:PORT"},
    {"http://a,", NULL, "expected http://HOST:PORT or https://HOST:PORT"},
    {"http://:8123", NULL, "expected http://HOST:PORT or https://HOST:PORT"},
    {"http://a:0", NULL, "expected http://HOST:PORT or https://HOST:PORT"},
    {"http://a:99999", NULL, "expected http://HOST:PORT or https://HOST:PORT"},
    {"http://a b", NULL, "expected http://HOST:PORT or https://HOST:PORT"},
    {"http://1.2.3", NULL, "expected http://HOST:PORT or https://HOST:PORT"},
    {"http://a:1/otel", NULL, "write the database as `database`"},
    {"http://a,b/otel", NULL, "write the database as `database`"},
    {"http://a:1/?database=otel", NULL, "write settings of ClickHouse under `connection_params`"},
    {"http://a:1?dial_timeout=10s", NULL, "write settings of ClickHouse under `connection_params`"},
    {"http://me:hidden@a:1", NULL, "write them as `username` and `password`"},
    {"tcp://127.0.0.1:9000?dial_timeout=10s&compress=lz4", NULL, "tcp:// is ClickHouse's native protocol"},
    {"tcp://127.0.0.1:9000?dial_timeout=10s&compress=lz4", NULL, "write http://127.0.0.1:8123 ("},
    {"tcp://a:9000,b:9000", NULL, "write http://a:8123,b:8123 ("},
    {"clickhouse://me:hidden@ch:9000/db", NULL, "clickhouse:// is ClickHouse's native protocol"},
    {"clickhouse://me:hidden@ch:9000/db", NULL, "write http://ch:8123 ("},
    {"clickhouse://ch:9440", NULL, "write https://ch:8443 ("},
    {"tcp://ch:9000/?secure=true", NULL, "write https://ch:8443 ("},
    {"tcp://", NULL, "write http://HOST:8123"},
};

START_TEST(an_endpoint_is_hosts_or_says_what_to_write)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct clickhouse_hosts hosts;
        struct buf out = buf_make(2000);
        int rc = clickhouse_hosts_parse(slice_of(cases[i].text), &hosts, &out);
        ck_assert_msg((rc == 0) == (cases[i].urls != NULL), "%s: %d", cases[i].text, rc);
        for (size_t k = 0; rc == 0 && k < hosts.count; k++) {
            if (k)
                buf_byte(&out, ' ');
            clickhouse_hosts_url(&hosts, k, &out);
        }
        buf_byte(&out, '\0');
        const char *text = (const char *)out.data;
        if (cases[i].urls)
            ck_assert_str_eq(text, cases[i].urls);
        else
            ck_assert_msg(strstr(text, cases[i].why), "%s: %s", cases[i].text, text);
        ck_assert_msg(!strstr(text, "hidden"), "%s", text);
        buf_free(&out);
    }
}
END_TEST

START_TEST(there_are_at_most_so_many_hosts)
{
    struct clickhouse_hosts hosts;
    struct buf text = buf_make(1000), why = buf_make(1000);
    buf_text(&text, "http://h");
    for (size_t i = 1; i < CLICKHOUSE_HOSTS_MAX; i++)
        buf_text(&text, ",h");
    ck_assert_int_eq(clickhouse_hosts_parse(buf_slice(&text), &hosts, &why), 0);
    ck_assert_uint_eq(hosts.count, CLICKHOUSE_HOSTS_MAX);
    buf_text(&text, ",h");
    ck_assert_int_eq(clickhouse_hosts_parse(buf_slice(&text), &hosts, &why), GW_ERR_INVALID);
    buf_free(&text);
    buf_free(&why);
}
END_TEST

SUITE_MAIN("config/clickhouse_hosts", an_endpoint_is_hosts_or_says_what_to_write, there_are_at_most_so_many_hosts)
