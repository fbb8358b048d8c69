// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/json_number.h"

#include <math.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/otlp/message.h"

/* Reads from a block that is exactly as long as the text, for sanitizers; it stays until the next
 * one is read. */
static size_t read_exact(const char *text, struct json_number *n)
{
    static uint8_t *kept;
    free(kept);
    kept = exact_copy(slice_of(text));
    return json_number_read(slice_make(kept, strlen(text)), n);
}

START_TEST(numbers_end_where_json_says)
{
    static const struct {
        const char *text;
        size_t len;
        const char *why;
    } cases[] = {
        {"0", 1, "zero"},       {"-0", 2, "and less"},       {"12,", 2, "up to what is none"},
        {"1.5", 3, "a point"},  {"-1.50e+3x", 8, "all of it"}, {"1E-7]", 4, "a small exponent"},
        {"", 0, "nothing"},     {"-", 0, "a sign alone"},    {"+1", 0, "no plus"},
        {".5", 0, "no digit"},  {"1.", 0, "none behind"},    {"1.e3", 0, "nor between"},
        {"01", 0, "no octals"}, {"-00", 0, "nor with sign"}, {"1e", 0, "no exponent"},
        {"1e+", 0, "only its sign"}, {"NaN", 0, "no names"}, {"1.2.3", 0, "two points"},
        {"0x10", 1, "no hex"},  {"1e5.5", 3, "whole ones"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_number n;
        size_t len = read_exact(cases[i].text, &n);
        ck_assert_msg(len == cases[i].len, "%s: %s: %zu", cases[i].why, cases[i].text, len);
    }
}
END_TEST

START_TEST(integers_are_exact_or_clamped)
{
    static const struct {
        const char *text;
        enum json_number_fit fit;
        uint64_t value;
        const char *why;
    } cases[] = {
        {"0", JSON_NUMBER_EXACT, 0, "zero"},
        {"-0", JSON_NUMBER_EXACT, 0, "the same"},
        {"0e999999999999999999", JSON_NUMBER_EXACT, 0, "still"},
        {"0.000", JSON_NUMBER_EXACT, 0, "zeros behind the point"},
        {"1e3", JSON_NUMBER_EXACT, 1000, "an exponent"},
        {"1000.000", JSON_NUMBER_EXACT, 1000, "a fraction of zeros"},
        {"123456e-3", JSON_NUMBER_FRACTION, 123, "a point moved inside"},
        {"123000e-3", JSON_NUMBER_EXACT, 123, "and over zeros"},
        {"0.5", JSON_NUMBER_FRACTION, 0, "less than one"},
        {"-0.5", JSON_NUMBER_FRACTION, 0, "but no less than zero"},
        {"1e-400", JSON_NUMBER_FRACTION, 0, "very little"},
        {"18446744073709551615", JSON_NUMBER_EXACT, UINT64_MAX, "the largest"},
        {"18446744073709551615.0", JSON_NUMBER_EXACT, UINT64_MAX, "and a zero"},
        {"18446744073709551615.9", JSON_NUMBER_FRACTION, UINT64_MAX, "and a bit"},
        {"1844674407370955161.5e1", JSON_NUMBER_EXACT, UINT64_MAX, "the largest, moved"},
        {"184467440737095516150e-1", JSON_NUMBER_EXACT, UINT64_MAX, "moved back"},
        {"18446744073709551616", JSON_NUMBER_RANGE, UINT64_MAX, "one more"},
        {"18446744073709551620", JSON_NUMBER_RANGE, UINT64_MAX, "a few more"},
        {"1844674407370955161.6e1", JSON_NUMBER_RANGE, UINT64_MAX, "one more, moved"},
        {"184467440737095516165e-1", JSON_NUMBER_RANGE, UINT64_MAX,
         "a digit that would fit behind one that does not"},
        {"99999999999999999999999999", JSON_NUMBER_RANGE, UINT64_MAX, "many digits"},
        {"100000000000000000000000e-20", JSON_NUMBER_EXACT, 1000, "many zeros, moved"},
        {"123456789012345678901234567890e-20", JSON_NUMBER_FRACTION, 1234567890,
         "many digits, moved"},
        {"1e20", JSON_NUMBER_RANGE, UINT64_MAX, "over by its exponent"},
        {"1e999999999999999999999999", JSON_NUMBER_RANGE, UINT64_MAX, "which may be anything"},
        {"1e-999999999999999999999999", JSON_NUMBER_FRACTION, 0, "either way"},
        {"-1", JSON_NUMBER_RANGE, 0, "under"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_number n;
        uint64_t value;
        ck_assert_uint_eq(read_exact(cases[i].text, &n), strlen(cases[i].text));
        enum json_number_fit fit = json_number_unsigned(&n, UINT64_MAX, &value);
        ck_assert_msg(fit == cases[i].fit && value == cases[i].value, "%s: %s: %d %llu",
                      cases[i].why, cases[i].text, (int)fit, (unsigned long long)value);
    }
}
END_TEST

START_TEST(signed_integers_reach_both_ends)
{
    static const struct {
        const char *text;
        enum json_number_fit fit;
        int64_t min;
        int64_t max;
        int64_t value;
    } cases[] = {
        {"9223372036854775807", JSON_NUMBER_EXACT, INT64_MIN, INT64_MAX, INT64_MAX},
        {"9223372036854775808", JSON_NUMBER_RANGE, INT64_MIN, INT64_MAX, INT64_MAX},
        {"-9223372036854775808", JSON_NUMBER_EXACT, INT64_MIN, INT64_MAX, INT64_MIN},
        {"-9223372036854775809", JSON_NUMBER_RANGE, INT64_MIN, INT64_MAX, INT64_MIN},
        {"-2147483648", JSON_NUMBER_EXACT, INT32_MIN, INT32_MAX, INT32_MIN},
        {"-2147483649", JSON_NUMBER_RANGE, INT32_MIN, INT32_MAX, INT32_MIN},
        {"2147483648", JSON_NUMBER_RANGE, INT32_MIN, INT32_MAX, INT32_MAX},
        {"-1.5", JSON_NUMBER_FRACTION, INT32_MIN, INT32_MAX, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_number n;
        int64_t value;
        ck_assert_uint_gt(read_exact(cases[i].text, &n), 0);
        enum json_number_fit fit = json_number_signed(&n, cases[i].min, cases[i].max, &value);
        ck_assert_msg(fit == cases[i].fit && value == cases[i].value, "%s", cases[i].text);
    }
}
END_TEST

START_TEST(doubles_are_the_nearest)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"0", 0.0}, {"-0", -0.0}, {"0.1", 0.1}, {"-2.5e-3", -2.5e-3}, {"1e22", 1e22},
        {"1e23", 1e23}, {"9007199254740993", 9007199254740992.0}, {"5e-324", 5e-324},
        {"2.2250738585072011e-308", 2.2250738585072011e-308}, {"1e-400", 0.0},
        {"1.7976931348623157e308", 1.7976931348623157e308}, {"1e400", INFINITY},
        {"-1e400", -INFINITY}, {"1e99999999999999999999", INFINITY}, {"1e-99999999999999999", 0.0},
        {"123456789012345678901234567890", 123456789012345678901234567890.0},
        {"0.000000000000000000000000000000000000000000001234567890123456789012345e45",
         1.234567890123456789012345},
        {"1234567890123456789012345.6789e-10", 1234567890123456789012345.6789e-10},
        {"179769313486231580793728971405301e276", 179769313486231580793728971405301e276},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_number n;
        ck_assert_uint_eq(read_exact(cases[i].text, &n), strlen(cases[i].text));
        double value = json_number_double(&n);
        ck_assert_msg(memcmp(&value, &cases[i].value, sizeof value) == 0, "%s: %.17g",
                      cases[i].text, value);
    }
}
END_TEST

/* 1 + 2^-53 lies halfway between two doubles and goes to the even one below; anything more, however
 * far behind the point, goes up. */
START_TEST(the_last_of_very_many_digits_still_counts)
{
    static const char half[] = "1.00000000000000011102230246251565404236316680908203125";
    for (size_t zeros = 0; zeros < 3000; zeros += 97) {
        struct buf text = message();
        struct json_number n;
        buf_text(&text, half);
        for (size_t i = 0; i < zeros; i++)
            buf_byte(&text, '0');
        ck_assert_uint_eq(json_number_read(buf_slice(&text), &n), text.len);
        ck_assert(json_number_double(&n) == 1.0);
        buf_byte(&text, '1');
        ck_assert_uint_eq(json_number_read(buf_slice(&text), &n), text.len);
        ck_assert(json_number_double(&n) == 1.0000000000000002220446049250313);
        buf_free(&text);
    }
}
END_TEST

SUITE_MAIN("json_number", numbers_end_where_json_says, integers_are_exact_or_clamped,
           signed_integers_reach_both_ends, doubles_are_the_nearest,
           the_last_of_very_many_digits_still_counts)
