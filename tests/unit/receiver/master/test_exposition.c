// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/exposition.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/suite.h"

static void ck_text(struct buf *b, const char *expected)
{
    buf_byte(b, '\0');
    ck_assert(buf_ok(b));
    ck_assert_str_eq((const char *)b->data, expected);
    buf_free(b);
}

START_TEST(family_and_samples)
{
    struct buf b = buf_make(4096);
    const struct exposition_label labels[] = {{"a", "x"}, {"b", ""}};
    exposition_family(&b, "m_total", "counter", "What \"it\" is\nin two lines, with \\.");
    exposition_u64(&b, "m_total", NULL, 0, UINT64_MAX);
    exposition_u64(&b, "m_total", labels, 1, 0);
    exposition_double(&b, "m_total", labels, 2, 0.07);
    exposition_double(&b, "m_total", labels, 2, 1795639423.5);
    ck_text(&b, "# HELP m_total What \"it\" is\\nin two lines, with \\\\.\n# TYPE m_total counter\n"
                "m_total 18446744073709551615\nm_total{a=\"x\"} 0\nm_total{a=\"x\",b=\"\"} 0.07\n"
                "m_total{a=\"x\",b=\"\"} 1795639423.5\n");
}
END_TEST

START_TEST(label_values_are_escaped)
{
    static const struct {
        const char *value, *text;
    } cases[] = {
        {"plain", "plain"},     {"a\"b", "a\\\"b"},      {"a\\b\\", "a\\\\b\\\\"}, {"a\nb", "a\\nb"},
        {"{,}=\t", "{,}=\t"},   {"gr\xc3\xbc", "gr\xc3\xbc"}, {"\xff\xc3", "??"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf b = buf_make(4096);
        char expected[64];
        const struct exposition_label label = {"l", cases[i].value};
        snprintf(expected, sizeof expected, "m{l=\"%s\"} 1\n", cases[i].text);
        exposition_u64(&b, "m", &label, 1, 1);
        ck_text(&b, expected);
    }
}
END_TEST

START_TEST(what_can_be_part_of_a_name)
{
    ck_assert(exposition_can_be_named("store_bytes_2"));
    ck_assert(!exposition_can_be_named(""));
    ck_assert(!exposition_can_be_named("a b"));
    ck_assert(!exposition_can_be_named("a\n"));
    ck_assert(!exposition_can_be_named("a-b"));
}
END_TEST

SUITE_MAIN("receiver/master/exposition", family_and_samples, label_values_are_escaped, what_can_be_part_of_a_name)
