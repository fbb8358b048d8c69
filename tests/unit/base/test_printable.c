// SPDX-License-Identifier: Apache-2.0
#include "shared/base/printable.h"

#include "tests/support/suite.h"

static const struct {
    const char *text, *shown;
    uint32_t limit, columns;
    const char *why;
} cases[] = {
    {"file/archive", "file/archive", 99, 12, "plain text is as it is"},
    {"Zürich ✓", "Zürich ✓", 99, 8, "one column a character"},
    {"a\nb\tc\rd", "a\\nb\\tc\\rd", 99, 10, "a line stays a line"},
    {"\x1b[31mred", "\\x1b[31mred", 99, 11, "no colours of strangers"},
    {"\x7f", "\\x7f", 99, 4, "DEL"},
    {"\xc2\x9b", "\\u009b", 99, 6, "C1 controls, which some terminals obey"},
    {"\xe2\x80\xae" "abc", "\\u202e" "abc", 99, 9, "marks that reorder"},
    {"\xff", "\\xff", 99, 4, "no UTF-8"},
    {"\xc3", "\\xc3", 99, 4, "half a character"},
    {"abcdef", "abcdef", 6, 6, "what just fits is not cut"},
    {"abcdefg", "abcde…", 6, 6, "what does not is, with a sign"},
    {"abc\n\n", "abc…", 5, 4, "an escape is not cut in two"},
    {"", "", 5, 0, "nothing"},
};

START_TEST(strangers_cannot_speak_to_the_terminal)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = buf_make(100);
        uint32_t columns = printable_text(&out, slice_of(cases[i].text), cases[i].limit);
        ck_assert_msg(slice_is(buf_slice(&out), cases[i].shown), "%s: %.*s", cases[i].why, (int)out.len,
                      (const char *)out.data);
        ck_assert_msg(columns == cases[i].columns, "%s: %u columns", cases[i].why, columns);
        buf_free(&out);
    }
}
END_TEST

SUITE_MAIN("base/printable", strangers_cannot_speak_to_the_terminal)
