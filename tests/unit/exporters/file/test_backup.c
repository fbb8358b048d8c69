// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/backup.h"
#include "tests/support/suite.h"
#include "tests/unit/exporters/file/directory.h"

#include <time.h>

#define STAMP_MS INT64_C(1663131734173) /* 2022-09-14T05:02:14.173Z */

static const char *name_of(const char *path, int64_t ms, bool local)
{
    static char name[400];
    ck_assert_int_eq(backup_name(path, ms, local, name, sizeof name), 0);
    return name;
}

START_TEST(names_are_those_of_the_collector)
{
    ck_assert_str_eq(name_of("data.json", STAMP_MS, false), "data-2022-09-14T05-02-14.173.json");
    ck_assert_str_eq(name_of("/x.y/data", STAMP_MS, false), "/x.y/data-2022-09-14T05-02-14.173");
    ck_assert_str_eq(name_of("d/a.b.c", STAMP_MS, false), "d/a.b-2022-09-14T05-02-14.173.c");
    setenv("TZ", "IST-5:30", 1);
    tzset();
    ck_assert_str_eq(name_of("data.json", STAMP_MS, true), "data-2022-09-14T10-32-14.173.json");
    char small[8];
    ck_assert_int_eq(backup_name("data.json", 0, false, small, sizeof small), GW_ERR_TOO_LARGE);
}
END_TEST

START_TEST(times_are_read_back_from_names)
{
    int64_t ms = 0;
    ck_assert(backup_time("/a/data.json", "data-2022-09-14T05-02-14.173.json", false, &ms));
    ck_assert_int_eq(ms, STAMP_MS);
    setenv("TZ", "IST-5:30", 1);
    tzset();
    ck_assert(backup_time("data.json", "data-2022-09-14T10-32-14.173.json", true, &ms));
    ck_assert_int_eq(ms, STAMP_MS);
    static const char *const others[] = {
        "data.json", "data-2022-09-14T05-02-14.173.jsonl", "data-2022-09-14T05-02-14.173",
        "date-2022-09-14T05-02-14.173.json", "data-2022-09-14 05-02-14.173.json",
        "data-2022-13-14T05-02-14.173.json", "data-2022-09-14T25-02-14.173.json",
        "data-2022-09-14T05-02-1x.173.json", "data-2022-09-14T05-02-14.173.json.gz",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert_msg(!backup_time("data.json", others[i], false, &ms), "%s", others[i]);
}
END_TEST

START_TEST(a_name_that_is_taken_is_never_overwritten)
{
    struct directory d = directory_new();
    directory_put(&d, "data.json", "new");
    directory_put(&d, "data-2022-09-14T05-02-14.173.json", "old");
    ck_assert_int_eq(backup_make(directory_path(&d, "data.json"), STAMP_MS, false), 0);
    directory_check(&d, "data-2022-09-14T05-02-14.173.json", "old");
    directory_check(&d, "data-2022-09-14T05-02-14.174.json", "new");
    directory_check(&d, "data.json", NULL);
    ck_assert_int_eq(backup_make(directory_path(&d, "data.json"), STAMP_MS, false), GW_ERR_IO);
    directory_free(&d);
}
END_TEST

START_TEST(backups_go_that_are_too_many_or_too_old)
{
    struct directory d = directory_new();
    directory_put(&d, "data.json", "");
    directory_put(&d, "data-2022-09-14T05-02-14.173.json", "");
    directory_put(&d, "data-2022-09-13T05-02-14.173.json", "");
    directory_put(&d, "data-2022-09-12T05-02-14.173.json", "");
    directory_put(&d, "data-other.json", "");
    char path[200];
    strcpy(path, directory_path(&d, "data.json"));
    ck_assert_uint_eq(backup_prune(path, STAMP_MS, &(struct backup_rules){0, 0, false}), 0);
    ck_assert_uint_eq(backup_prune(path, STAMP_MS, &(struct backup_rules){.max_backups = 2}), 1);
    directory_check(&d, "data-2022-09-12T05-02-14.173.json", NULL);
    ck_assert_uint_eq(backup_prune(path, STAMP_MS, &(struct backup_rules){.max_days = 1}), 0);
    ck_assert_uint_eq(backup_prune(path, STAMP_MS + 1, &(struct backup_rules){.max_days = 1}), 1);
    directory_check(&d, "data-2022-09-13T05-02-14.173.json", NULL);
    directory_check(&d, "data-2022-09-14T05-02-14.173.json", "");
    directory_check(&d, "data-other.json", "");
    directory_free(&d);
}
END_TEST

SUITE_MAIN("backup", names_are_those_of_the_collector, times_are_read_back_from_names,
           a_name_that_is_taken_is_never_overwritten, backups_go_that_are_too_many_or_too_old)
