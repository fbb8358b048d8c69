// SPDX-License-Identifier: Apache-2.0
#include "exporters/console/match.h"

#include "tests/support/suite.h"

static const struct {
    const char *text, *in;
    bool plain, colored;
    const char *why;
} cases[] = {
    {"", "anything", true, true, "nothing is looked for"},
    {"", "", true, true, "not even in nothing"},
    {"bash", "Bash  ok", true, true, "case does not matter, here"},
    {"BASH", "bash", true, true, "nor here"},
    {"Ärger", "so ein Ärger", true, true, "other letters as they are"},
    {"a", "", false, false, "nothing contains nothing but nothing"},
    {"aab", "aaab", true, true, "a beginning that fails is left for the next"},
    {"abc", "ab", false, false, "the end cuts it off"},
    {"code=402", "\x1b[2mcode\x1b[0m\x1b[2m=\x1b[0m402", false, true, "colours are no part of the text"},
    {"402", "\x1b[2mcode\x1b[0m=402", true, true, "what stands between colours"},
    {"[2m", "\x1b[2mcode\x1b[0m", true, false, "a colour is not found"},
    {"x", "\x1b[2", false, false, "a code that does not end"},
};

START_TEST(text_is_found_whatever_its_case_and_colour)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct match m;
        match_init(&m, cases[i].text);
        ck_assert_msg(match_wanted(&m) == (cases[i].text[0] != 0), "%s", cases[i].why);
        ck_assert_msg(match_found(&m, slice_of(cases[i].in)) == cases[i].plain, "%s", cases[i].why);
        ck_assert_msg(match_found_in_colors(&m, slice_of(cases[i].in)) == cases[i].colored, "%s (colours)",
                      cases[i].why);
    }
}
END_TEST

SUITE_MAIN("exporters/console/match", text_is_found_whatever_its_case_and_colour)
