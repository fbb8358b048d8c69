// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/desk.h"

#include <assert.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK_BYTES (512u * 1024) /* paths and chunks of files lie on it */

struct desk {
    int wake_fd; /* eventfd: the thread tells the loop */
    struct event *wake;
    pthread_t thread;
    bool busy; /* the loop's: given and not yet done */
    loop_fn done;
    void *ctx;
    /* Shared with the thread, under the mutex: */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    loop_fn run; /* NULL: nothing to do */
    bool stopping;
};

static void *thread_main(void *arg)
{
    struct desk *d = arg;
    pthread_mutex_lock(&d->mutex);
    while (true) {
        if (d->run) {
            loop_fn run = d->run;
            pthread_mutex_unlock(&d->mutex);
            run(d->ctx);
            pthread_mutex_lock(&d->mutex);
            d->run = NULL;
            uint64_t one = 1;
            ssize_t n = write(d->wake_fd, &one, sizeof one); /* cannot overflow: one at a time */
            (void)n;
        } else if (d->stopping) {
            break;
        } else {
            pthread_cond_wait(&d->changed, &d->mutex);
        }
    }
    pthread_mutex_unlock(&d->mutex);
    return NULL;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct desk *d = arg;
    uint64_t count;
    (void)what;
    if (read((int)fd, &count, sizeof count) < 0)
        return;
    d->busy = false;
    d->done(d->ctx);
}

/* Starts the thread with all signals blocked: they are the loop's. 0, or an errno. */
static int thread_start(struct desk *d)
{
    pthread_attr_t attr;
    sigset_t all, before;
    sigfillset(&all);
    int rc = pthread_attr_init(&attr);
    if (rc != 0)
        return rc;
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&d->thread, &attr, thread_main, d);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return rc;
}

struct desk *desk_new(struct loop *loop)
{
    struct desk *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    pthread_mutex_init(&d->mutex, NULL);
    pthread_cond_init(&d->changed, NULL);
    d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (d->wake_fd < 0)
        goto fail_memory;
    d->wake = event_new(loop_base(loop), d->wake_fd, EV_READ | EV_PERSIST, on_wake, d);
    if (!d->wake || event_add(d->wake, NULL) != 0 || thread_start(d) != 0)
        goto fail_wake;
    return d;

fail_wake:
    if (d->wake)
        event_free(d->wake);
    close(d->wake_fd);
fail_memory:
    free(d);
    return NULL;
}

void desk_free(struct desk **desk)
{
    struct desk *d = *desk;
    *desk = NULL;
    if (!d)
        return;
    pthread_mutex_lock(&d->mutex);
    d->stopping = true;
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->mutex);
    pthread_join(d->thread, NULL);
    event_free(d->wake);
    close(d->wake_fd);
    pthread_mutex_destroy(&d->mutex);
    pthread_cond_destroy(&d->changed);
    free(d);
}

bool desk_is_busy(const struct desk *d)
{
    return d->busy;
}

void desk_run(struct desk *d, loop_fn run, loop_fn done, void *ctx)
{
    assert(!d->busy);
    d->busy = true;
    d->done = done;
    pthread_mutex_lock(&d->mutex);
    d->ctx = ctx;
    d->run = run;
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->mutex);
}
