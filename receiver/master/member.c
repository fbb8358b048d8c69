// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/member.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/control/packet.h"

#define STABLE_MS 60000u
#define FIRST_BACKOFF_MS 50u
#define CAP_MS 1000u
#define CAP_EXPORTER_MS 30000u

static const char *const kind_names[] = {"router", "exporter", "worker"};
static const char *const state_names[] = {"waiting",  "starting", "running",
                                          "draining", "ended",    "closed"};

const char *member_kind_name(enum member_kind kind)
{
    return kind_names[kind];
}

const char *member_state_name(enum member_state state)
{
    return state_names[state];
}

static void set_state(struct member *m, enum member_state state)
{
    log_debug(m->log, "%s: %s -> %s", m->name, state_names[m->state], state_names[state]);
    m->state = state;
}

__attribute__((format(printf, 2, 3))) static void note_error(struct member *m, const char *format,
                                                             ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(m->error, sizeof m->error, format, args);
    va_end(args);
}

/* ---- what it says ---------------------------------------------------------------------------------------------- */

static void take_beat(struct member *m, Masques__Control__Up *up)
{
    if (m->beats == 0) /* the first of this process: that of the one before is final */
        totals_add(&m->past, m->beat);
    if (m->beat)
        masques__control__beat__free_unpacked(m->beat, NULL);
    m->beat = up->beat;
    up->beat = NULL;
    up->body_case = MASQUES__CONTROL__UP__BODY__NOT_SET;
    m->beats++;
    m->beat_ms = loop_now_ms(m->loop);
    if (m->beat->error[0] && !m->explained)
        note_error(m, "%s", m->beat->error);
}

static void hear(struct member *m, Masques__Control__Up *up)
{
    m->heard_ms = loop_now_ms(m->loop);
    m->heard_ns = clock_wall_ns();
    switch (up->body_case) {
    case MASQUES__CONTROL__UP__BODY_READY:
        if (m->state == MEMBER_STARTING)
            set_state(m, MEMBER_RUNNING);
        m->events->ready(m->ctx, m);
        break;
    case MASQUES__CONTROL__UP__BODY_BEAT:
        take_beat(m, up);
        break;
    case MASQUES__CONTROL__UP__BODY_FAILURE:
        note_error(m, "%s", up->failure->error);
        m->explained = true;
        m->events->gave_up(m->ctx, m, m->error);
        break;
    case MASQUES__CONTROL__UP__BODY_DETACHED:
        if (m->events->detached)
            m->events->detached(m->ctx, m, up->detached->name);
        break;
    default:
        break;
    }
}

static void close_control(struct member *m)
{
    if (m->readable)
        event_free(m->readable);
    m->readable = NULL;
    if (m->control >= 0)
        close(m->control);
    m->control = -1;
}

static void hear_all(struct member *m)
{
    while (m->control >= 0) {
        ProtobufCMessage *message = NULL;
        int err = packet_receive(m->control, &masques__control__up__descriptor, &message);
        if (err == GW_ERR_CLOSED)
            close_control(m); /* SIGCHLD will tell the rest */
        if (err != GW_OK)
            return;
        hear(m, (Masques__Control__Up *)message);
        protobuf_c_message_free_unpacked(message, NULL);
    }
}

static void control_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    hear_all(arg);
}

bool member_tell(struct member *m, const Masques__Control__Down *down)
{
    if (m->control < 0)
        return false;
    int err = packet_send(m->control, &down->base);
    if (err != GW_OK)
        log_debug(m->log, "%s: a packet could not be sent: %s", m->name, gw_strerror(err));
    return err == GW_OK;
}

/* ---- start ----------------------------------------------------------------------------------------------------- */

static void start_later(struct member *m, uint64_t ran_ms)
{
    set_state(m, MEMBER_WAITING);
    loop_timer_set(m->restart, backoff_after_failure(&m->backoff, ran_ms));
}

static int spawn(struct member *m)
{
    Masques__Control__Settings settings = MASQUES__CONTROL__SETTINGS__INIT;
    struct spawn_request request = {.program = m->program, .settings = &settings};
    settings.name = m->name;
    settings.spawn = m->spawn;
    settings.parent = (uint32_t)getpid();
    int err = m->events->fill_settings(m->ctx, m, &settings, &request);
    return err == GW_OK ? spawn_child(&request, &m->pid, &m->control) : err;
}

void member_start(struct member *m)
{
    m->restarts = m->spawn++;
    m->explained = false;
    m->beats = 0;
    int err = spawn(m);
    if (err != GW_OK) {
        m->pid = 0;
        note_error(m, "cannot be started: %s", err == GW_ERR_IO ? strerror(errno) : gw_strerror(err));
        log_error(m->log, "%s %s", m->name, m->error);
        start_later(m, 0);
        m->events->gone(m->ctx, m);
        return;
    }
    m->started_ms = m->heard_ms = loop_now_ms(m->loop);
    m->readable = event_new(loop_base(m->loop), m->control, EV_READ | EV_PERSIST, control_readable, m);
    if (!m->readable || event_add(m->readable, NULL) != 0)
        log_error(m->log, "%s: no memory for its control channel", m->name);
    set_state(m, MEMBER_STARTING);
    m->events->started(m->ctx, m);
}

