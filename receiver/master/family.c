// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/family.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "receiver/master/briefing.h"
#include "receiver/master/patience.h"
#include "receiver/master/roster.h"
#include "receiver/master/settings.h"
#include "shared/base/clock.h"
#include "shared/base/program.h"

#define WATCH_MS 250u
#define KILLED_MS 30000u     /* after SIGKILL a process needs no more to be gone */
#define STARTS_MAX 5u        /* a child that dies so often before all are ready never will be */
#define EXPORTERS_MS 5000u   /* so long the start waits for exporters that are not ready */
#define NOTE_MS 10000u       /* how often a start that takes long says whom it waits for */
#define ROUTER_GONE_MS 2000u /* after that telemetry cannot be accepted (design: health) */

enum phase {
    PHASE_NEW, /* nothing is started */
    PHASE_STARTING,
    PHASE_RUNNING,
    PHASE_DRAIN_WORKERS,
    PHASE_DRAIN_ROUTER,
    PHASE_DRAIN_EXPORTERS,
    PHASE_ENDED,
};

struct family {
    struct loop *loop;
    struct family_parts parts;
    const struct family_events *events;
    void *ctx;
    const struct log *log;
    enum phase phase;
    uint64_t started_ms;
    uint64_t note_ms;     /* when the start says again whom it waits for */
    uint64_t deadline_ms; /* of draining */
    uint32_t exporters_ms; /* a hand-over: how long they may take at most; 0: it is none */
    struct roster roster;
    struct loop_timer *sweep; /* forgets those that have left */
    struct briefing briefing; /* of the router */
    struct settings_shared shared;
    int life[2]; /* nothing is ever written: the read end tells the children when we are gone */
    struct loop_timer *watch;
    uint64_t watched_ms;
};

/* ---- members --------------------------------------------------------------------------------------------------- */

const struct member *family_at(const struct family *family, size_t i)
{
    return i < family->roster.count ? family->roster.members[i] : NULL;
}

const char *family_bus(const struct family *family)
{
    return family->shared.bus_endpoint;
}

const char *family_store(const struct family *family)
{
    return family->shared.store.path;
}

struct member *family_find(const struct family *family, const char *name)
{
    return roster_find(&family->roster, name);
}

static struct member *router_of(const struct family *family)
{
    return family->roster.members[0];
}

static void member_started(void *ctx, struct member *m)
{
    struct family *family = ctx;
    if (m->kind != MEMBER_ROUTER) {
        briefing_expect(router_of(family), m);
        return;
    }
    for (size_t i = 1; i < family->roster.count; i++)
        if (member_lives(family->roster.members[i]))
            briefing_expect(m, family->roster.members[i]);
}

/* An exporter that cannot be started or takes its time holds up nobody else. */
static bool holds_up(const struct family *family, const struct member *m)
{
    if (m->state == MEMBER_RUNNING || m->state == MEMBER_CLOSED)
        return false;
    return m->kind != MEMBER_EXPORTER ||
           (m->spawn < STARTS_MAX && loop_now_ms(family->loop) - family->started_ms < EXPORTERS_MS);
}

/* The first whom the start waits for; NULL: none. */
static const struct member *waited_for(const struct family *family)
{
    for (size_t i = 0; i < family->roster.count; i++)
        if (holds_up(family, family->roster.members[i]))
            return family->roster.members[i];
    return NULL;
}

static void look_whether_ready(struct family *family)
{
    if (family->phase != PHASE_STARTING || waited_for(family))
        return;
    family->phase = PHASE_RUNNING;
    family->events->ready(family->ctx);
}

static void member_ready(void *ctx, struct member *m)
{
    struct family *family = ctx;
    if (m->kind == MEMBER_ROUTER && m->spawn > 1)
        briefing_router_up(&family->roster, m);
    look_whether_ready(family);
}

static void member_gave_up(void *ctx, struct member *m, const char *why)
{
    struct family *family = ctx;
    char text[512];
    log_error(family->log, "%s gives up: %s", m->name, why);
    if (family->phase != PHASE_STARTING || m->attached)
        return;
    snprintf(text, sizeof text, "%s cannot start: %s", m->name, why);
    family->events->failed(family->ctx, text);
}

