// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/ready_file.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/support/suite.h"
#include "tests/unit/receiver/master/stage.h"

static const struct listener listeners[] = {
    {.fd = -1, .protocol = "grpc", .address = "127.0.0.1:4317"},
    {.fd = -1, .protocol = "health", .address = "[::1]:13133"},
};

START_TEST(it_names_the_addresses)
{
    struct stage s;
    char path[256], text[4096], expected[256];
    stage_open(&s);
    stage_path(&s, "ready", path);
    ck_assert_int_eq(ready_file_write(path, listeners, 2, "ipc:///run/a\"b/bus.sock"), GW_OK);
    snprintf(expected, sizeof expected,
             "{\"pid\":%d,\"grpc\":\"127.0.0.1:4317\",\"health\":\"[::1]:13133\","
             "\"bus\":\"ipc:///run/a\\\"b/bus.sock\"}\n", getpid());
    ck_assert_str_eq(stage_text(&s, "ready", text), expected);
    stage_close(&s);
}
END_TEST

/* A limit of file size stands for a full disk: the write is cut short. */
START_TEST(a_full_disk_leaves_the_old_file_and_no_other)
{
    struct stage s;
    char path[256], text[4096], name[300];
    struct rlimit tiny = {10, 10};
    int status;
    stage_open(&s);
    stage_path(&s, "ready", path);
    ck_assert_int_eq(ready_file_write(path, NULL, 0, "x"), GW_OK);
    pid_t child = fork(); /* the limit is for the process that stays under it */
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        bool refused = setrlimit(RLIMIT_FSIZE, &tiny) == 0 &&
                       ready_file_write(path, listeners, 2, "x") == GW_ERR_IO && errno == ENOSPC;
        snprintf(name, sizeof name, "%s.%d", path, getpid());
        _exit(refused && access(name, F_OK) != 0 ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_msg(strstr(stage_text(&s, "ready", text), "\"bus\":\"x\"") != NULL, "%s", text);
    stage_close(&s);
}
END_TEST

START_TEST(the_file_of_a_former_run_goes_at_the_start)
{
    struct stage s;
    char path[256], why[512] = "";
    stage_open(&s);
    stage_path(&s, "ready", path);
    ck_assert_int_eq(ready_file_clear(path, why), GW_OK);
    ck_assert_int_eq(ready_file_write(path, listeners, 2, "x"), GW_OK);
    ck_assert_int_eq(ready_file_clear(path, why), GW_OK);
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert_int_eq(rmdir(s.directory), 0); /* nothing else is left either */
    stage_close(&s);
}
END_TEST

START_TEST(a_place_that_cannot_be_written_is_said_at_the_start)
{
    static const struct {
        const char *path, *why;
    } cases[] = {
        {"/nowhere/ready", "No such file or directory"},
        {"/proc/ready", "/proc/ready"}, /* read-only */
        {"/dev/null", "not a file"},
        {"/tmp", "not a file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char why[512] = "";
        ck_assert_int_eq(ready_file_clear(cases[i].path, why), GW_ERR_IO);
        ck_assert_msg(strstr(why, cases[i].why) && strstr(why, cases[i].path) && !strchr(why, '\n'), "%s", why);
    }
}
END_TEST

SUITE_MAIN("receiver/master/ready_file", it_names_the_addresses, a_full_disk_leaves_the_old_file_and_no_other,
           the_file_of_a_former_run_goes_at_the_start, a_place_that_cannot_be_written_is_said_at_the_start)
