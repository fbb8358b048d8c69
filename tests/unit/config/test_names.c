// SPDX-License-Identifier: Apache-2.0
#include "shared/config/names.h"
#include "tests/support/suite.h"

static const char *const known[] = {"endpoint", "max_recv_msg_size_mib", "path", "grpc", "http"};

static struct names make_names(void)
{
    struct names names = {.count = 0};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        names_add(&names, slice_of(known[i]));
    return names;
}

static const struct {
    const char *given;
    const char *meant;
    const char *why;
} cases[] = {
    {"endpont", "endpoint", "a letter missing"},
    {"enddpoint", "endpoint", "a letter too many"},
    {"endpojnt", "endpoint", "a wrong letter"},
    {"endpiont", "endpoint", "two letters swapped"},
    {"endpints", "endpoint", "two mistakes"},
    {"ndpints", "", "three mistakes"},
    {"max_recv_msg_size", "", "a whole part missing"},
    {"pat", "path", "short, but most of it is right"},
    {"pxtx", "", "two mistakes, but only half of it is right"},
    {"ab", "", "half of a short name is wrong"},
    {"", "", "nothing was given"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "", "longer than any name"},
};

START_TEST(the_closest_name_is_found_if_it_is_close)
{
    struct names names = make_names();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice found = names_closest(&names, slice_of(cases[i].given));
        ck_assert_msg(slice_is(found, cases[i].meant), "%s: %s", cases[i].given, cases[i].why);
    }
}
END_TEST

START_TEST(the_list_names_each_name_once)
{
    struct names names = make_names();
    struct buf out = buf_make(200);
    names_add(&names, slice_of("path"));
    names_print(&names, slice_of("pats"), &out);
    ck_assert(slice_is(buf_slice(&out), "did you mean path? supported here: endpoint, "
                                        "max_recv_msg_size_mib, path, grpc, http"));
    buf_clear(&out);
    names = (struct names){.count = 0};
    names_print(&names, slice_of("pats"), &out);
    ck_assert(slice_is(buf_slice(&out), "supported here: nothing"));
    buf_free(&out);
}
END_TEST

START_TEST(names_beyond_the_room_are_left_out)
{
    struct names names = {.count = 0};
    char text[NAMES_MAX + 5][2];
    for (size_t i = 0; i < NAMES_MAX + 5; i++) {
        text[i][0] = (char)(1 + i);
        names_add(&names, slice_make(text[i], 1));
    }
    ck_assert_uint_eq(names.count, NAMES_MAX);
}
END_TEST

SUITE_MAIN("names", the_closest_name_is_found_if_it_is_close, the_list_names_each_name_once,
           names_beyond_the_room_are_left_out)
