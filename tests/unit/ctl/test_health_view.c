// SPDX-License-Identifier: Apache-2.0
#include "ctl/health_view.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/suite.h"

static const char answer[] =
    "{\"status\":\"Server available\",\"upSince\":\"2026-11-22T10:00:00Z\",\"uptime\":\"1h2m3s\",\"seen\":[{\"a\":[1]}],"
    "\"children\":[{\"name\":\"router\",\"kind\":\"router\",\"type\":\"\",\"pid\":11,\"state\":\"running\",\"restarts\":1,"
    "\"lastHeartbeat\":\"2026-11-22T11:02:03.5Z\",\"lastError\":\"\",\"queue\":{\"records\":120,\"bytes\":76800,"
    "\"oldestMs\":65000,\"signals\":{}},\"accepted\":{\"logs\":0,\"metrics\":0,\"traces\":0},\"numbers\":{}},"
    "{\"kind\":\"exporter\",\"name\":\"file/archive\",\"pid\":0,\"state\":\"waiting\",\"restarts\":3,\"lastHeartbeat\":null,"
    "\"lastError\":\"cannot open \\u001b[2J\\/x: \\u00e4\",\"queue\":{\"records\":120,\"bytes\":76800,\"oldestMs\":65000}},"
    "{\"name\":\"worker/1\",\"kind\":\"worker\",\"pid\":12,\"state\":\"running\",\"restarts\":0,\"queue\":{\"records\":0,"
    "\"bytes\":0,\"oldestMs\":0}}]}";

static const char shown[] =
    "Server available, up for 1h2m3s since 2026-11-22T10:00:00Z\n"
    "\n"
    "NAME          PID  STATE    RESTARTS  WAITING     BYTES  OLDEST\n"
    "router         11  running         1      120  75.0 KiB   1m05s\n"
    "file/archive    -  waiting         3      120  75.0 KiB   1m05s\n"
    "    last error: cannot open \\x1b[2J/x: ä\n"
    "worker/1       12  running         0        -         -       -\n";

START_TEST(children_stand_in_a_table)
{
    struct buf out = buf_make(10000);
    ck_assert_int_eq(health_view(slice_of(answer), &out), GW_OK);
    buf_byte(&out, '\0');
    ck_assert_str_eq((const char *)out.data, shown);
    buf_free(&out);
}
END_TEST

static const struct {
    const char *json, *text, *why;
} odd[] = {
    {"{}", "\n\nNAME", "nothing is known"},
    {"{\"status\":\"Server not available\",\"upSince\":\"0001-01-01T00:00:00Z\",\"uptime\":\"\",\"children\":[]}",
     "Server not available\n\nNAME", "it was never up"},
    {"{\"status\":7,\"children\":[{\"name\":null,\"pid\":\"x\",\"queue\":[],\"restarts\":{}}]}", "-", "other types"},
    {"{\"children\":[{\"pid\":-1,\"restarts\":1e400}]}", "18446744073709551615", "numbers out of range"},
    {" { \"children\" : [ { \"name\" : \"x\" , \"a\":{\"b\":[[],{}]} } ] } ", "x", "spaces and nests"},
};

START_TEST(what_is_odd_is_shown_as_far_as_it_goes)
{
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct buf out = buf_make(10000);
        ck_assert_msg(health_view(slice_of(odd[i].json), &out) == GW_OK, "%s", odd[i].why);
        buf_byte(&out, '\0');
        ck_assert_msg(strstr((const char *)out.data, odd[i].text) != NULL, "%s: %s", odd[i].why,
                      (const char *)out.data);
        buf_free(&out);
    }
}
END_TEST

START_TEST(a_text_that_is_too_long_is_left_out)
{
    char json[4096], name[2000];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(json, sizeof json, "{\"children\":[{\"name\":\"%s\",\"lastError\":\"%s\",\"state\":\"running\"}]}", name, name);
    struct buf out = buf_make(10000);
    ck_assert_int_eq(health_view(slice_of(json), &out), GW_OK);
    buf_byte(&out, '\0');
    ck_assert_ptr_null(strstr((const char *)out.data, "nnn"));
    ck_assert_ptr_nonnull(strstr((const char *)out.data, "running"));
    buf_free(&out);
}
END_TEST

START_TEST(what_is_no_health_is_refused)
{
    static const char *const bad[] = {"", "[]", "<html>", "{\"children\":{}}", "{\"children\":[1]}", "{\"status\":\"x\"",
                                      "{\"children\":[{\"name\":\"x\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf out = buf_make(10000);
        ck_assert_msg(health_view(slice_of(bad[i]), &out) == GW_ERR_MALFORMED, "%s", bad[i]);
        ck_assert_uint_eq(out.len, 0);
        buf_free(&out);
    }
}
END_TEST

START_TEST(children_are_bounded)
{
    struct buf json = buf_make(1u << 20), out = buf_make(1u << 24);
    buf_text(&json, "{\"children\":[{}");
    for (unsigned i = 0; i < HEALTH_VIEW_CHILDREN_MAX; i++)
        buf_text(&json, ",{}");
    buf_text(&json, "]}");
    ck_assert_int_eq(health_view(buf_slice(&json), &out), GW_ERR_TOO_LARGE);
    buf_free(&json);
    buf_free(&out);
}
END_TEST

SUITE_MAIN("ctl/health_view", children_stand_in_a_table, what_is_odd_is_shown_as_far_as_it_goes,
           a_text_that_is_too_long_is_left_out, what_is_no_health_is_refused, children_are_bounded)
