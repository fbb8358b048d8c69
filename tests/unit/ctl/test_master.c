// SPDX-License-Identifier: Apache-2.0
/* Questions to a socket that plays the master in a process of its own, and to nobody. */
#include "ctl/master.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/control/packet.h"
#include "tests/support/suite.h"

#define PATIENCE_MS 60000u
#define SHORT_MS 200u
#define WORK_MS 500u /* to begin with */

enum manner {
    NOBODY, /* the socket is there and nobody has it */
    ANSWERS,
    SILENT,
    LEAVES,    /* without an answer */
    BABBLES,   /* no protobuf */
    WORKS,     /* answers the question once it was asked another one, at once, and then again */
};

struct scene {
    char directory[64], path[80];
    pid_t pid;
    struct buf why;
};

static unsigned answer(int fd)
{
    ProtobufCMessage *message = NULL;
    int err;
    while ((err = packet_receive(fd, &masques__control__master_request__descriptor, &message)) == GW_ERR_AGAIN)
        usleep(1000);
    if (err != GW_OK)
        _exit(1);
    Masques__Control__MasterAnswer said = MASQUES__CONTROL__MASTER_ANSWER__INIT;
    said.health = (char *)"127.0.0.1:1";
    said.pid = ((Masques__Control__MasterRequest *)message)->what_case;
    if (packet_send(fd, &said.base) != GW_OK)
        _exit(1);
    return said.pid;
}

/* The first one waits until two others were answered. */
static void work(int listener)
{
    int first = accept(listener, NULL, NULL);
    for (int i = 0; i < 2; i++) {
        int other = accept(listener, NULL, NULL);
        if (other < 0 || answer(other) != MASQUES__CONTROL__MASTER_REQUEST__WHAT_WHERE)
            _exit(1);
        close(other);
    }
    answer(first);
    pause();
}

static void play(int listener, enum manner manner)
{
    if (manner == WORKS)
        work(listener);
    while (true) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            _exit(1);
        if (manner == ANSWERS)
            answer(fd);
        if (manner == BABBLES && send(fd, "\xff\xff\xff", 3, 0) != 3)
            _exit(1);
        if (manner == LEAVES)
            close(fd);
    }
}

static void scene_open(struct scene *s)
{
    *s = (struct scene){.directory = "/tmp/masques-ctl-XXXXXX", .why = buf_make(1000)};
    ck_assert_ptr_nonnull(mkdtemp(s->directory));
    snprintf(s->path, sizeof s->path, "%s/control.sock", s->directory);
}

static void scene_start(struct scene *s, enum manner manner)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", s->path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    if (manner != NOBODY) {
        ck_assert_int_eq(listen(fd, 4), 0);
        s->pid = fork();
        ck_assert_int_ge(s->pid, 0);
        if (s->pid == 0)
            play(fd, manner);
    }
    close(fd);
}

static void scene_close(struct scene *s)
{
    if (s->pid) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    unlink(s->path);
    rmdir(s->directory);
    buf_free(&s->why);
}

static int ask(struct scene *s, const char *runtime, uint32_t timeout_ms, Masques__Control__MasterAnswer **answer_to)
{
    Masques__Control__MasterRequest request = MASQUES__CONTROL__MASTER_REQUEST__INIT;
    Masques__Control__Reload reload = MASQUES__CONTROL__RELOAD__INIT;
    request.what_case = MASQUES__CONTROL__MASTER_REQUEST__WHAT_RELOAD;
    request.reload = &reload;
    buf_clear(&s->why);
    int err = master_ask(runtime, &request, timeout_ms, answer_to, &s->why);
    buf_byte(&s->why, '\0');
    return err;
}

static void expect(struct scene *s, const char *runtime, uint32_t timeout_ms, int err, const char *says)
{
    Masques__Control__MasterAnswer *answer_to = NULL;
    ck_assert_int_eq(ask(s, runtime, timeout_ms, &answer_to), err);
    ck_assert_msg(strstr((const char *)s->why.data, says) && strstr((const char *)s->why.data, runtime), "%s",
                  (const char *)s->why.data);
}

START_TEST(a_question_has_its_answer)
{
    struct scene s;
    Masques__Control__MasterAnswer *got = NULL;
    scene_open(&s);
    scene_start(&s, ANSWERS);
    ck_assert_int_eq(ask(&s, s.directory, PATIENCE_MS, &got), GW_OK);
    ck_assert_str_eq(got->health, "127.0.0.1:1");
    ck_assert_uint_eq(got->pid, MASQUES__CONTROL__MASTER_REQUEST__WHAT_RELOAD);
    masques__control__master_answer__free_unpacked(got, NULL);
    scene_close(&s);
}
END_TEST

START_TEST(where_no_gateway_runs_we_say_so)
{
    struct scene s;
    char bus[80], file[80];
    scene_open(&s);
    expect(&s, "/tmp/masques-there-is-no-such-directory", PATIENCE_MS, GW_ERR_NOT_FOUND, "no gateway runs");
    expect(&s, s.directory, PATIENCE_MS, GW_ERR_NOT_FOUND, "no gateway runs");
    /* A bus and no control socket. */
    snprintf(bus, sizeof bus, "%s/bus.sock", s.directory);
    fclose(fopen(bus, "w"));
    expect(&s, s.directory, PATIENCE_MS, GW_ERR_NOT_FOUND, "older than masquesctl");
    /* What a gateway that was killed leaves. */
    scene_start(&s, NOBODY);
    expect(&s, s.directory, PATIENCE_MS, GW_ERR_NOT_FOUND, "no gateway runs");
    snprintf(file, sizeof file, "%s", bus);
    expect(&s, file, PATIENCE_MS, GW_ERR_NOT_FOUND, "no gateway runs");
    unlink(bus);
    scene_close(&s);
}
END_TEST

