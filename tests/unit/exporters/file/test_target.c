// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/target.h"
#include "tests/support/suite.h"

#include <string.h>

/* What Go's path.Clean says. */
static const struct {
    const char *path;
    const char *clean;
} cleaned[] = {
    {"", "."},           {".", "."},          {"a", "a"},           {"a/b", "a/b"},
    {"a//b", "a/b"},     {"a/./b", "a/b"},    {"a/b/", "a/b"},      {"a/b/..", "a"},
    {"a/..", "."},       {"a/../..", ".."},   {"../a", "../a"},     {"../../a/..", "../.."},
    {"/", "/"},          {"//", "/"},         {"/..", "/"},         {"/../a", "/a"},
    {"/a/../../b", "/b"}, {"/a/b/../c/", "/a/c"}, {"a/b/../../c", "c"}, {"../a/../../b", "../../b"},
};

START_TEST(paths_are_cleaned_as_go_cleans_them)
{
    for (size_t i = 0; i < sizeof cleaned / sizeof cleaned[0]; i++) {
        struct buf out = buf_make(1000);
        target_clean(slice_of(cleaned[i].path), &out);
        ck_assert_msg(slice_is(buf_slice(&out), cleaned[i].clean), "\"%s\" became \"%.*s\"",
                      cleaned[i].path, (int)out.len, (const char *)out.data);
        buf_free(&out);
    }
}
END_TEST

static const struct {
    const char *pattern;
    const char *value;
    const char *path;
    const char *why;
} paths[] = {
    {"/data/*.json", "a", "/data/a.json", "the plain case"},
    {"/data/*.json", "", "/data/.json", "an empty value"},
    {"/data/*.json", "a/b", "/data/a/b.json", "a directory within"},
    {"/data/*.json", "../x", "/data/x.json", "begins with ../"},
    {"/data/*.json", "./x", "/data/x.json", "begins with ./"},
    {"/data/*.json", "a/../../../etc/x", "/data/etc/x.json", "climbs out later"},
    {"/data/*.json", "/etc/passwd", "/data/etc/passwd.json", "absolute"},
    {"/data/*.json", "../../../../x", "/data/x.json", "climbs far"},
    {"/data/x*.json", "/../../y", "/data/x/y.json", "a prefix that is no directory"},
    {"data/*", "x", "data/x", "relative, no suffix"},
    {"./data/*/log.json", "x", "data/x/log.json", "a cleaned prefix"},
    {"/data/*/log.json", "..", "/data/log.json", "the value is .."},
};

START_TEST(no_value_leads_out_of_the_directory)
{
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct buf out = buf_make(TARGET_PATH_BYTES);
        int rc = target_path(paths[i].pattern, slice_of(paths[i].value), &out);
        ck_assert_msg(rc == 0 && strcmp((const char *)out.data, paths[i].path) == 0, "%s: %s",
                      paths[i].why, rc == 0 ? (const char *)out.data : "an error");
        buf_free(&out);
    }
}
END_TEST

START_TEST(values_that_name_no_file_are_refused)
{
    struct buf out = buf_make(TARGET_PATH_BYTES);
    char longest[300];
    memset(longest, 'x', sizeof longest);
    ck_assert_int_eq(target_path("/d/*", slice_make(longest, 255), &out), 0);
    buf_clear(&out);
    ck_assert_int_eq(target_path("/d/*", slice_make(longest, 256), &out), GW_ERR_TOO_LARGE);
    ck_assert_int_eq(target_path("/d/*", slice_make("a\0b", 3), &out), GW_ERR_INVALID);
    ck_assert_int_eq(target_path("/d/*", slice_of(""), &out), GW_ERR_INVALID);
    ck_assert_int_eq(target_path("/d/*", slice_of(".."), &out), GW_ERR_INVALID);
    ck_assert_int_eq(target_path("/d/*", slice_of("."), &out), GW_ERR_INVALID);
    ck_assert_int_eq(target_path("../*", slice_of("../.."), &out), GW_ERR_INVALID);
    static char deep[5000];
    memset(deep, '/', sizeof deep);
    for (size_t i = 0; i < sizeof deep; i += 2)
        deep[i] = 'x';
    ck_assert_int_eq(target_path("/d/*", slice_make(deep, sizeof deep), &out), GW_ERR_TOO_LARGE);
    ck_assert_int_eq(target_path("/d/*", slice_make(deep, 4095), &out), GW_ERR_TOO_LARGE);
    ck_assert_uint_eq(out.len, 0);
    buf_free(&out);
}
END_TEST

SUITE_MAIN("target", paths_are_cleaned_as_go_cleans_them, no_value_leads_out_of_the_directory,
           values_that_name_no_file_are_refused)
