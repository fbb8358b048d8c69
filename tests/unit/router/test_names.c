// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "router/names.h"
#include "tests/support/suite.h"

static const struct name_claim holder = {.pid = 10, .attempt = 5};

static const struct {
    const char *why;
    struct name_claim claim;
    const struct name_claim *holder;
    pid_t expected;
    enum name_verdict verdict;
} cases[] = {
    {"nobody has it", {20, 1, false}, NULL, 0, NAME_FREE},
    {"nobody has it, and the master announced this one", {20, 1, false}, NULL, 20, NAME_FREE},
    {"nobody has it, but the master gave it to another", {20, 1, false}, NULL, 30, NAME_IN_USE},
    {"replace does not help an impostor", {20, 1, true}, NULL, 30, NAME_IN_USE},
    {"another has it", {20, 1, false}, &holder, 0, NAME_IN_USE},
    {"another has it, but this one may replace", {20, 1, true}, &holder, 0, NAME_TAKEN},
    {"the master's newer spawn", {20, 1, false}, &holder, 20, NAME_TAKEN},
    {"the holder is the newest spawn", {20, 1, false}, &holder, 10, NAME_IN_USE},
    {"replace against the newest spawn", {20, 1, true}, &holder, 10, NAME_IN_USE},
    {"the holder again", {10, 6, false}, &holder, 0, NAME_RENEWED},
    {"the holder again, as announced", {10, 6, false}, &holder, 10, NAME_RENEWED},
    {"the holder again, not the newest spawn any more", {10, 6, false}, &holder, 20, NAME_IN_USE},
    {"a HELLO that was overtaken", {10, 4, false}, &holder, 0, NAME_LATE},
    {"the same HELLO twice", {10, 5, false}, &holder, 0, NAME_LATE},
    {"overtaken, and asking to replace", {10, 4, true}, &holder, 0, NAME_LATE},
};

START_TEST(judges_every_claim_by_the_rule)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(name_judge(&cases[i].claim, cases[i].holder, cases[i].expected) ==
                          cases[i].verdict,
                      "%s", cases[i].why);
}
END_TEST

START_TEST(newest_spawn_that_the_master_named_is_expected)
{
    struct names names = {0};
    ck_assert_int_eq(names_expected(&names, "a"), 0);
    names_give(&names, "a", 10, 1);
    names_give(&names, "b", 20, 1);
    ck_assert_int_eq(names_expected(&names, "a"), 10);
    ck_assert_int_eq(names_expected(&names, "b"), 20);
    ck_assert_int_eq(names_expected(&names, "ab"), 0);
    names_give(&names, "a", 11, 2);
    ck_assert_int_eq(names_expected(&names, "a"), 11);
    names_give(&names, "a", 10, 1); /* old news */
    ck_assert_int_eq(names_expected(&names, "a"), 11);
    names_give(&names, "a", 0, 3);
    ck_assert_int_eq(names_expected(&names, "a"), 0);
    names_give(&names, "a", 12, 1); /* detached, and attached once more */
    ck_assert_int_eq(names_expected(&names, "a"), 12);
    names_fini(&names);
}
END_TEST

START_TEST(names_are_bounded_in_length_and_number)
{
    struct names names = {0};
    char name[NAME_MAX_BYTES + 10];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    names_give(&names, name, 10, 1);
    name[NAME_MAX_BYTES] = '\0';
    ck_assert_int_eq(names_expected(&names, name), 10);
    for (unsigned i = 1; i < NAMES_MAX + 5; i++) {
        snprintf(name, sizeof name, "%u", i);
        names_give(&names, name, 20, 1);
    }
    ck_assert_int_eq(names_expected(&names, "1023"), 20);
    ck_assert_int_eq(names_expected(&names, "1024"), 0);
    names_fini(&names);
}
END_TEST

SUITE_MAIN("router/names", judges_every_claim_by_the_rule,
           newest_spawn_that_the_master_named_is_expected, names_are_bounded_in_length_and_number)
