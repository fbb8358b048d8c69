// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/store_place.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "receiver/master/store_room.h"
#include "tests/support/suite.h"
#include "tests/unit/receiver/master/stage.h"

struct scene {
    struct stage stage;
    struct config_store store;
    struct runtime_dir runtime;
    struct store_place place;
    char why[512];
};

static void scene_open(struct scene *s)
{
    *s = (struct scene){.store = {.max_bytes = 1u << 20, .dead_letter_bytes = 1u << 20}};
    stage_open(&s->stage);
    snprintf(s->runtime.store, sizeof s->runtime.store, "%s/store", s->stage.directory);
    s->runtime.store_on_tmpfs = true;
}

static int place(struct scene *s)
{
    return store_place_open(&s->place, &s->store, &s->runtime, &s->stage.log, s->why);
}

static void scene_close(struct scene *s)
{
    store_place_close(&s->place);
    store_place_close(&s->place);
    stage_close(&s->stage);
}

static void below(struct scene *s, const char *name)
{
    snprintf(s->store.directory, sizeof s->store.directory, "%s/%s", s->stage.directory, name);
}

START_TEST(without_a_directory_it_lies_beside_the_bus)
{
    struct scene s;
    scene_open(&s);
    ck_assert_msg(place(&s) == GW_OK, "%s", s.why);
    ck_assert_str_eq(s.place.path, s.runtime.store);
    ck_assert(!s.place.configured);
    ck_assert_uint_eq(s.place.max_bytes, 1u << 20);
    ck_assert_uint_eq(s.place.dead_letter_bytes, 1u << 18); /* memory is not for the dead */
    ck_assert_int_eq(store_place_fsync(&s.place, &s.store), MASQUES__CONTROL__FSYNC__FSYNC_NONE);
    scene_close(&s);
}
END_TEST

START_TEST(a_directory_is_created_for_us_alone)
{
    struct scene s;
    struct stat st;
    scene_open(&s);
    below(&s, "disk/");
    ck_assert_msg(place(&s) == GW_OK, "%s", s.why);
    ck_assert(s.place.configured);
    ck_assert_int_eq(fstat(s.place.fd, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    ck_assert_int_eq(s.place.path[0], '/');
    ck_assert_int_ne(s.place.path[strlen(s.place.path) - 1], '/');
    scene_close(&s);
}
END_TEST

START_TEST(a_directory_that_is_there_is_taken_as_it_is)
{
    struct scene s;
    struct stat st;
    scene_open(&s);
    below(&s, "disk");
    ck_assert_int_eq(mkdir(s.store.directory, 0750), 0);
    ck_assert_msg(place(&s) == GW_OK, "%s", s.why);
    ck_assert_int_eq(fstat(s.place.fd, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0750);
    scene_close(&s);
}
END_TEST

START_TEST(what_is_no_place_is_said)
{
    struct scene s;
    scene_open(&s);
    below(&s, "missing/disk");
    ck_assert_int_eq(place(&s), GW_ERR_IO);
    ck_assert_ptr_nonnull(strstr(s.why, s.store.directory));
    ck_assert_ptr_nonnull(strstr(s.why, "the directory above it is not there"));
    store_place_close(&s.place);
    below(&s, "file");
    FILE *file = fopen(s.store.directory, "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    ck_assert_int_eq(place(&s), GW_ERR_IO);
    ck_assert_ptr_nonnull(strstr(s.why, "Not a directory"));
    scene_close(&s);
}
END_TEST

START_TEST(a_disk_is_never_filled_to_the_last_tenth)
{
    struct statvfs fs;
    ck_assert_int_eq(statvfs("/tmp", &fs), 0);
    ck_assert_uint_eq(store_room_disk("/tmp", UINT64_MAX), (uint64_t)fs.f_blocks * fs.f_frsize / 10 * 9);
    ck_assert_uint_eq(store_room_disk("/tmp", 4096), 4096);
}
END_TEST

SUITE_MAIN("receiver/master/store_place", without_a_directory_it_lies_beside_the_bus,
           a_directory_is_created_for_us_alone, a_directory_that_is_there_is_taken_as_it_is, what_is_no_place_is_said,
           a_disk_is_never_filled_to_the_last_tenth)