static void registration_gone(void *ctx, struct member *m, const char *name)
{
    struct family *family = ctx;
    if (m->kind == MEMBER_ROUTER && family->events->detached)
        family->events->detached(family->ctx, name);
}

static int fill_settings(void *ctx, struct member *m, Masques__Control__Settings *settings,
                         struct spawn_request *request)
{
    struct family *family = ctx;
    request->life = family->life[0];
    return settings_fill(&family->shared, m, settings, request);
}

/* ---- the order of ending ---------------------------------------------------------------------------------------- */

/* How long one may take that is asked to finish now. */
static uint32_t time_for(const struct family *family, const struct member *m)
{
    uint64_t now = loop_now_ms(family->loop);
    uint64_t left = family->deadline_ms > now ? family->deadline_ms - now : 0;
    if (family->exporters_ms && m->kind == MEMBER_ROUTER)
        return 0;
    if (family->exporters_ms && m->kind == MEMBER_EXPORTER && left > family->exporters_ms)
        return family->exporters_ms;
    return (uint32_t)left;
}

static void drain_kinds(struct family *family, uint32_t kinds)
{
    for (size_t i = 0; i < family->roster.count; i++) {
        struct member *m = family->roster.members[i];
        if (!(kinds & 1u << m->kind))
            continue;
        m->returns = false;
        member_drain(m, time_for(family, m));
    }
}

/* One row a phase: who drains in it, and at a hand-over. The next one begins when none of them lives any more. */
static const struct {
    enum phase phase;
    uint32_t kinds;
    uint32_t kinds_of_hand_over;
} order[] = {
    {PHASE_DRAIN_WORKERS, 1u << MEMBER_WORKER, 1u << MEMBER_WORKER | 1u << MEMBER_EXPORTER},
    {PHASE_DRAIN_ROUTER, 1u << MEMBER_ROUTER, 1u << MEMBER_ROUTER},
    {PHASE_DRAIN_EXPORTERS, 1u << MEMBER_EXPORTER, 0},
};

static void go_on_draining(struct family *family)
{
    while (family->phase >= PHASE_DRAIN_WORKERS && family->phase < PHASE_ENDED) {
        size_t row = family->phase - PHASE_DRAIN_WORKERS;
        uint32_t kinds = family->exporters_ms ? order[row].kinds_of_hand_over : order[row].kinds;
        drain_kinds(family, kinds);
        if (roster_lives(&family->roster, kinds))
            return;
        family->phase++;
        if (family->phase == PHASE_ENDED)
            family->events->ended(family->ctx);
    }
}

void family_drain(struct family *family, uint64_t grace_ms)
{
    if (family->phase >= PHASE_DRAIN_WORKERS)
        return;
    family->deadline_ms = loop_now_ms(family->loop) + grace_ms;
    family->phase = PHASE_DRAIN_WORKERS;
    go_on_draining(family);
}

void family_hand_over(struct family *family, uint32_t workers_ms, uint32_t exporters_ms)
{
    family->exporters_ms = exporters_ms;
    family_drain(family, workers_ms);
}

void family_end(struct family *family)
{
    family->deadline_ms = loop_now_ms(family->loop) + KILLED_MS;
    for (size_t i = 0; i < family->roster.count; i++)
        member_end(family->roster.members[i]);
    if (family->phase < PHASE_DRAIN_WORKERS)
        family->phase = PHASE_DRAIN_WORKERS;
    go_on_draining(family);
}

/* Whoever has left is forgotten in a turn of its own: before that its callbacks may still be on the stack. */
static void sweep(void *ctx)
{
    struct family *family = ctx;
    for (size_t i = 0; i < family->roster.count; i++) {
        struct member *m = family->roster.members[i];
        if (m->leaves && !member_lives(m))
            briefing_expect(router_of(family), m); /* its pid is 0: the name is free, also for one started by hand */
    }
    roster_forget(&family->roster);
}

static void member_gone(void *ctx, struct member *m)
{
    struct family *family = ctx;
    if (family->phase == PHASE_STARTING && m->state == MEMBER_WAITING && m->spawn >= STARTS_MAX &&
        m->kind != MEMBER_EXPORTER)
        member_gave_up(family, m, m->error);
    look_whether_ready(family);
    go_on_draining(family);
    if (m->leaves && !member_lives(m))
        loop_timer_set(family->sweep, 0);
}

