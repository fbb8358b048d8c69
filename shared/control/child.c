// SPDX-License-Identifier: Apache-2.0
#include "shared/control/child.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "shared/control/packet.h"

#define DEFAULT_DRAIN_MS 10000u

struct child {
    struct loop *loop;
    const struct child_events *events;
    void *ctx;
    struct log *log;
    struct event *control;
    struct event *life;
    struct loop_timer *beat;
    bool draining;
    uint32_t reconfigured; /* number of the last Reconfigure */
    unsigned terms; /* SIGTERMs so far */
    int term_fd;    /* signalfd(2): tells who sent it */
    struct event *term;
};

/* In every thread that is made from now on. */
static void block_sigterm(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigprocmask(SIG_BLOCK, set, NULL);
}

/* ---- start ---------------------------------------------------------------------------------------------------- */

int child_begin(Masques__Control__Settings **settings)
{
    /* A parent that died before this line is told by getppid(); one that dies later, by the signal. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigset_t term;
    block_sigterm(&term);
    ProtobufCMessage *message = NULL;
    int err = packet_from_fd(CHILD_FD_SETTINGS, &masques__control__settings__descriptor, &message);
    if (err != GW_OK) {
        fprintf(stderr, "masques: no settings on descriptor %d (%s): this program is started by "
                        "masques-receiver\n",
                CHILD_FD_SETTINGS, gw_strerror(err));
        return err;
    }
    close(CHILD_FD_SETTINGS);
    *settings = (Masques__Control__Settings *)message;
    if ((uint32_t)getppid() != (*settings)->parent) {
        fprintf(stderr, "masques: the master (process %u) is gone\n", (*settings)->parent);
        masques__control__settings__free_unpacked(*settings, NULL);
        *settings = NULL;
        return GW_ERR_CLOSED;
    }
    return GW_OK;
}

/* ---- down: what the master says -------------------------------------------------------------------------------- */

static void stop(struct child *child)
{
    if (child->events->stop)
        child->events->stop(child->ctx);
    else
        loop_stop(child->loop);
}

static void drain(struct child *child, uint32_t within_ms)
{
    if (child->draining)
        return;
    child->draining = true;
    child->events->drain(child->ctx, within_ms);
    child_beat(child);
}

static void obey(struct child *child, const Masques__Control__Down *down)
{
    switch (down->body_case) {
    case MASQUES__CONTROL__DOWN__BODY_STOP:
        stop(child);
        break;
    case MASQUES__CONTROL__DOWN__BODY_DRAIN:
        drain(child, down->drain->within_ms);
        break;
    case MASQUES__CONTROL__DOWN__BODY_ROUTER_UP:
        if (child->events->router_up)
            child->events->router_up(child->ctx);
        break;
    case MASQUES__CONTROL__DOWN__BODY_EXPECT:
        if (child->events->expect)
            child->events->expect(child->ctx, down->expect);
        break;
    case MASQUES__CONTROL__DOWN__BODY_RECONFIGURE:
        if (child->events->reconfigure)
            child->events->reconfigure(child->ctx, down->reconfigure);
        child->reconfigured = down->reconfigure->number;
        child_beat(child);
        break;
    case MASQUES__CONTROL__DOWN__BODY_LOG_LEVEL:
        if (down->log_level->level <= LOG_LEVEL_DEBUG)
            log_set_level(child->log, (enum log_level)down->log_level->level);
        break;
    default: /* of a newer master */
        break;
    }
}

static void master_gone(struct child *child)
{
    log_warn(child->log, "the master is gone: ending");
    event_del(child->control);
    event_del(child->life);
    loop_stop(child->loop);
}

static void control_readable(evutil_socket_t fd, short what, void *arg)
{
    struct child *child = arg;
    (void)what;
    for (;;) {
        ProtobufCMessage *message = NULL;
        int err = packet_receive(fd, &masques__control__down__descriptor, &message);
        if (err == GW_ERR_CLOSED)
            master_gone(child);
        if (err != GW_OK)
            return;
        obey(child, (const Masques__Control__Down *)message);
        protobuf_c_message_free_unpacked(message, NULL);
    }
}

static void life_ended(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    master_gone(arg);
}

/* timeout(1), pkill and systemd send it to the whole family. Only the master knows the order in which its children end,
 * so only its own counts: if the router ended beside the workers, requests in flight would find nobody. */
static void terminated(evutil_socket_t fd, short what, void *arg)
{
    struct child *child = arg;
    struct signalfd_siginfo info;
    (void)what;
    if (read(fd, &info, sizeof info) != sizeof info)
        return;
    if (info.ssi_pid != (uint32_t)getppid() && info.ssi_pid != (uint32_t)getpid())
        log_debug(child->log, "SIGTERM of process %u: the master will say when to end", info.ssi_pid);
    else if (++child->terms > 1)
        stop(child);
    else
        drain(child, DEFAULT_DRAIN_MS);
}

static bool watch_sigterm(struct child *child)
{
    sigset_t term;
    block_sigterm(&term);
    child->term_fd = signalfd(-1, &term, SFD_NONBLOCK | SFD_CLOEXEC);
    if (child->term_fd < 0)
        return false;
    child->term = event_new(loop_base(child->loop), child->term_fd, EV_READ | EV_PERSIST, terminated, child);
    return child->term && event_add(child->term, NULL) == 0;
}

/* ---- up: what we say ------------------------------------------------------------------------------------------- */

static void say(struct child *child, Masques__Control__Up *up)
{
    int err = packet_send(CHILD_FD_CONTROL, &up->base);
    if (err != GW_OK && err != GW_ERR_CLOSED)
        log_debug(child->log, "control channel: %s", gw_strerror(err));
}

void child_ready(struct child *child, const char *detail)
{
    Masques__Control__Up up = MASQUES__CONTROL__UP__INIT;
    Masques__Control__Ready ready = MASQUES__CONTROL__READY__INIT;
    ready.detail = (char *)(detail ? detail : "");
    up.body_case = MASQUES__CONTROL__UP__BODY_READY;
    up.ready = &ready;
    child_beat(child); /* first: whoever hears that all are ready asks how they are */
    say(child, &up);
}

void child_beat(struct child *child)
{
    Masques__Control__Up up = MASQUES__CONTROL__UP__INIT;
    Masques__Control__Beat beat = MASQUES__CONTROL__BEAT__INIT;
    child->events->fill_beat(child->ctx, &beat);
    beat.reconfigured = child->reconfigured;
    up.body_case = MASQUES__CONTROL__UP__BODY_BEAT;
    up.beat = &beat;
    say(child, &up);
}

int child_detached(struct child *child, const char *name)
{
    Masques__Control__Up up = MASQUES__CONTROL__UP__INIT;
    Masques__Control__Detached detached = MASQUES__CONTROL__DETACHED__INIT;
    detached.name = (char *)name;
    up.body_case = MASQUES__CONTROL__UP__BODY_DETACHED;
    up.detached = &detached;
    int err = packet_send(CHILD_FD_CONTROL, &up.base);
    if (err != GW_OK)
        log_warn(child->log, "the master does not hear that %s is detached: %s", name,
                 gw_strerror(err));
    return err;
}

void child_fail(struct child *child, const char *error)
{
    Masques__Control__Up up = MASQUES__CONTROL__UP__INIT;
    Masques__Control__Failure failure = MASQUES__CONTROL__FAILURE__INIT;
    log_error(child->log, "%s", error);
    failure.error = (char *)error;
    up.body_case = MASQUES__CONTROL__UP__BODY_FAILURE;
    up.failure = &failure;
    say(child, &up);
}

static void beat_due(void *ctx)
{
    struct child *child = ctx;
    loop_timer_set(child->beat, CHILD_BEAT_MS);
    child_beat(child);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

struct child *child_new(struct loop *loop, const struct child_events *events, void *ctx,
                        struct log *log)
{
    struct child *child = calloc(1, sizeof *child);
    if (!child)
        return NULL;
    *child = (struct child){.loop = loop, .events = events, .ctx = ctx, .log = log, .term_fd = -1};
    short read_always = EV_READ | EV_PERSIST;
    child->control =
        event_new(loop_base(loop), CHILD_FD_CONTROL, read_always, control_readable, child);
    child->life = event_new(loop_base(loop), CHILD_FD_LIFE, EV_READ, life_ended, child);
    child->beat = loop_timer_new(loop, beat_due, child);
    if (!child->control || !child->life || !child->beat || event_add(child->control, NULL) != 0 ||
        event_add(child->life, NULL) != 0 ||
        !watch_sigterm(child)) {
        child_free(&child);
        return NULL;
    }
    loop_timer_set(child->beat, CHILD_BEAT_MS);
    return child;
}

void child_free(struct child **at)
{
    struct child *child = *at;
    *at = NULL;
    if (!child)
        return;
    if (child->control)
        event_free(child->control);
    if (child->life)
        event_free(child->life);
    if (child->term)
        event_free(child->term);
    if (child->term_fd >= 0)
        close(child->term_fd);
    loop_timer_free(&child->beat);
    free(child);
}
