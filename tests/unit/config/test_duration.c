// SPDX-License-Identifier: Apache-2.0
#include "shared/config/duration.h"
#include "tests/support/suite.h"

#include <string.h>

#define HOUR DURATION_HOUR_NS
#define MINUTE DURATION_MIN_NS
#define SECOND DURATION_S_NS

static const struct {
    const char *text;
    int64_t ns;
    const char *why;
} good[] = {
    {"0", 0, "the only number that needs no unit"},
    {"+0", 0, "sign"},
    {"0s", 0, "zero"},
    {"5s", 5 * SECOND, "whole"},
    {"-5s", -5 * SECOND, "negative"},
    {"1.5s", 3 * SECOND / 2, "fraction"},
    {".5s", SECOND / 2, "nothing before the point"},
    {"1.s", SECOND, "nothing behind the point"},
    {"1h2m3s", HOUR + 2 * MINUTE + 3 * SECOND, "parts"},
    {"1m30.5s", 90 * SECOND + SECOND / 2, "parts with a fraction"},
    {"3s1m", MINUTE + 3 * SECOND, "parts in any order"},
    {"300ms", 300 * DURATION_MS_NS, "milliseconds, not minutes"},
    {"7us", 7000, "ASCII micro"},
    {"7\xc2\xb5s", 7000, "micro sign"},
    {"7\xce\xbcs", 7000, "Greek mu"},
    {"9ns", 9, "nanoseconds"},
    {"0.3333333333333333333h", 20 * MINUTE, "digits beyond what counts (Go's own test)"},
    {"9007199254740993ns", INT64_C(9007199254740993), "beyond a double's whole numbers"},
    {"9223372036854775807ns", INT64_MAX, "the longest"},
    {"9223372036.854775807s", INT64_MAX, "the longest, with a fraction"},
    {"-9223372036854775808ns", INT64_MIN, "the most negative"},
};

START_TEST(durations_are_read_as_go_reads_them)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t ns = -1;
        ck_assert_msg(duration_parse(slice_of(good[i].text), &ns) == 0, "%s: %s", good[i].text,
                      good[i].why);
        ck_assert_msg(ns == good[i].ns, "%s: %s", good[i].text, good[i].why);
    }
}
END_TEST

static const struct {
    const char *text;
    int rc;
    const char *why;
} bad[] = {
    {"", GW_ERR_MALFORMED, "nothing"},
    {"3", GW_ERR_MALFORMED, "no unit"},
    {"-", GW_ERR_MALFORMED, "only a sign"},
    {"s", GW_ERR_MALFORMED, "no number"},
    {".", GW_ERR_MALFORMED, "only a point"},
    {".s", GW_ERR_MALFORMED, "no digit"},
    {"+.s", GW_ERR_MALFORMED, "no digit behind the sign"},
    {"1d", GW_ERR_MALFORMED, "no such unit"},
    {"1S", GW_ERR_MALFORMED, "units are lower case"},
    {"1 s", GW_ERR_MALFORMED, "space"},
    {" 1s", GW_ERR_MALFORMED, "space in front"},
    {"1s ", GW_ERR_MALFORMED, "space behind"},
    {"1s2", GW_ERR_MALFORMED, "a last part without a unit"},
    {"1s-2s", GW_ERR_MALFORMED, "a sign inside"},
    {"1\xc2", GW_ERR_MALFORMED, "half a character"},
    {"9223372036854775808ns", GW_ERR_TOO_LARGE, "one more than fits"},
    {"3000000h", GW_ERR_TOO_LARGE, "too many hours"},
    {"5124096h", GW_ERR_TOO_LARGE, "so many hours that 64 bits come round to few"},
    {"9223372036854775807ns9223372036854775807ns", GW_ERR_TOO_LARGE, "a sum that comes round"},
    {"2562047h47m16.854775808s", GW_ERR_TOO_LARGE, "the sum is one too many"},
    {"99999999999999999999s", GW_ERR_TOO_LARGE, "the number alone does not fit"},
};

START_TEST(what_is_no_duration_is_refused_and_nothing_is_written)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ns = 42;
        ck_assert_msg(duration_parse(slice_of(bad[i].text), &ns) == bad[i].rc, "%s: %s",
                      bad[i].text, bad[i].why);
        ck_assert_msg(ns == 42, "%s: %s", bad[i].text, bad[i].why);
    }
}
END_TEST

static const struct {
    int64_t ns;
    const char *text;
} printed[] = {
    {0, "0s"},
    {1, "1ns"},
    {1100, "1.1\xc2\xb5s"},
    {2200000, "2.2ms"},
    {100 * DURATION_MS_NS, "100ms"},
    {5 * SECOND, "5s"},
    {90 * SECOND + SECOND / 2, "1m30.5s"},
    {5 * MINUTE + 1, "5m0.000000001s"},
    {HOUR, "1h0m0s"},
    {24 * HOUR, "24h0m0s"},
    {-3 * SECOND, "-3s"},
    {INT64_MAX, "2562047h47m16.854775807s"},
    {INT64_MIN, "-2562047h47m16.854775808s"},
};

START_TEST(durations_are_printed_as_go_prints_them_and_read_back)
{
    struct buf out = buf_make(100);
    for (size_t i = 0; i < sizeof printed / sizeof printed[0]; i++) {
        int64_t ns;
        buf_clear(&out);
        duration_print(printed[i].ns, &out);
        ck_assert_msg(slice_is(buf_slice(&out), printed[i].text), "%s: %.*s", printed[i].text,
                      (int)out.len, (const char *)out.data);
        ck_assert_int_eq(duration_parse(buf_slice(&out), &ns), 0);
        ck_assert_int_eq(ns, printed[i].ns);
    }
    buf_free(&out);
}
END_TEST

SUITE_MAIN("duration", durations_are_read_as_go_reads_them,
           what_is_no_duration_is_refused_and_nothing_is_written,
           durations_are_printed_as_go_prints_them_and_read_back)
