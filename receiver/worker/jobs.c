// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/jobs.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK_BYTES (256u << 10) /* nothing that runs here recurses */

struct queue {
    struct job *first, *last;
};

struct jobs {
    struct loop *loop;
    uint32_t open;
    bool running;        /* the thread was started */
    int wake_fd;         /* eventfd: finished ones wait */
    struct event *event; /* of it */
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t work;
    struct queue waiting;
    struct queue finished;
    bool stopping;
};

static void queue_put(struct queue *q, struct job *job)
{
    job->next = NULL;
    if (q->last)
        q->last->next = job;
    else
        q->first = job;
    q->last = job;
}

static void queue_put_first(struct queue *q, struct job *job)
{
    job->next = q->first;
    q->first = job;
    if (!q->last)
        q->last = job;
}

static struct job *queue_take(struct queue *q)
{
    struct job *job = q->first;
    if (job)
        q->first = job->next;
    if (!q->first)
        q->last = NULL;
    return job;
}

/* ---- the thread ---- */

/* The next job, or NULL: stop. Called and returns with the lock held. */
static struct job *next_job(struct jobs *jobs)
{
    while (!jobs->stopping && !jobs->waiting.first)
        pthread_cond_wait(&jobs->work, &jobs->lock);
    return jobs->stopping ? NULL : queue_take(&jobs->waiting);
}

static void *work(void *arg)
{
    struct jobs *jobs = arg;
    struct job *job;
    pthread_mutex_lock(&jobs->lock);
    while ((job = next_job(jobs))) {
        const uint64_t one = 1;
        pthread_mutex_unlock(&jobs->lock);
        job->run(job);
        pthread_mutex_lock(&jobs->lock);
        queue_put(&jobs->finished, job);
        while (write(jobs->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
            ;
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

/* ---- the loop's side ---- */

static void finish_all(struct jobs *jobs, struct queue *queue, bool ran)
{
    for (;;) {
        pthread_mutex_lock(&jobs->lock);
        struct job *job = queue_take(queue);
        pthread_mutex_unlock(&jobs->lock);
        if (!job)
            return;
        jobs->open--;
        job->done(job, ran);
    }
}

static void woken(evutil_socket_t fd, short what, void *arg)
{
    struct jobs *jobs = arg;
    uint64_t count;
    (void)what;
    if (read(fd, &count, sizeof count) == (ssize_t)sizeof count)
        finish_all(jobs, &jobs->finished, true);
}

/* Signals belong to the loop's thread. */
static int start_thread(struct jobs *jobs)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_attr_init(&attributes) != 0)
        return ENOMEM;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&jobs->thread, &attributes, work, jobs);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return err;
}

static bool start(struct jobs *jobs)
{
    if (jobs->wake_fd < 0)
        jobs->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (jobs->wake_fd >= 0 && !jobs->event) {
        jobs->event =
            event_new(loop_base(jobs->loop), jobs->wake_fd, EV_READ | EV_PERSIST, woken, jobs);
        if (jobs->event)
            event_add(jobs->event, NULL);
    }
    if (!jobs->event)
        return false;
    int err = start_thread(jobs);
    jobs->running = err == 0;
    errno = err;
    return jobs->running;
}

static bool put(struct jobs *jobs, struct job *job,
                void (*into)(struct queue *queue, struct job *job))
{
    if (!jobs->running && !start(jobs))
        return false;
    jobs->open++;
    pthread_mutex_lock(&jobs->lock);
    into(&jobs->waiting, job);
    pthread_cond_signal(&jobs->work);
    pthread_mutex_unlock(&jobs->lock);
    return true;
}

bool jobs_put(struct jobs *jobs, struct job *job)
{
    return put(jobs, job, queue_put);
}

uint32_t jobs_open(const struct jobs *jobs)
{
    return jobs->open;
}

/* ---- giving back memory ---- */

struct gift {
    struct job job;
    struct blob *blob;
    struct ledger *ledger;
    uint64_t charge;
};

static void give_back(struct job *job)
{
    struct gift *gift = (struct gift *)job;
    blob_drop(gift->blob);
    ledger_release(gift->ledger, gift->charge);
}

static void given_back(struct job *job, bool ran)
{
    if (!ran)
        give_back(job);
    free(job);
}

void jobs_give_back(struct jobs *jobs, struct blob *blob, struct ledger *ledger, uint64_t charge)
{
    struct gift *gift = NULL;
    if (jobs && blob && blob->cap >= JOBS_DROP_BYTES)
        gift = malloc(sizeof *gift);
    if (gift) {
        *gift = (struct gift){{.run = give_back, .done = given_back}, blob, ledger, charge};
        if (put(jobs, &gift->job, queue_put_first))
            return;
        free(gift);
    }
    blob_drop(blob);
    ledger_release(ledger, charge);
}

/* ---- life ---- */

struct jobs *jobs_new(struct loop *loop)
{
    struct jobs *jobs = calloc(1, sizeof *jobs);
    if (!jobs)
        return NULL;
    jobs->loop = loop;
    jobs->wake_fd = -1;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->work, NULL);
    return jobs;
}

void jobs_free(struct jobs **at)
{
    struct jobs *jobs = *at;
    *at = NULL;
    if (!jobs)
        return;
    if (jobs->running) {
        pthread_mutex_lock(&jobs->lock);
        jobs->stopping = true;
        pthread_cond_signal(&jobs->work);
        pthread_mutex_unlock(&jobs->lock);
        pthread_join(jobs->thread, NULL);
    }
    finish_all(jobs, &jobs->finished, true);
    finish_all(jobs, &jobs->waiting, false);
    if (jobs->event)
        event_free(jobs->event);
    if (jobs->wake_fd >= 0)
        close(jobs->wake_fd);
    pthread_cond_destroy(&jobs->work);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}
