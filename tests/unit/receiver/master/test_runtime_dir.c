// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/runtime_dir.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/suite.h"

static void make_parent(char path[64])
{
    snprintf(path, 64, "/tmp/masques-dir-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(path));
}

START_TEST(a_second_gateway_is_told_who_holds_the_directory)
{
    char parent[64], wanted[96], why[512] = "", pid[32];
    struct runtime_dir first, second;
    make_parent(parent);
    snprintf(wanted, sizeof wanted, "%s/run", parent);
    ck_assert_int_eq(runtime_dir_open(&first, wanted, -1, why), GW_OK);
    ck_assert_str_eq(first.path, wanted);
    ck_assert_int_eq(runtime_dir_open(&second, wanted, -1, why), GW_ERR_EXISTS);
    snprintf(pid, sizeof pid, "process %d", getpid());
    ck_assert_msg(strstr(why, pid) && strstr(why, wanted), "%s", why);
    runtime_dir_close(&first);
    ck_assert_int_eq(runtime_dir_open(&second, wanted, -1, why), GW_OK);
    runtime_dir_close(&second);
}
END_TEST

START_TEST(the_lock_ends_with_its_process)
{
    char parent[64], wanted[96], why[512];
    struct runtime_dir dir;
    make_parent(parent);
    snprintf(wanted, sizeof wanted, "%s/run", parent);
    pid_t child = fork();
    if (child == 0)
        _exit(runtime_dir_open(&dir, wanted, -1, why) == GW_OK ? 0 : 1);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(runtime_dir_open(&dir, wanted, -1, why), GW_OK);
    runtime_dir_close(&dir);
}
END_TEST

START_TEST(the_directory_is_closed_to_others)
{
    char parent[64], why[512];
    struct runtime_dir dir;
    struct stat st;
    make_parent(parent);
    ck_assert_int_eq(chmod(parent, 0777), 0);
    ck_assert_int_eq(runtime_dir_open(&dir, parent, -1, why), GW_OK);
    ck_assert_int_eq(stat(parent, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700);
    runtime_dir_close(&dir);
}
END_TEST

START_TEST(what_is_no_directory_of_ours_is_refused)
{
    char parent[64], wanted[96], why[512] = "";
    struct runtime_dir dir;
    make_parent(parent);
    snprintf(wanted, sizeof wanted, "%s/link", parent);
    ck_assert_int_eq(symlink("/tmp", wanted), 0);
    ck_assert_int_eq(runtime_dir_open(&dir, wanted, -1, why), GW_ERR_INVALID);
    ck_assert_msg(strstr(why, "is not a directory") != NULL, "%s", why);
    snprintf(wanted, sizeof wanted, "%s/missing/run", parent);
    ck_assert_int_eq(runtime_dir_open(&dir, wanted, -1, why), GW_ERR_IO);
    ck_assert_msg(strstr(why, "cannot create") != NULL, "%s", why);
}
END_TEST

/* A socket's path in it would not fit; the directory of a cut name would be somebody else's. */
START_TEST(a_path_that_is_too_long_is_refused_before_anything_is_made)
{
    char parent[64], wanted[200], why[512] = "";
    struct runtime_dir dir;
    make_parent(parent);
    snprintf(wanted, sizeof wanted, "%s/%0120d", parent, 0);
    ck_assert_int_eq(runtime_dir_open(&dir, wanted, -1, why), GW_ERR_INVALID);
    ck_assert_msg(strstr(why, "too long") != NULL, "%s", why);
    ck_assert_int_eq(rmdir(parent), 0); /* still empty */
}
END_TEST

SUITE_MAIN("receiver/master/runtime_dir", a_second_gateway_is_told_who_holds_the_directory,
           the_lock_ends_with_its_process, the_directory_is_closed_to_others,
           what_is_no_directory_of_ours_is_refused,
           a_path_that_is_too_long_is_refused_before_anything_is_made)
