// SPDX-License-Identifier: Apache-2.0
#include "router/store/syncer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct syncer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    syncer_fn run; /* NULL: no job */
    void *job;
    bool stop;
    int fd;
};

static void *work(void *at)
{
    struct syncer *s = at;
    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        if (!s->run) {
            pthread_cond_wait(&s->changed, &s->lock);
            continue;
        }
        pthread_mutex_unlock(&s->lock);
        s->run(s->job);
        pthread_mutex_lock(&s->lock);
        s->run = NULL;
        pthread_cond_broadcast(&s->changed);
        /* Fails only when the count overflows, and then it is readable. */
        (void)!eventfd_write(s->fd, 1);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static int start_thread(struct syncer *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&s->thread, NULL, work, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

struct syncer *syncer_new(void)
{
    struct syncer *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->fd < 0) {
        free(s);
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    int err = start_thread(s);
    if (err == 0)
        return s;
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    close(s->fd);
    free(s);
    errno = err;
    return NULL;
}

void syncer_free(struct syncer **at)
{
    struct syncer *s = *at;
    *at = NULL;
    if (!s)
        return;
    syncer_wait(s);
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    close(s->fd);
    free(s);
}

void syncer_start(struct syncer *s, syncer_fn run, void *job)
{
    pthread_mutex_lock(&s->lock);
    s->job = job;
    s->run = run;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

bool syncer_running(struct syncer *s)
{
    pthread_mutex_lock(&s->lock);
    bool running = s->run != NULL;
    pthread_mutex_unlock(&s->lock);
    return running;
}

void syncer_wait(struct syncer *s)
{
    pthread_mutex_lock(&s->lock);
    while (s->run)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

int syncer_fd(const struct syncer *s)
{
    return s->fd;
}
