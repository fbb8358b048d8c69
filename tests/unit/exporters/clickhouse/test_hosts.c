// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/hosts.h"
#include "tests/support/suite.h"

static struct hosts three(void)
{
    struct hosts hosts;
    struct buf why = buf_make(256);
    ck_assert_int_eq(hosts_read(&hosts, "https://a:1,b,[::1]:3", &why), 0);
    buf_free(&why);
    return hosts;
}

START_TEST(hosts_have_urls_and_ids_of_their_own)
{
    struct hosts hosts = three(), again = three();
    ck_assert_uint_eq(hosts.count, 3);
    ck_assert_str_eq(hosts.items[0].url, "https://a:1");
    ck_assert_str_eq(hosts.items[1].url, "https://b:8443");
    ck_assert_str_eq(hosts.items[2].url, "https://[::1]:3");
    ck_assert_uint_ne(hosts.items[0].id, hosts.items[1].id);
    ck_assert_uint_eq(hosts.items[0].id, again.items[0].id);
    /* Notes have it: it is for ever. */
    ck_assert_uint_eq(hosts.items[0].id, UINT64_C(11938906742106646177));
}
END_TEST

START_TEST(the_first_that_works_is_picked)
{
    struct hosts hosts = three();
    ck_assert_uint_eq(hosts_pick(&hosts, 0, 1000), 0);
    hosts_failed(&hosts, 0, 1000);
    ck_assert_uint_eq(hosts_pick(&hosts, 0, 1000), 1);
    ck_assert_uint_eq(hosts_pick(&hosts, 2, 1000), 2);
    ck_assert_uint_eq(hosts_pick(&hosts, 6, 1000), 0); /* it is all there is */
    ck_assert_uint_eq(hosts_pick(&hosts, 7, 1000), HOSTS_NONE);
    ck_assert_uint_eq(hosts_pick(&hosts, 0, 2000), 0); /* and tried again after a second */
}
END_TEST

START_TEST(who_fails_again_is_avoided_for_longer)
{
    struct hosts hosts = three();
    uint64_t now = 1000, wait[8];
    for (int i = 0; i < 8; i++) {
        hosts_failed(&hosts, 0, now);
        hosts_failed(&hosts, 0, now); /* several at the same time count once */
        wait[i] = hosts.items[0].avoid_until_ms - now;
        now = hosts.items[0].avoid_until_ms;
    }
    ck_assert_uint_eq(wait[0], 1000);
    ck_assert_uint_eq(wait[1], 2000);
    ck_assert_uint_eq(wait[7], 30000);
    hosts_worked(&hosts, 0);
    ck_assert_uint_eq(hosts_pick(&hosts, 0, now - 1), 0);
    hosts_failed(&hosts, 0, now);
    ck_assert_uint_eq(hosts.items[0].avoid_until_ms - now, 1000);
}
END_TEST

START_TEST(of_those_that_fail_the_one_whose_time_comes_first)
{
    struct hosts hosts = three();
    hosts_failed(&hosts, 2, 1000);
    hosts_failed(&hosts, 0, 1001);
    hosts_failed(&hosts, 1, 1002);
    ck_assert_uint_eq(hosts_pick(&hosts, 0, 1003), 2);
    ck_assert_uint_eq(hosts_pick(&hosts, 4, 1003), 0);
}
END_TEST

SUITE_MAIN("hosts", hosts_have_urls_and_ids_of_their_own, the_first_that_works_is_picked,
           who_fails_again_is_avoided_for_longer, of_those_that_fail_the_one_whose_time_comes_first)
