// SPDX-License-Identifier: Apache-2.0
#include "shared/base/buf.h"
#include "tests/support/suite.h"

START_TEST(failure_sticks_and_keeps_what_was_there)
{
    struct buf b = buf_make(4);
    buf_text(&b, "abc");
    buf_text(&b, "de"); /* one byte too many */
    buf_text(&b, "f");  /* would fit, but comes after the failure */
    ck_assert(!buf_ok(&b));
    ck_assert_int_eq(buf_error(&b), GW_ERR_TOO_LARGE);
    ck_assert(slice_is(buf_slice(&b), "abc"));
    buf_clear(&b);
    buf_text(&b, "full");
    ck_assert(buf_ok(&b));
    ck_assert_int_eq(buf_error(&b), GW_OK);
    ck_assert(slice_is(buf_slice(&b), "full"));
    buf_free(&b);
}
END_TEST

START_TEST(grows_to_exactly_its_cap)
{
    struct buf b = buf_make(1000);
    for (int i = 0; i < 1000; i++)
        buf_byte(&b, 'x');
    ck_assert(buf_ok(&b));
    ck_assert_uint_eq(b.len, 1000);
    buf_byte(&b, 'x');
    ck_assert(!buf_ok(&b));
    buf_free(&b);
}
END_TEST

START_TEST(numbers_read_as_printf_writes_them)
{
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {
        {0, "0"}, {-1, "-1"}, {1234567890123, "1234567890123"},
        {INT64_MAX, "9223372036854775807"}, {INT64_MIN, "-9223372036854775808"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf b = buf_make(64);
        buf_i64(&b, cases[i].value);
        ck_assert_msg(slice_is(buf_slice(&b), cases[i].text), "%s", cases[i].text);
        buf_free(&b);
    }
    struct buf b = buf_make(64);
    buf_u64(&b, UINT64_MAX);
    ck_assert(slice_is(buf_slice(&b), "18446744073709551615"));
    buf_free(&b);
}
END_TEST

START_TEST(base64_follows_rfc_4648)
{
    static const struct {
        const char *bytes, *padded, *bare; /* RFC 4648 section 10 */
    } cases[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf b = buf_make(64);
        buf_base64(&b, slice_of(cases[i].bytes), true);
        ck_assert_msg(slice_is(buf_slice(&b), cases[i].padded), "%s", cases[i].padded);
        buf_clear(&b);
        buf_base64(&b, slice_of(cases[i].bytes), false);
        ck_assert_msg(slice_is(buf_slice(&b), cases[i].bare), "%s", cases[i].bare);
        buf_free(&b);
    }
}
END_TEST

START_TEST(hex_is_lower_case_and_front_can_be_dropped)
{
    struct buf b = buf_make(64);
    buf_hex(&b, slice_make("\x00\xab\xff", 3));
    ck_assert(slice_is(buf_slice(&b), "00abff"));
    buf_drop_front(&b, 2);
    ck_assert(slice_is(buf_slice(&b), "abff"));
    buf_drop_front(&b, 4);
    ck_assert_uint_eq(b.len, 0);
    buf_free(&b);
}
END_TEST

START_TEST(printf_longer_than_its_line_is_whole)
{
    struct buf b = buf_make(4096);
    buf_printf(&b, "%0600d", 7);
    ck_assert(buf_ok(&b));
    ck_assert_uint_eq(b.len, 600);
    ck_assert_int_eq(b.data[599], '7');
    buf_free(&b);
}
END_TEST

SUITE_MAIN("base/buf", failure_sticks_and_keeps_what_was_there, grows_to_exactly_its_cap,
           numbers_read_as_printf_writes_them, base64_follows_rfc_4648,
           hex_is_lower_case_and_front_can_be_dropped, printf_longer_than_its_line_is_whole)