static void restart_due(void *ctx)
{
    struct member *m = ctx;
    if (m->state == MEMBER_WAITING)
        member_start(m);
}

/* ---- end ------------------------------------------------------------------------------------------------------- */

void member_drain(struct member *m, uint32_t within_ms)
{
    if (!member_lives(m)) {
        loop_timer_cancel(m->restart);
        if (m->state == MEMBER_WAITING)
            set_state(m, MEMBER_ENDED);
        return;
    }
    if (m->state == MEMBER_DRAINING)
        return;
    Masques__Control__Down down = MASQUES__CONTROL__DOWN__INIT;
    Masques__Control__Drain drain = MASQUES__CONTROL__DRAIN__INIT;
    drain.within_ms = within_ms;
    down.body_case = MASQUES__CONTROL__DOWN__BODY_DRAIN;
    down.drain = &drain;
    set_state(m, MEMBER_DRAINING);
    if (!member_tell(m, &down))
        kill(m->pid, SIGTERM);
}

void member_renew(struct member *m, uint32_t within_ms)
{
    if (member_lives(m)) {
        member_drain(m, within_ms);
        m->drained_by_ms = loop_now_ms(m->loop) + within_ms;
        m->returns = true;
        return;
    }
    loop_timer_cancel(m->restart);
    member_start(m);
}

void member_kill(struct member *m, const char *why)
{
    if (!member_lives(m))
        return;
    log_warn(m->log, "%s (process %d): %s: killing it", m->name, m->pid, why);
    note_error(m, "killed: %s", why);
    m->explained = true;
    kill(m->pid, SIGKILL);
}

void member_end(struct member *m)
{
    loop_timer_cancel(m->restart);
    m->returns = false;
    if (member_lives(m)) {
        set_state(m, MEMBER_DRAINING);
        m->explained = true;
        kill(m->pid, SIGKILL);
    } else if (m->state != MEMBER_CLOSED) {
        set_state(m, MEMBER_ENDED);
    }
}

/* An error that it told in a beat says why it ended with a code, but not why a signal ended it. */
static void describe_exit(struct member *m, int status)
{
    bool told = m->beats && m->beat->error[0];
    if (m->explained)
        return;
    if (WIFSIGNALED(status))
        note_error(m, "ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) == SPAWN_EXIT_NO_PROGRAM)
        note_error(m, "%s cannot be executed", m->program);
    else if (WEXITSTATUS(status) == SPAWN_EXIT_NO_FILES)
        note_error(m, "its descriptors could not be put in place");
    else if (!told)
        note_error(m, "ended with exit code %d", WEXITSTATUS(status));
}

static bool closed_itself(const struct member *m, int status)
{
    return m->kind == MEMBER_EXPORTER && WIFEXITED(status) && WEXITSTATUS(status) == 0 && m->beats &&
           strcmp(m->beat->state, "closed") == 0;
}

/* A process that was asked to end for this is no failure: no backoff. */
static void come_back(struct member *m)
{
    if (!m->returns)
        return;
    m->returns = false;
    m->drained_by_ms = 0;
    member_start(m);
}

void member_exited(struct member *m, int status)
{
    uint64_t ran = loop_now_ms(m->loop) - m->started_ms;
    pid_t pid = m->pid;
    m->pid = 0;  /* first: the number may be somebody else's by now */
    hear_all(m); /* its last words, which may end us all */
    close_control(m);
    if (m->state == MEMBER_DRAINING || m->state == MEMBER_ENDED) {
        set_state(m, MEMBER_ENDED);
        if (status != 0 && !m->explained) {
            describe_exit(m, status);
            log_warn(m->log, "%s (process %d) %s while it was finishing", m->name, pid, m->error);
        }
        come_back(m);
    } else if (closed_itself(m, status)) {
        set_state(m, MEMBER_CLOSED);
        log_info(m->log, "%s (process %d) has closed: %s", m->name, pid, m->error);
    } else {
        describe_exit(m, status);
        log_warn(m->log, "%s (process %d) %s", m->name, pid, m->error);
        start_later(m, ran);
    }
    m->events->gone(m->ctx, m);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

struct member *member_new(struct loop *loop, enum member_kind kind, const char *name,
                          const char *type, const char *program, const struct member_events *events,
                          void *ctx, const struct log *log)
{
    struct member *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    snprintf(m->name, sizeof m->name, "%s", name);
    snprintf(m->program, sizeof m->program, "%s", program);
    m->kind = kind;
    m->type = type;
    m->loop = loop;
    m->log = log;
    m->events = events;
    m->ctx = ctx;
    m->control = -1;
    m->backoff = backoff_make(FIRST_BACKOFF_MS, kind == MEMBER_EXPORTER ? CAP_EXPORTER_MS : CAP_MS,
                              STABLE_MS);
    m->restart = loop_timer_new(loop, restart_due, m);
    if (!m->restart) {
        free(m);
        return NULL;
    }
    return m;
}

void member_free(struct member **at)
{
    struct member *m = *at;
    *at = NULL;
    if (!m)
        return;
    if (member_lives(m))
        kill(m->pid, SIGKILL);
    close_control(m);
    loop_timer_free(&m->restart);
    totals_fini(&m->past);
    if (m->beat)
        masques__control__beat__free_unpacked(m->beat, NULL);
    free(m);
}
