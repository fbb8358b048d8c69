// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/worker.h"

#include <fcntl.h>
#include <stdlib.h>

#include "receiver/worker/door.h"
#include "receiver/worker/intake.h"
#include "receiver/worker/tally.h"

#define DRAIN_MS 10000u
#define ROUTER_AWAY_MS 2000u /* so long the router may be gone before we say that nothing can be taken */

struct worker {
    struct loop *loop;
    const struct log *log;
    const Masques__Control__Settings *settings;
    struct intake intake;
    struct door *door;
    struct loop_timer *drain_end;
    bool draining;
    struct tally tally;
    Masques__Bus__Counters bus_counters;
    bool was_away; /* the router, once */
    loop_fn changed; /* may be NULL */
    void *changed_ctx;
};

void worker_on_change(struct worker *w, loop_fn fn, void *ctx)
{
    w->changed = fn;
    w->changed_ctx = ctx;
}

/* ---- the uplink's events ---- */

static void fenced(void *ctx, const char *why)
{
    struct worker *w = ctx;
    log_error(w->log, "%s: ending", why);
    loop_stop(w->loop);
}

static void session(void *ctx, bool up)
{
    struct worker *w = ctx;
    if (w->changed)
        w->changed(w->changed_ctx);
    if (up && !w->was_away) /* the start is no news */
        return;
    w->was_away = true;
    log_info(w->log, up ? "the router is back" : "the router is away: holding requests");
}

static void fill_heartbeat(void *ctx, Masques__Bus__Heartbeat *heartbeat)
{
    struct worker *w = ctx;
    struct counters *counters = &w->intake.counters;
    masques__bus__counters__init(&w->bus_counters);
    w->bus_counters.n_accepted = OTLP_SIGNALS;
    w->bus_counters.accepted = counters->accepted;
    w->bus_counters.n_refused = OTLP_SIGNALS;
    w->bus_counters.refused = counters->refused;
    w->bus_counters.n_rejected = OTLP_SIGNALS;
    w->bus_counters.rejected = counters->rejected;
    w->bus_counters.n_requests = OTLP_SIGNALS;
    w->bus_counters.requests = counters->requests;
    heartbeat->counters = &w->bus_counters;
}

static const struct uplink_events uplink_events = {
    .fenced = fenced,
    .session = session,
    .fill_heartbeat = fill_heartbeat,
};

/* ---- putting together ---- */

static const char *path_or_null(const char *path)
{
    return path && path[0] ? path : NULL;
}

static void init_intake(struct worker *w, const Masques__Control__WorkerSettings *s)
{
    struct intake *intake = &w->intake;
    intake->loop = w->loop;
    intake->log = w->log;
    limits_from_settings(&intake->limits, s);
    ledger_init(&intake->ledger, intake->limits.ledger_bytes);
    intake->endpoints.http_paths[OTLP_LOGS] = path_or_null(s->logs_path);
    intake->endpoints.http_paths[OTLP_METRICS] = path_or_null(s->metrics_path);
    intake->endpoints.http_paths[OTLP_TRACES] = path_or_null(s->traces_path);
    intake->endpoints.wanted = s->wanted;
    intake->scratch = buf_make(INTAKE_SCRATCH_BYTES);
    intake->jobs = jobs_new(w->loop);
}

static void drain_ended(void *ctx)
{
    struct worker *w = ctx;
    log_warn(w->log, "%u connections were still open when the time to drain ended",
             door_connections(w->door));
    loop_stop(w->loop);
}

struct worker *worker_new(struct loop *loop, struct link_context *context,
                          const Masques__Control__Settings *settings, const struct log *log)
{
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->loop = loop;
    w->log = log;
    w->settings = settings;
    init_intake(w, settings->worker);
    w->intake.uplink = uplink_new(&(struct uplink_setup){
        .loop = loop,
        .context = context,
        .endpoint = settings->bus_endpoint,
        .name = settings->name,
        .ledger = &w->intake.ledger,
        .jobs = w->intake.jobs,
        .events = &uplink_events,
        .ctx = w,
        .log = log,
    });
    w->door = door_new(&w->intake);
    w->drain_end = loop_timer_new(loop, drain_ended, w);
    if (refinery_init(&w->intake.refinery) != GW_OK || !w->intake.jobs || !w->intake.uplink || !w->door || !w->drain_end)
        worker_free(&w);
    return w;
}

void worker_free(struct worker **at)
{
    struct worker *w = *at;
    *at = NULL;
    if (!w)
        return;
    door_free(&w->door); /* connections let go of their tickets: before the uplink */
    jobs_free(&w->intake.jobs); /* what it was working on goes to nobody any more */
    uplink_free(&w->intake.uplink);
    refinery_fini(&w->intake.refinery);
    loop_timer_free(&w->drain_end);
    buf_free(&w->intake.scratch);
    free(w);
}

int worker_start(struct worker *w)
{
    const Masques__Control__WorkerSettings *s = w->settings->worker;
    for (size_t i = 0; i < s->n_listeners; i++) {
        int fd = (int)s->listeners[i]->fd;
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
            return GW_ERR_IO;
        int err = door_listen(w->door, fd);
        if (err != GW_OK)
            return err;
    }
    return GW_OK;
}

static void all_gone(void *ctx)
{
    struct worker *w = ctx;
    loop_stop(w->loop);
}

void worker_drain(struct worker *w, uint32_t within_ms)
{
    if (w->draining)
        return;
    w->draining = true;
    uint32_t ms = w->settings->worker->drain_ms ? w->settings->worker->drain_ms : DRAIN_MS;
    if (within_ms && within_ms < ms)
        ms = within_ms;
    loop_timer_set(w->drain_end, ms);
    door_drain(w->door, all_gone, w);
}

void worker_router_up(struct worker *w)
{
    uplink_router_restarted(w->intake.uplink);
}

/* ---- the beat ---- */

void worker_fill_beat(struct worker *w, Masques__Control__Beat *beat)
{
    bool away = uplink_away_ms(w->intake.uplink) > ROUTER_AWAY_MS;
    bool up = uplink_is_up(w->intake.uplink);
    const char *state = w->draining ? "draining" : up ? "running" : "waiting for the router";
    struct counters *counters = &w->intake.counters;
    beat->state = (char *)(uintptr_t)state;
    beat->accepting = !w->draining && !away;
    beat->n_accepted = OTLP_SIGNALS;
    beat->accepted = counters->accepted;
    beat->n_refused = OTLP_SIGNALS;
    beat->refused = counters->refused;
    beat->n_rejected = OTLP_SIGNALS;
    beat->rejected = counters->rejected;
    tally_fill(&w->tally, &w->intake, door_connections(w->door));
    beat->n_numbers = w->tally.count;
    beat->numbers = w->tally.list;
}
