// SPDX-License-Identifier: Apache-2.0
#include "shared/base/utf8.h"
#include "tests/support/suite.h"

START_TEST(valid_prefix_follows_rfc_3629)
{
    static const struct {
        const char *bytes;
        size_t valid;
        const char *why;
    } cases[] = {
        {"", 0, "nothing"},
        {"plain ascii, longer than a word", 31, "the fast path"},
        {"12345678\xc3\xa4", 10, "two bytes behind a whole word"},
        {"\xe2\x82\xac", 3, "three bytes"},
        {"\xf0\x9f\x98\x80", 4, "four bytes"},
        {"\xf4\x8f\xbf\xbf", 4, "U+10FFFF is the last one"},
        {"\xf4\x90\x80\x80", 0, "above U+10FFFF"},
        {"\xc0\x80", 0, "overlong NUL"},
        {"\xe0\x9f\xbf", 0, "overlong three bytes"},
        {"\xf0\x8f\xbf\xbf", 0, "overlong four bytes"},
        {"\xed\xa0\x80", 0, "a surrogate"},
        {"\xed\x9f\xbf", 3, "the last one before the surrogates"},
        {"ab\x80", 2, "a continuation without a start"},
        {"ab\xe2\x82", 2, "cut short"},
        {"ab\xff", 2, "no UTF-8 byte at all"},
        {"1234567\xff", 7, "the bad byte is the word's last"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(utf8_valid_prefix(slice_of(cases[i].bytes)) == cases[i].valid, "%s",
                      cases[i].why);
}
END_TEST

SUITE_MAIN("base/utf8", valid_prefix_follows_rfc_3629)