/* A SIGCHLD may stand for several of them. As the first process of a container we also get the orphans of others. */
static void reap(void *ctx, int signum)
{
    struct family *family = ctx;
    pid_t pid;
    int status;
    (void)signum;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct member *m = roster_by_pid(&family->roster, pid);
        if (m)
            member_exited(m, status);
        else if (family->events->stranger_ended)
            family->events->stranger_ended(family->ctx, pid, status);
    }
}

/* ---- watching --------------------------------------------------------------------------------------------------- */

static void watch_start(struct family *family, uint64_t now)
{
    look_whether_ready(family);
    if (family->phase != PHASE_STARTING || now < family->note_ms)
        return;
    const struct member *m = waited_for(family);
    family->note_ms = now + NOTE_MS;
    log_warn(family->log, "telemetry is not accepted yet: waiting for %s (%s%s%s)", m->name,
             member_state_name(m->state), m->error[0] ? ", " : "", m->error);
}

static void watch_end(struct family *family, uint64_t now)
{
    if (family->phase < PHASE_DRAIN_WORKERS || family->phase == PHASE_ENDED || now < family->deadline_ms)
        return;
    log_warn(family->log, "the grace period is over: ending the rest");
    family_end(family);
}

static void watch(void *ctx)
{
    struct family *family = ctx;
    uint64_t now = loop_now_ms(family->loop);
    uint64_t hang_ms = family->parts.config->masques.hang_after_ns / CLOCK_NS_PER_MS;
    bool slept = now - family->watched_ms > 4 * WATCH_MS; /* our own tick was late: no proof of anything */
    family->watched_ms = now;
    loop_timer_set(family->watch, WATCH_MS);
    for (size_t i = 0; i < family->roster.count; i++) {
        if (slept)
            family->roster.members[i]->heard_ms = now;
        patience_watch(family->roster.members[i], hang_ms, now);
    }
    if (family->briefing.owed)
        family_tell_router(family);
    watch_start(family, now);
    watch_end(family, now);
}

bool family_accepts(const struct family *family)
{
    const struct member *router = router_of(family);
    uint64_t now = loop_now_ms(family->loop);
    bool worker = roster_runs(&family->roster, MEMBER_WORKER);
    return family->phase == PHASE_RUNNING && worker && router->beat && router->beat->accepting &&
           now - router->beat_ms <= ROUTER_GONE_MS;
}

/* ---- making it -------------------------------------------------------------------------------------------------- */

static const struct member_events member_events = {
    .started = member_started,
    .ready = member_ready,
    .gone = member_gone,
    .gave_up = member_gave_up,
    .detached = registration_gone,
    .fill_settings = fill_settings,
};

/* NULL with one sentence in `why`. */
static struct member *add_member(struct family *family, enum member_kind kind, const char *name,
                                 const char *type, const char *program_name, char why[512])
{
    char program[512];
    if (program_find(family->parts.programs, program_name, program, why) != GW_OK)
        return NULL;
    struct member *m = member_new(family->loop, kind, name, type, program, &member_events, family,
                                  family->log);
    if (m && roster_add(&family->roster, m) == GW_OK)
        return m;
    snprintf(why, 512, "no memory");
    return NULL;
}

static struct member *add_exporter(struct family *family, const struct config_exporter *e,
                                   const Masques__Control__Attached *attached, char why[512])
{
    char name[64];
    snprintf(name, sizeof name, "masques-exporter-%s", e->kind->program);
    struct member *m = add_member(family, MEMBER_EXPORTER, e->id, e->kind->type, name, why);
    if (m) {
        m->about = e;
        m->attached = attached;
    }
    return m;
}

static int add_members(struct family *family, uint32_t workers, char why[512])
{
    const struct config *config = family->parts.config;
    char name[64];
    if (!add_member(family, MEMBER_ROUTER, "router", "router", "masques-router", why))
        return GW_ERR_INVALID;
    for (size_t i = 0; i < config->exporter_count; i++)
        if (!add_exporter(family, &config->exporters[i], NULL, why))
            return GW_ERR_INVALID;
    for (uint32_t i = 0; i < workers; i++) {
        snprintf(name, sizeof name, "worker/%u", i + 1);
        if (!add_member(family, MEMBER_WORKER, name, "worker", "masques-receiver-worker", why))
            return GW_ERR_INVALID;
    }
    return GW_OK;
}

