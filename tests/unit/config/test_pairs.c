// SPDX-License-Identifier: Apache-2.0
#include "shared/config/pairs.h"
#include "tests/support/suite.h"

static const struct {
    const char *text;
    const char *canonical; /* NULL: refused */
    const char *why;
} cases[] = {
    {"", "", "no pairs"},
    {"a=1", "a=1", "one"},
    {"a=1&b=2", "a=1&b=2", "two, in their order"},
    {"b=2&a=1", "b=2&a=1", "which is kept"},
    {"a=", "a=", "an empty value"},
    {"a=b=c", "a=b%3Dc", "what is special is encoded"},
    {"a=x y", "a=x%20y", "so is a space"},
    {"a=x+y", "a=x%2By", "and a plus, which means itself"},
    {"a=%41%2f%7E", "a=A%2F~", "either case of hex, and only what needs it"},
    {"a=\xc3\xa9", "a=%C3%A9", "bytes beyond ASCII"},
    {"s3_x.y=1", "s3_x.y=1", "names"},
    {"a", NULL, "no value"},
    {"a=1&", NULL, "nothing after the &"},
    {"&a=1", NULL, "nothing before it"},
    {"=1", NULL, "no name"},
    {"a b=1", NULL, "no name for a setting"},
    {"a=%4", NULL, "half a byte"},
    {"a=%", NULL, "none"},
    {"a=%zz", NULL, "no hex"},
    {"a=%0A", NULL, "a control character"},
    {"a=\x7f", NULL, "another"},
    {"a=1&a=2", NULL, "given twice"},
};

START_TEST(a_text_becomes_canonical_or_is_refused)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = buf_make(1000);
        int rc = pairs_canonical(slice_of(cases[i].text), &out);
        if (cases[i].canonical)
            ck_assert_msg(rc == 0 && slice_is(buf_slice(&out), cases[i].canonical), "%s: %s: %d %.*s", cases[i].text,
                          cases[i].why, rc, (int)out.len, (const char *)out.data);
        else
            ck_assert_msg(rc == GW_ERR_MALFORMED && out.len == 0, "%s: %s", cases[i].text, cases[i].why);
        buf_free(&out);
    }
}
END_TEST

START_TEST(what_was_added_comes_back)
{
    struct buf pairs = buf_make(10000), value = buf_make(1000);
    uint8_t all[256];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    pairs_add(&pairs, slice_of("one"), slice_make(all, sizeof all));
    pairs_add(&pairs, slice_of("two"), slice_of(""));
    struct slice rest = buf_slice(&pairs), name;
    ck_assert_int_eq(pairs_next(&rest, &name, &value), 1);
    ck_assert(slice_is(name, "one") && slice_eq(buf_slice(&value), slice_make(all, sizeof all)));
    ck_assert_int_eq(pairs_next(&rest, &name, &value), 1);
    ck_assert(slice_is(name, "two") && value.len == 0);
    ck_assert_int_eq(pairs_next(&rest, &name, &value), 0);
    ck_assert(pairs_has(buf_slice(&pairs), slice_of("two")));
    ck_assert(!pairs_has(buf_slice(&pairs), slice_of("tw")));
    buf_free(&pairs);
    buf_free(&value);
}
END_TEST

SUITE_MAIN("config/pairs", a_text_becomes_canonical_or_is_refused, what_was_added_comes_back)
