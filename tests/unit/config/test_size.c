// SPDX-License-Identifier: Apache-2.0
#include "shared/config/size.h"
#include "tests/support/suite.h"

#define UNTOUCHED UINT64_C(42)

static const struct {
    const char *text;
    int rc;
    uint64_t bytes;
    const char *why;
} cases[] = {
    {"0", 0, 0, "zero"},
    {"20971520", 0, 20971520, "plain bytes"},
    {"8KiB", 0, 8192, "KiB"},
    {"256MiB", 0, 256 * SIZE_MIB, "MiB"},
    {"3GiB", 0, 3 * SIZE_GIB, "GiB"},
    {"2TiB", 0, 2 * SIZE_TIB, "TiB"},
    {"0MiB", 0, 0, "zero of a unit"},
    {"007", 0, 7, "zeros in front"},
    {"18446744073709551615", 0, UINT64_MAX, "the largest"},
    {"18446744073709551616", GW_ERR_TOO_LARGE, UNTOUCHED, "one more"},
    {"16777216TiB", GW_ERR_TOO_LARGE, UNTOUCHED, "2^64"},
    {"", GW_ERR_MALFORMED, UNTOUCHED, "nothing"},
    {"MiB", GW_ERR_MALFORMED, UNTOUCHED, "no number"},
    {"1MB", GW_ERR_MALFORMED, UNTOUCHED, "a unit of two meanings"},
    {"1mib", GW_ERR_MALFORMED, UNTOUCHED, "units are written one way"},
    {"1 MiB", GW_ERR_MALFORMED, UNTOUCHED, "space"},
    {"1.5MiB", GW_ERR_MALFORMED, UNTOUCHED, "fraction"},
    {"-1", GW_ERR_MALFORMED, UNTOUCHED, "sign"},
    {"1KiBMiB", GW_ERR_MALFORMED, UNTOUCHED, "two units"},
};

START_TEST(sizes_are_digits_and_a_binary_unit)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t bytes = UNTOUCHED;
        ck_assert_msg(size_parse(slice_of(cases[i].text), &bytes) == cases[i].rc, "%s: %s",
                      cases[i].text, cases[i].why);
        ck_assert_msg(bytes == cases[i].bytes, "%s: %s", cases[i].text, cases[i].why);
    }
}
END_TEST

START_TEST(numbers_take_no_unit)
{
    uint64_t number = UNTOUCHED;
    ck_assert_int_eq(size_parse_number(slice_of("1KiB"), &number), GW_ERR_MALFORMED);
    ck_assert_uint_eq(number, UNTOUCHED);
    ck_assert_int_eq(size_parse_number(slice_of("1024"), &number), 0);
    ck_assert_uint_eq(number, 1024);
}
END_TEST

START_TEST(sizes_are_printed_with_the_largest_unit_that_fits_and_read_back)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } printed[] = {
        {0, "0"},       {1000, "1000"},        {1024, "1KiB"},        {1536 * SIZE_KIB, "1536KiB"},
        {1025, "1025"}, {SIZE_GIB, "1GiB"},    {64 * SIZE_MIB, "64MiB"}, {SIZE_TIB, "1TiB"},
    };
    struct buf out = buf_make(100);
    for (size_t i = 0; i < sizeof printed / sizeof printed[0]; i++) {
        uint64_t back;
        buf_clear(&out);
        size_print(printed[i].bytes, &out);
        ck_assert_msg(slice_is(buf_slice(&out), printed[i].text), "%s", printed[i].text);
        ck_assert_int_eq(size_parse(buf_slice(&out), &back), 0);
        ck_assert_uint_eq(back, printed[i].bytes);
    }
    buf_free(&out);
}
END_TEST

SUITE_MAIN("size", sizes_are_digits_and_a_binary_unit, numbers_take_no_unit,
           sizes_are_printed_with_the_largest_unit_that_fits_and_read_back)
