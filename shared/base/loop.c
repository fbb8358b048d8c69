// SPDX-License-Identifier: Apache-2.0
#include "shared/base/loop.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>

#include "shared/base/clock.h"

struct chore {
    loop_chore_fn fn;
    void *ctx;
};

struct deferred {
    loop_fn fn;
    void *ctx;
};

struct signal_watch {
    struct event *event;
    loop_signal_fn fn;
    void *ctx;
    struct signal_watch *next;
};

struct loop {
    struct event_base *base;
    uint64_t now_ms; /* 0: not read yet in this turn */
    bool stopping;
    struct chore *chores;
    size_t chore_count;
    size_t chore_next; /* while they are done: the one after the one that runs */
    struct deferred *deferred;
    size_t deferred_count;
    size_t deferred_cap;
    struct signal_watch *signals;
};

struct loop_timer {
    struct event *event;
    loop_fn fn;
    void *ctx;
};

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return NULL;
    struct event_config *config = event_config_new();
    if (config) {
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        loop->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    if (!loop->base) {
        free(loop);
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN);
    return loop;
}

static void run_deferred(struct loop *loop)
{
    for (size_t i = 0; i < loop->deferred_count; i++) /* grows while it runs */
        loop->deferred[i].fn(loop->deferred[i].ctx);
    loop->deferred_count = 0;
}

void loop_free(struct loop **at)
{
    struct loop *loop = *at;
    if (!loop)
        return;
    run_deferred(loop);
    while (loop->signals) {
        struct signal_watch *watch = loop->signals;
        loop->signals = watch->next;
        event_free(watch->event);
        free(watch);
    }
    event_base_free(loop->base);
    free(loop->chores);
    free(loop->deferred);
    free(loop);
    *at = NULL;
}

static bool do_chores(struct loop *loop)
{
    bool more = false;
    loop->chore_next = 0;
    while (loop->chore_next < loop->chore_count) { /* a chore may remove itself or another */
        struct chore chore = loop->chores[loop->chore_next++];
        more |= chore.fn(chore.ctx);
    }
    return more;
}

/* True: there are chores left. */
static bool turn(struct loop *loop, bool wait)
{
    loop->now_ms = 0; /* whoever asks first reads it, after the wait */
    /* Without EVLOOP_ONCE it would stay in there as long as any descriptor is ready. */
    event_base_loop(loop->base, wait ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
    bool more = do_chores(loop);
    run_deferred(loop);
    return more;
}

void loop_run(struct loop *loop)
{
    bool more = true;
    while (!loop->stopping)
        more = turn(loop, !more);
    loop->stopping = false;
}

void loop_turn(struct loop *loop)
{
    turn(loop, false);
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

uint64_t loop_now_ms(struct loop *loop)
{
    if (loop->now_ms == 0)
        loop->now_ms = clock_mono_ms();
    return loop->now_ms;
}

int loop_add_chore(struct loop *loop, loop_chore_fn fn, void *ctx)
{
    struct chore *chores = realloc(loop->chores, (loop->chore_count + 1) * sizeof *chores);
    if (!chores)
        return GW_ERR_NOMEM;
    loop->chores = chores;
    chores[loop->chore_count++] = (struct chore){fn, ctx};
    return GW_OK;
}

void loop_remove_chore(struct loop *loop, loop_chore_fn fn, void *ctx)
{
    for (size_t i = 0; i < loop->chore_count; i++) {
        if (loop->chores[i].fn != fn || loop->chores[i].ctx != ctx)
            continue;
        loop->chore_count--;
        loop->chore_next -= i < loop->chore_next;
        for (size_t k = i; k < loop->chore_count; k++)
            loop->chores[k] = loop->chores[k + 1];
        return;
    }
}

void loop_defer(struct loop *loop, loop_fn fn, void *ctx)
{
    if (loop->deferred_count == loop->deferred_cap) {
        size_t cap = loop->deferred_cap ? loop->deferred_cap * 2 : 64;
        struct deferred *list = realloc(loop->deferred, cap * sizeof *list);
        if (!list) {
            fn(ctx);
            return;
        }
        loop->deferred = list;
        loop->deferred_cap = cap;
    }
    loop->deferred[loop->deferred_count++] = (struct deferred){fn, ctx};
}

static void signal_came(evutil_socket_t signum, short what, void *arg)
{
    struct signal_watch *watch = arg;
    (void)what;
    watch->fn(watch->ctx, (int)signum);
}

int loop_on_signal(struct loop *loop, int signum, loop_signal_fn fn, void *ctx)
{
    struct signal_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return GW_ERR_NOMEM;
    watch->fn = fn;
    watch->ctx = ctx;
    watch->event = evsignal_new(loop->base, signum, signal_came, watch);
    if (!watch->event || event_add(watch->event, NULL) != 0) {
        if (watch->event)
            event_free(watch->event);
        free(watch);
        return GW_ERR_NOMEM;
    }
    watch->next = loop->signals;
    loop->signals = watch;
    return GW_OK;
}

static void timer_ran_out(evutil_socket_t fd, short what, void *arg)
{
    struct loop_timer *timer = arg;
    (void)fd;
    (void)what;
    timer->fn(timer->ctx);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_fn fn, void *ctx)
{
    struct loop_timer *timer = calloc(1, sizeof *timer);
    if (!timer)
        return NULL;
    timer->fn = fn;
    timer->ctx = ctx;
    timer->event = evtimer_new(loop->base, timer_ran_out, timer);
    if (!timer->event) {
        free(timer);
        return NULL;
    }
    return timer;
}

void loop_timer_set(struct loop_timer *timer, uint64_t after_ms)
{
    struct timeval wait = {(time_t)(after_ms / CLOCK_MS_PER_S),
                           (suseconds_t)(after_ms % CLOCK_MS_PER_S * 1000)};
    event_add(timer->event, &wait);
}

void loop_timer_cancel(struct loop_timer *timer)
{
    event_del(timer->event);
}

void loop_timer_free(struct loop_timer **at)
{
    struct loop_timer *timer = *at;
    if (!timer)
        return;
    event_free(timer->event);
    free(timer);
    *at = NULL;
}
