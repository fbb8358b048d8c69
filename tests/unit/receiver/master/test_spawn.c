// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/spawn.h"

#include <signal.h>
#include <sys/wait.h>

#include "shared/control/child.h"
#include "tests/support/suite.h"
#include "tests/unit/receiver/master/stage.h"

/* Before the test runner opens files of its own: none of them may stand where a child's descriptors do. */
__attribute__((constructor)) static void keep_places(void)
{
    while (open("/dev/null", O_RDONLY | O_CLOEXEC) < CHILD_FD_FIRST + SPAWN_EXTRA_MAX)
        ;
}

struct started {
    pid_t pid;
    int control, status;
};

static struct started start(const struct stage *s, const char *program, bool keeps_stdout, const int *extra,
                            size_t extra_count)
{
    Masques__Control__Settings settings = MASQUES__CONTROL__SETTINGS__INIT;
    char path[256];
    int life[2];
    stage_path(s, program, path);
    settings.name = (char *)"child";
    ck_assert_int_eq(pipe2(life, O_CLOEXEC), 0);
    struct spawn_request request = {.program = path, .settings = &settings, .life = life[0],
                                    .keeps_stdout = keeps_stdout, .extra_count = extra_count};
    for (size_t i = 0; i < extra_count; i++)
        request.extra[i] = extra[i];
    struct started child;
    ck_assert_int_eq(spawn_child(&request, &child.pid, &child.control), GW_OK);
    ck_assert_int_eq(waitpid(child.pid, &child.status, 0), child.pid);
    close(life[0]);
    close(life[1]);
    return child;
}

START_TEST(a_child_has_what_it_is_promised_and_nothing_else)
{
    struct stage s;
    char text[4096], expected[256], store[256];
    stage_open(&s);
    /* In one process: what `ls` opens itself stands behind the rest. */
    stage_script(&s, "child", "cd \"${0%/*}\"\nexec 2>&1\nfor fd in /proc/$$/fd/*; do echo \"${fd##*/} $(readlink $fd)\"; done >list\n");
    stage_path(&s, "", store);
    store[strlen(store) - 1] = '\0';
    int leaked = open("/dev/zero", O_RDONLY); /* as a shell leaves it to us: not closed on exec */
    int high = fcntl(leaked, F_DUPFD, 100);
    ck_assert_int_eq(dup2(leaked, STDIN_FILENO), STDIN_FILENO);
    int extra[] = {open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC), high};
    struct started child = start(&s, "child", false, extra, 2);
    ck_assert_int_eq(child.status, 0);
    stage_text(&s, "list", text);
    ck_assert_msg(strstr(text, "0 /dev/null\n") == text, "%s", text);
    ck_assert_msg(strstr(text, "3 socket:[") != NULL, "%s", text);
    ck_assert_msg(strstr(text, "4 pipe:[") != NULL, "%s", text);
    ck_assert_msg(strstr(text, "5 /memfd:masques-settings") != NULL, "%s", text);
    snprintf(expected, sizeof expected, "6 %s\n7 /dev/zero\n", store);
    const char *kept = strstr(text, expected);
    ck_assert_msg(kept != NULL, "%s", text);
    ck_assert_msg(strstr(text, "/dev/zero") == strstr(kept, "/dev/zero"), "%s", text); /* not before that */
    ck_assert_msg(strstr(strstr(kept, "/dev/zero") + 1, "/dev/zero") == NULL, "%s", text); /* nor behind */
    close(child.control);
    stage_close(&s);
}
END_TEST

/* Also when the numbers that it gets are those that it must be given at. */
START_TEST(descriptors_that_stand_in_each_others_way_arrive)
{
    struct stage s;
    char text[4096];
    stage_open(&s);
    stage_script(&s, "child", "cd \"${0%/*}\"\nread a <&6\nread b <&7\necho \"$a $b\" >list\n");
    int first[2], second[2];
    ck_assert_int_eq(pipe2(first, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(second, O_CLOEXEC), 0);
    ck_assert_int_eq(write(first[1], "first\n", 6), 6);
    ck_assert_int_eq(write(second[1], "second\n", 7), 7);
    ck_assert_int_eq(dup3(first[0], 7, O_CLOEXEC), 7); /* is to become 6, and 6 to become 7 */
    ck_assert_int_eq(dup3(second[0], 6, O_CLOEXEC), 6);
    int extra[] = {7, 6};
    struct started child = start(&s, "child", false, extra, 2);
    ck_assert_str_eq(stage_text(&s, "list", text), "first second\n");
    close(child.control);
    stage_close(&s);
}
END_TEST

START_TEST(signals_of_a_terminal_are_not_for_children)
{
    struct stage s;
    char text[4096];
    stage_open(&s);
    stage_script(&s, "child", "cd \"${0%/*}\"\ngrep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status >list\n");
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    signal(SIGUSR2, SIG_IGN);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
    struct started child = start(&s, "child", false, NULL, 0);
    stage_text(&s, "list", text);
    /* 0x1003: SIGHUP 1, SIGINT 2, SIGPIPE 13. */
    ck_assert_msg(strstr(text, "SigBlk:\t0000000000000000") && strstr(text, "SigIgn:\t0000000000001003"), "%s",
                  text);
    sigset_t now;
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &now), 0); /* ours is as it was */
    ck_assert(sigismember(&now, SIGUSR1) && !sigismember(&now, SIGTERM));
    close(child.control);
    stage_close(&s);
}
END_TEST

START_TEST(only_who_may_writes_to_stdout)
{
    struct stage s;
    char text[4096], path[256];
    stage_open(&s);
    stage_script(&s, "child", "echo word\n");
    stage_path(&s, "stdout", path);
    ck_assert_int_ge(dup2(open(path, O_WRONLY | O_CREAT | O_APPEND, 0600), 1), 0);
    close(start(&s, "child", false, NULL, 0).control);
    ck_assert_str_eq(stage_text(&s, "stdout", text), "");
    close(start(&s, "child", true, NULL, 0).control);
    ck_assert_str_eq(stage_text(&s, "stdout", text), "word\n");
    stage_close(&s);
}
END_TEST

START_TEST(starting_leaks_no_descriptor)
{
    struct stage s;
    stage_open(&s);
    stage_script(&s, "child", "exit 0\n");
    unsigned before = stage_open_files();
    for (int i = 0; i < 20; i++)
        close(start(&s, "child", false, NULL, 0).control);
    ck_assert_uint_eq(stage_open_files(), before);
    stage_close(&s);
}
END_TEST

START_TEST(a_program_that_cannot_be_executed_ends_with_a_code_of_its_own)
{
    struct stage s;
    stage_open(&s);
    struct started child = start(&s, "missing", false, NULL, 0);
    ck_assert(WIFEXITED(child.status));
    ck_assert_int_eq(WEXITSTATUS(child.status), SPAWN_EXIT_NO_PROGRAM);
    int extra[] = {-1};
    stage_script(&s, "child", "exit 0\n");
    child = start(&s, "child", false, extra, 1);
    ck_assert_int_eq(WEXITSTATUS(child.status), SPAWN_EXIT_NO_FILES);
    stage_close(&s);
}
END_TEST

SUITE_MAIN("receiver/master/spawn", a_child_has_what_it_is_promised_and_nothing_else,
           descriptors_that_stand_in_each_others_way_arrive, signals_of_a_terminal_are_not_for_children,
           only_who_may_writes_to_stdout, starting_leaks_no_descriptor,
           a_program_that_cannot_be_executed_ends_with_a_code_of_its_own)
