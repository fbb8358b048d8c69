// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/listener.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

static struct endpoint at(const char *text)
{
    struct endpoint e;
    ck_assert_int_eq(endpoint_parse(slice_of(text), &e), GW_OK);
    return e;
}

START_TEST(port_0_is_chosen_by_the_kernel_and_told)
{
    struct listener l;
    char why[512] = "";
    struct endpoint e = at("127.0.0.1:0");
    ck_assert_msg(listener_open(&l, "grpc", &e, why) == GW_OK, "%s", why);
    ck_assert_msg(strncmp(l.address, "127.0.0.1:", 10) == 0 && atoi(l.address + 10) > 0, "%s", l.address);
    listener_close(&l);
    ck_assert_int_eq(l.fd, -1);
}
END_TEST

START_TEST(a_port_in_use_is_said_in_one_sentence)
{
    struct listener first, second;
    char why[512] = "";
    struct endpoint e = at("127.0.0.1:0");
    ck_assert_int_eq(listener_open(&first, "grpc", &e, why), GW_OK);
    struct endpoint taken = at(first.address);
    ck_assert_int_eq(listener_open(&second, "http", &taken, why), GW_ERR_IO);
    ck_assert_msg(strstr(why, first.address) && strstr(why, "in use") && !strchr(why, '\n'), "%s", why);
    listener_close(&first);
}
END_TEST

START_TEST(a_name_that_does_not_resolve_is_said)
{
    struct listener l;
    char why[512] = "";
    struct endpoint e = at("no-such-host.invalid:0");
    ck_assert_int_eq(listener_open(&l, "grpc", &e, why), GW_ERR_INVALID);
    ck_assert_msg(strstr(why, "no-such-host.invalid") != NULL, "%s", why);
}
END_TEST

START_TEST(an_empty_host_listens_everywhere)
{
    struct listener l;
    char why[512] = "";
    struct endpoint e = at(":0");
    ck_assert_msg(listener_open(&l, "http", &e, why) == GW_OK, "%s", why);
    ck_assert_msg(strncmp(l.address, "[::]:", 5) == 0 || strncmp(l.address, "0.0.0.0:", 8) == 0, "%s",
                  l.address);
    listener_close(&l);
}
END_TEST

SUITE_MAIN("receiver/master/listener", port_0_is_chosen_by_the_kernel_and_told,
           a_port_in_use_is_said_in_one_sentence, a_name_that_does_not_resolve_is_said,
           an_empty_host_listens_everywhere)
