// SPDX-License-Identifier: Apache-2.0
#include "exporters/console/writer.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/clock.h"

#define STACK_BYTES (64u * 1024) /* the thread calls write and little else */
#define RETRY_S 1
#define WRITE_MAX_BYTES (64u * 1024) /* a blocking write returns only when all of it is taken */

/* One text, owned. */
struct chunk {
    struct chunk *next;
    uint8_t *data;
    size_t len;
};

struct writer {
    int fd;
    int wake_fd; /* eventfd: the thread tells the loop */
    struct event *wake;
    loop_fn on_progress;
    void *ctx;
    pthread_t thread;
    /* Shared with the thread, under the mutex: */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct chunk *first; /* being written; only the thread removes it */
    struct chunk **last;
    uint64_t queued;
    uint64_t written;
    int error;
    bool stopping;
};

static void chunk_free(struct chunk *c)
{
    free(c->data);
    free(c);
}

/* ---- the thread ---- */

/* Tells the loop. The counter of an eventfd cannot overflow here. */
static void tell(struct writer *w)
{
    uint64_t one = 1;
    ssize_t n = write(w->wake_fd, &one, sizeof one);
    (void)n;
}

/* One write(2), the only place where the thread may be cancelled. Bytes taken, or -errno. */
static ssize_t write_some(int fd, const uint8_t *data, size_t len)
{
    int unused;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &unused);
    ssize_t n = write(fd, data, len);
    int error = n < 0 ? errno : 0;
    if (error == EAGAIN) { /* somebody who shares the descriptor made it non-blocking */
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        poll(&p, 1, -1);
    }
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &unused);
    if (error == EAGAIN || error == EINTR)
        return 0;
    return error ? -error : n;
}

/* Notes what a write came to. False: the thread has no more to do. Called with the mutex held. */
static bool note_result(struct writer *w, ssize_t n)
{
    int error = n < 0 ? (int)-n : 0;
    bool news = n > 0 || error != w->error;
    w->error = error;
    if (n > 0)
        w->written += (uint64_t)n;
    if (news)
        tell(w);
    if (error && !writer_is_final(error) && !w->stopping) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += RETRY_S;
        pthread_cond_timedwait(&w->changed, &w->mutex, &until);
    }
    return !writer_is_final(error);
}

static void *thread_main(void *arg)
{
    struct writer *w = arg;
    int unused;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &unused);
    pthread_mutex_lock(&w->mutex);
    size_t done = 0; /* bytes of the first chunk */
    bool alive = true;
    while (alive && !w->stopping) {
        struct chunk *c = w->first;
        if (!c) {
            pthread_cond_wait(&w->changed, &w->mutex);
            continue;
        }
        pthread_mutex_unlock(&w->mutex);
        size_t len = c->len - done < WRITE_MAX_BYTES ? c->len - done : WRITE_MAX_BYTES;
        ssize_t n = write_some(w->fd, c->data + done, len);
        pthread_mutex_lock(&w->mutex);
        if (n > 0)
            done += (size_t)n;
        if (done == c->len) {
            w->first = c->next;
            if (!w->first)
                w->last = &w->first;
            chunk_free(c);
            done = 0;
        }
        alive = note_result(w, n);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

/* ---- the loop's side ---- */

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct writer *w = arg;
    uint64_t count;
    (void)what;
    ssize_t n = read((int)fd, &count, sizeof count);
    (void)n;
    w->on_progress(w->ctx);
}

/* Starts the thread with all signals blocked: they are the loop's. */
static int thread_start(struct writer *w)
{
    pthread_attr_t attr;
    sigset_t all, before;
    sigfillset(&all);
    int rc = pthread_attr_init(&attr);
    if (rc != 0)
        return rc;
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&w->thread, &attr, thread_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return rc;
}

struct writer *writer_new(struct loop *loop, int fd, loop_fn on_progress, void *ctx)
{
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->fd = fd;
    w->on_progress = on_progress;
    w->ctx = ctx;
    w->last = &w->first;
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->changed, NULL);
    w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->wake_fd < 0)
        goto fail_memory;
    w->wake = event_new(loop_base(loop), w->wake_fd, EV_READ | EV_PERSIST, on_wake, w);
    if (!w->wake || event_add(w->wake, NULL) != 0)
        goto fail_wake;
    int rc = thread_start(w);
    if (rc != 0) {
        errno = rc;
        goto fail_wake;
    }
    return w;

fail_wake:
    if (w->wake)
        event_free(w->wake);
    close(w->wake_fd);
fail_memory:
    free(w);
    return NULL;
}

void writer_free(struct writer **writer)
{
    struct writer *w = *writer;
    *writer = NULL;
    if (!w)
        return;
    pthread_mutex_lock(&w->mutex);
    w->stopping = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    pthread_cancel(w->thread);
    pthread_join(w->thread, NULL);
    while (w->first) {
        struct chunk *c = w->first;
        w->first = c->next;
        chunk_free(c);
    }
    event_free(w->wake);
    close(w->wake_fd);
    pthread_mutex_destroy(&w->mutex);
    pthread_cond_destroy(&w->changed);
    free(w);
}

int writer_put(struct writer *w, struct buf *text)
{
    if (text->len == 0)
        return 0;
    struct chunk *c = calloc(1, sizeof *c);
    if (!c)
        return GW_ERR_NOMEM;
    c->data = text->data;
    c->len = text->len;
    *text = buf_make(text->max);
    pthread_mutex_lock(&w->mutex);
    *w->last = c;
    w->last = &c->next;
    w->queued += c->len;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    return 0;
}

/* The thread's numbers, read by the loop. */
static struct writer_numbers {
    uint64_t queued;
    uint64_t written;
    int error;
} numbers(const struct writer *writer)
{
    struct writer *w = (struct writer *)writer; /* the mutex is no part of its meaning */
    pthread_mutex_lock(&w->mutex);
    struct writer_numbers n = {w->queued, w->written, w->error};
    pthread_mutex_unlock(&w->mutex);
    return n;
}

size_t writer_room(const struct writer *w)
{
    struct writer_numbers n = numbers(w);
    uint64_t waiting = n.queued - n.written;
    return waiting < WRITER_QUEUE_BYTES ? (size_t)(WRITER_QUEUE_BYTES - waiting) : 0;
}

uint64_t writer_queued(const struct writer *w)
{
    return numbers(w).queued;
}

uint64_t writer_written(const struct writer *w)
{
    return numbers(w).written;
}

int writer_errno(const struct writer *w)
{
    return numbers(w).error;
}

bool writer_is_final(int error)
{
    return error == EPIPE || error == EBADF || error == EIO;
}