START_TEST(a_directory_of_somebody_else_is_named_so)
{
    struct scene s;
    scene_open(&s);
    if (geteuid() == 0) { /* who can enter every directory */
        ck_assert_int_eq(chown(s.directory, 12345, 12345), 0);
        ck_assert_int_eq(seteuid(54321), 0);
        expect(&s, s.directory, PATIENCE_MS, GW_ERR_IO, "no permission");
        ck_assert_msg(strstr((const char *)s.why.data, "user 12345") != NULL, "%s", (char *)s.why.data);
        ck_assert_int_eq(seteuid(0), 0);
    } else {
        ck_assert_int_eq(chmod(s.directory, 0), 0);
        expect(&s, s.directory, PATIENCE_MS, GW_ERR_IO, "no permission");
    }
    chmod(s.directory, 0700);
    scene_close(&s);
}
END_TEST

START_TEST(who_does_not_answer_is_given_up)
{
    static const struct {
        enum manner manner;
        uint32_t timeout_ms;
        int err;
        const char *says;
    } cases[] = {
        {SILENT, SHORT_MS, GW_ERR_AGAIN, "has not answered for 0.2 s"},
        {LEAVES, PATIENCE_MS, GW_ERR_CLOSED, "went away without an answer"},
        {BABBLES, PATIENCE_MS, GW_ERR_MALFORMED, "no answer that can be read"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene s;
        scene_open(&s);
        scene_start(&s, cases[i].manner);
        expect(&s, s.directory, cases[i].timeout_ms, cases[i].err, cases[i].says);
        scene_close(&s);
    }
}
END_TEST

static void write_lock(const struct scene *s, char path[80], pid_t pid)
{
    snprintf(path, 80, "%s/lock", s->directory);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "%d\n", pid);
    fclose(file);
}

/* Between two images of its program, or before its socket is there. */
START_TEST(who_holds_the_lock_is_waited_for)
{
    struct scene s;
    char lock[80];
    Masques__Control__MasterAnswer *got = NULL;
    scene_open(&s);
    write_lock(&s, lock, getpid());
    pid_t asker = fork();
    if (asker == 0)
        _exit(ask(&s, s.directory, PATIENCE_MS, &got) == GW_OK ? 0 : 1);
    int status;
    usleep(100000); /* whether it asks before or after that, it is answered */
    ck_assert_int_eq(waitpid(asker, &status, WNOHANG), 0);
    scene_start(&s, ANSWERS);
    ck_assert_int_eq(waitpid(asker, &status, 0), asker);
    ck_assert_int_eq(status, 0);
    unlink(lock);
    scene_close(&s);
}
END_TEST

START_TEST(who_left_the_lock_behind_is_not_waited_for)
{
    struct scene s;
    char lock[80];
    scene_open(&s);
    pid_t gone = fork();
    if (gone == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(gone, NULL, 0), gone);
    write_lock(&s, lock, gone);
    expect(&s, s.directory, PATIENCE_MS, GW_ERR_NOT_FOUND, "no gateway runs");
    write_lock(&s, lock, getpid());
    expect(&s, s.directory, SHORT_MS, GW_ERR_NOT_FOUND, "no gateway runs");
    unlink(lock);
    scene_close(&s);
}
END_TEST

/* What it was asked for takes longer than it may be silent. A slow machine does not answer the other questions in that
 * time either: it gets twice as much and is asked again. */
START_TEST(who_works_is_waited_for)
{
    int err = GW_ERR_AGAIN;
    for (uint32_t within_ms = WORK_MS; err == GW_ERR_AGAIN && within_ms < PATIENCE_MS; within_ms *= 2) {
        struct scene s;
        Masques__Control__MasterAnswer *got = NULL;
        scene_open(&s);
        scene_start(&s, WORKS);
        err = ask(&s, s.directory, within_ms, &got);
        ck_assert_msg(err == GW_OK || err == GW_ERR_AGAIN, "%s", (const char *)s.why.data);
        if (err == GW_OK) {
            ck_assert_uint_eq(got->pid, MASQUES__CONTROL__MASTER_REQUEST__WHAT_RELOAD);
            masques__control__master_answer__free_unpacked(got, NULL);
        }
        scene_close(&s);
    }
    ck_assert_int_eq(err, GW_OK);
}
END_TEST

START_TEST(a_path_that_fits_no_socket_is_refused)
{
    struct scene s;
    char path[300];
    scene_open(&s);
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    Masques__Control__MasterAnswer *got = NULL;
    ck_assert_int_eq(ask(&s, path, PATIENCE_MS, &got), GW_ERR_TOO_LARGE);
    scene_close(&s);
}
END_TEST

SUITE_MAIN("ctl/master", a_question_has_its_answer, where_no_gateway_runs_we_say_so,
           a_directory_of_somebody_else_is_named_so, who_does_not_answer_is_given_up, who_works_is_waited_for,
           who_holds_the_lock_is_waited_for, who_left_the_lock_behind_is_not_waited_for,
           a_path_that_fits_no_socket_is_refused)