struct family *family_new(struct loop *loop, const struct family_parts *parts,
                          const struct family_events *events, void *ctx, char why[512])
{
    uint32_t workers = settings_workers(parts->config);
    struct family *family = calloc(1, sizeof *family);
    snprintf(why, 512, "no memory");
    if (!family)
        return NULL;
    *family = (struct family){.loop = loop, .parts = *parts, .events = events, .ctx = ctx,
                              .log = parts->log, .shared = {.store.fd = -1}, .life = {-1, -1}};
    family->watch = loop_timer_new(loop, watch, family);
    family->sweep = loop_timer_new(loop, sweep, family);
    if (!family->watch || !family->sweep)
        goto fail;
    if (pipe2(family->life, O_CLOEXEC) != 0) {
        snprintf(why, 512, "cannot make a pipe: %s", strerror(errno));
        goto fail;
    }
    if (settings_share(&family->shared, &family->parts, parts->run, workers, why) != GW_OK ||
        add_members(family, workers, why) != GW_OK || loop_on_signal(loop, SIGCHLD, reap, family) != GW_OK)
        goto fail;
    return family;

fail:
    family_free(&family);
    return NULL;
}

void family_start(struct family *family)
{
    family->started_ms = family->watched_ms = loop_now_ms(family->loop);
    family->note_ms = family->started_ms + NOTE_MS;
    loop_timer_set(family->watch, WATCH_MS);
    family->phase = PHASE_STARTING;
    for (size_t i = 0; i < family->roster.count; i++)
        member_start(family->roster.members[i]);
}

int family_has_program(const struct family *family, const struct exporter_kind *kind, char why[512])
{
    char program[512];
    char name[64];
    snprintf(name, sizeof name, "masques-exporter-%s", kind->program);
    return program_find(family->parts.programs, name, program, why);
}

/* ---- changes ---------------------------------------------------------------------------------------------------- */

bool family_runs(const struct family *family)
{
    return family->phase == PHASE_RUNNING;
}

struct member *family_add(struct family *family, const struct config_exporter *exporter,
                          const Masques__Control__Attached *attached, char why[512])
{
    struct member *m = add_exporter(family, exporter, attached, why);
    if (m && family->phase != PHASE_NEW)
        member_start(m);
    return m;
}

void family_remove(struct family *family, struct member *m, uint32_t within_ms)
{
    m->about = NULL;
    m->attached = NULL;
    m->returns = false;
    m->leaves = true;
    m->drained_by_ms = loop_now_ms(family->loop) + within_ms;
    member_drain(m, within_ms);
    if (!member_lives(m))
        loop_timer_set(family->sweep, 0);
}

void family_renew(struct family *family, struct member *m, const struct config_exporter *exporter,
                  const Masques__Control__Attached *attached, uint32_t within_ms)
{
    (void)family;
    m->about = exporter;
    m->attached = attached;
    m->leaves = false;
    member_renew(m, within_ms);
}

void family_repoint(struct member *m, const struct config_exporter *exporter)
{
    m->about = exporter;
}

bool family_changes(const struct family *family)
{
    return roster_changes(&family->roster);
}

bool family_same_settings(struct family *family, const struct config_exporter *a,
                          const struct config_exporter *b)
{
    return settings_same(&family->shared, a, b);
}

void family_tell_router(struct family *family)
{
    briefing_reconfigure(&family->briefing, router_of(family), &family->shared);
}

bool family_router_knows(const struct family *family)
{
    return briefing_carried_out(&family->briefing, router_of(family));
}

void family_free(struct family **at)
{
    struct family *family = *at;
    *at = NULL;
    if (!family)
        return;
    roster_fini(&family->roster);
    for (int i = 0; i < 2; i++)
        if (family->life[i] >= 0)
            close(family->life[i]);
    settings_unshare(&family->shared);
    loop_timer_free(&family->watch);
    loop_timer_free(&family->sweep);
    free(family);
}
