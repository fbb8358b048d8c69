// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "shared/bus/endpoint.h"
#include "tests/support/suite.h"

START_TEST(only_what_can_be_connected_to_is_an_endpoint)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"ipc:///run/masques/bus.sock", true},
        {"ipc://bus", true},
        {"ipc://@name", true},
        {"tcp://127.0.0.1:4711", true},
        {"tcp://localhost:1", true},
        {"tcp://[::1]:65535", true},
        {"", false},
        {"bus.sock", false},
        {"/run/masques/bus.sock", false},
        {"ipc://", false},
        {"ipc:/run/bus", false},
        {"http://127.0.0.1:4711", false},
        {"inproc://bus", false},
        {"tcp://127.0.0.1", false},
        {"tcp://:4711", false},
        {"tcp://localhost:", false},
        {"tcp://localhost:0", false},
        {"tcp://localhost:65536", false},
        {"tcp://localhost:123456", false},
        {"tcp://localhost:*", false},
        {"tcp://localhost:12x", false},
        {"tcp://::1:4711", false},
        {"tcp://[::1]", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf why = buf_make(1024);
        int err = endpoint_check(cases[i].text, &why);
        ck_assert_msg((err == GW_OK) == cases[i].good, "\"%s\"", cases[i].text);
        ck_assert_msg((why.len == 0) == cases[i].good, "\"%s\"", cases[i].text);
        buf_free(&why);
    }
}
END_TEST

START_TEST(a_path_fits_a_sockets_name)
{
    char text[128] = "ipc://";
    struct buf why = buf_make(1024);
    memset(text + 6, 'x', 107);
    ck_assert_int_eq(endpoint_check(text, &why), 0);
    text[6 + 107] = 'x';
    ck_assert_int_eq(endpoint_check(text, &why), GW_ERR_INVALID);
    buf_free(&why);
}
END_TEST

SUITE_MAIN("bus/endpoint", only_what_can_be_connected_to_is_an_endpoint, a_path_fits_a_sockets_name)
