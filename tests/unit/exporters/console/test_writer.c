// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "exporters/console/writer.h"
#include "tests/support/suite.h"

#define LIMIT_MS 120000u
#define PIPE_BYTES 4096

struct world {
    struct loop *loop;
    struct writer *writer;
    struct loop_timer *limit;
    int fds[2];
    uint64_t until;    /* stop when this much is written */
    int until_errno;   /* or when this error came */
    unsigned errors; /* seen on the way */
};

static void on_progress(void *ctx)
{
    struct world *w = ctx;
    int error = writer_errno(w->writer);
    w->errors += error != 0;
    if ((w->until && writer_written(w->writer) >= w->until) || (error && error == w->until_errno))
        loop_stop(w->loop);
}

static void too_long(void *ctx)
{
    (void)ctx;
    ck_abort_msg("no progress");
}

static void open_world(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->loop = loop_new();
    ck_assert_int_eq(pipe(w->fds), 0);
    ck_assert_int_ge(fcntl(w->fds[1], F_SETPIPE_SZ, PIPE_BYTES), 0);
    w->writer = writer_new(w->loop, w->fds[1], on_progress, w);
    ck_assert_ptr_nonnull(w->writer);
    w->limit = loop_timer_new(w->loop, too_long, w);
    loop_timer_set(w->limit, LIMIT_MS);
}

static void close_world(struct world *w)
{
    writer_free(&w->writer);
    loop_timer_free(&w->limit);
    loop_free(&w->loop);
    if (w->fds[0] >= 0)
        close(w->fds[0]);
    if (w->fds[1] >= 0)
        close(w->fds[1]);
}

static void put(struct world *w, const char *text, size_t len)
{
    struct buf b = buf_make(1u << 26);
    buf_append(&b, text, len);
    ck_assert_int_eq(writer_put(w->writer, &b), 0);
    ck_assert_uint_eq(b.len, 0);
}

START_TEST(texts_come_out_in_order)
{
    struct world w;
    open_world(&w);
    put(&w, "one\n", 4);
    put(&w, "two\n", 4);
    put(&w, "three\n", 6);
    w.until = 14;
    loop_run(w.loop);
    char got[32] = "";
    ck_assert_int_eq(read(w.fds[0], got, sizeof got), 14);
    ck_assert_str_eq(got, "one\ntwo\nthree\n");
    ck_assert_uint_eq(writer_queued(w.writer), 14);
    close_world(&w);
}
END_TEST

/* A large text through a small pipe: write(2) takes it piece by piece. */
START_TEST(a_partial_write_continues_where_it_stopped)
{
    enum { BYTES = 100000 };
    struct world w;
    open_world(&w);
    char *text = malloc(BYTES), *got = malloc(BYTES);
    for (size_t i = 0; i < BYTES; i++)
        text[i] = (char)('a' + i % 23);
    put(&w, text, BYTES);
    size_t have = 0;
    while (have < BYTES) {
        ssize_t n = read(w.fds[0], got + have, BYTES - have);
        ck_assert_int_gt(n, 0);
        have += (size_t)n;
    }
    w.until = BYTES;
    loop_run(w.loop);
    ck_assert_int_eq(memcmp(text, got, BYTES), 0);
    free(text);
    free(got);
    close_world(&w);
}
END_TEST

static void stop(void *ctx)
{
    loop_stop(ctx);
}

/* Fills the pipe, so that the thread hangs in write(2); the loop goes on, and the end does not wait for it. */
START_TEST(a_full_pipe_stops_neither_the_loop_nor_the_end)
{
    struct world w;
    open_world(&w);
    char *text = calloc(1, WRITER_QUEUE_BYTES);
    put(&w, text, WRITER_QUEUE_BYTES - 1);
    ck_assert_uint_gt(writer_room(w.writer), 0);
    put(&w, text, PIPE_BYTES + 10);
    struct loop_timer *later = loop_timer_new(w.loop, stop, w.loop);
    loop_timer_set(later, 50);
    loop_run(w.loop);
    ck_assert_uint_eq(writer_room(w.writer), 0);
    ck_assert_uint_le(writer_written(w.writer), PIPE_BYTES);
    ck_assert_int_eq(writer_errno(w.writer), 0);
    ck_assert_int_eq(fcntl(w.fds[1], F_GETFL) & O_NONBLOCK, 0);
    loop_timer_free(&later);
    free(text);
    close_world(&w);
}
END_TEST

START_TEST(a_closed_pipe_is_final)
{
    struct world w;
    open_world(&w);
    close(w.fds[0]);
    w.fds[0] = -1;
    put(&w, "x", 1);
    w.until_errno = EPIPE;
    loop_run(w.loop);
    ck_assert(writer_is_final(writer_errno(w.writer)));
    ck_assert_uint_eq(writer_written(w.writer), 0);
    close_world(&w);
}
END_TEST

START_TEST(a_bad_descriptor_is_final)
{
    struct world w;
    open_world(&w);
    close(w.fds[1]);
    w.fds[1] = -1;
    put(&w, "x", 1);
    w.until_errno = EBADF;
    loop_run(w.loop);
    ck_assert(writer_is_final(EBADF));
    close_world(&w);
}
END_TEST

START_TEST(a_full_device_is_tried_again_and_not_final)
{
    struct world w;
    open_world(&w);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(full, 0);
    ck_assert_int_ge(dup2(full, w.fds[1]), 0);
    close(full);
    put(&w, "x", 1);
    w.until_errno = ENOSPC;
    loop_run(w.loop);
    ck_assert(!writer_is_final(ENOSPC));
    close_world(&w);
}
END_TEST

/* A chore: reads what lies in the pipe. */
static bool drain(void *ctx)
{
    struct world *w = ctx;
    char piece[PIPE_BYTES];
    int waiting = 0;
    ck_assert_int_eq(ioctl(w->fds[0], FIONREAD, &waiting), 0);
    if (waiting > 0)
        ck_assert_int_gt(read(w->fds[0], piece, sizeof piece), 0);
    return false;
}

START_TEST(a_descriptor_that_others_made_non_blocking_is_waited_for)
{
    struct world w;
    open_world(&w);
    ck_assert_int_eq(fcntl(w.fds[1], F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(loop_add_chore(w.loop, drain, &w), 0);
    char text[20000];
    memset(text, 'z', sizeof text);
    put(&w, text, sizeof text);
    w.until = sizeof text;
    loop_run(w.loop);
    ck_assert_uint_eq(w.errors, 0);
    close_world(&w);
}
END_TEST

SUITE_MAIN("exporters/console/writer", texts_come_out_in_order,
           a_partial_write_continues_where_it_stopped,
           a_full_pipe_stops_neither_the_loop_nor_the_end, a_closed_pipe_is_final,
           a_bad_descriptor_is_final, a_full_device_is_tried_again_and_not_final,
           a_descriptor_that_others_made_non_blocking_is_waited_for)
