// SPDX-License-Identifier: Apache-2.0
#include "ctl/table.h"

#include <string.h>

#include "tests/support/suite.h"

static const struct table_column columns[] = {{"NAME", false, 0}, {"N", true, 0}, {"WHY", false, 6}};

START_TEST(columns_are_as_wide_as_what_stands_in_them)
{
    struct table t;
    struct buf out = buf_make(1000);
    table_init(&t, columns, 3);
    table_word(&t, "file/archive");
    table_number(&t, 7);
    table_word(&t, "");
    table_word(&t, "ü");
    table_number(&t, 12345);
    table_word(&t, "long enough");
    table_word(&t, "");
    table_word(&t, "");
    table_word(&t, "a\x1b[2J");
    table_note(&t, "why: ", slice_of("a long\tstory\nin lines"));
    table_note(&t, "why: ", slice_of(""));
    table_word(&t, "last");
    table_number(&t, 1);
    table_word(&t, "");
    table_print(&t, &out);
    buf_byte(&out, '\0');
    ck_assert_str_eq((const char *)out.data, "NAME              N  WHY\n"
                                             "file/archive      7\n"
                                             "ü             12345  long …\n"
                                             "                     a\\x1b…\n"
                                             "    why: a long\\tstory\\nin lines\n"
                                             "last              1\n");
    buf_free(&out);
    table_fini(&t);
}
END_TEST

START_TEST(a_table_without_rows_is_its_titles)
{
    struct table t;
    struct buf out = buf_make(1000);
    table_init(&t, columns, 3);
    table_print(&t, &out);
    ck_assert(slice_is(buf_slice(&out), "NAME  N  WHY\n"));
    buf_free(&out);
    table_fini(&t);
}
END_TEST

static const struct {
    uint64_t value;
    const char *text;
} bytes[] = {
    {0, "0 B"}, {1023, "1023 B"}, {1024, "1.0 KiB"}, {1536, "1.5 KiB"}, {1048575, "1.0 MiB"},
    {1u << 20, "1.0 MiB"}, {5368709120u, "5.0 GiB"}, {UINT64_MAX, "16.0 EiB"},
}, ages[] = {
    {0, "-"}, {1, "1ms"}, {999, "999ms"}, {1000, "1s"}, {59999, "59s"}, {60000, "1m00s"}, {185000, "3m05s"},
    {3600000, "1h00m"}, {7620000, "2h07m"}, {442800000, "5d03h"},
};

START_TEST(sizes_and_ages_read_well)
{
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        struct buf out = buf_make(100);
        table_bytes_text(bytes[i].value, &out);
        ck_assert_msg(slice_is(buf_slice(&out), bytes[i].text), "%.*s", (int)out.len, (const char *)out.data);
        buf_free(&out);
    }
    for (size_t i = 0; i < sizeof ages / sizeof ages[0]; i++) {
        struct buf out = buf_make(100);
        table_age_text(ages[i].value, &out);
        ck_assert_msg(slice_is(buf_slice(&out), ages[i].text), "%.*s", (int)out.len, (const char *)out.data);
        buf_free(&out);
    }
}
END_TEST

SUITE_MAIN("ctl/table", columns_are_as_wide_as_what_stands_in_them, a_table_without_rows_is_its_titles,
           sizes_and_ages_read_well)
