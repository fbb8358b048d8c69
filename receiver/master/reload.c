// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "receiver/master/briefing.h"
#include "receiver/master/fixed.h"
#include "shared/base/clock.h"

#define LOOK_MS 20u
#define TELL_MS 2000u /* so long the router may take to carry it out before we go on without its word */
#define NAMES_BYTES 8192u

enum stage {
    STAGE_IDLE,
    STAGE_TELLING,  /* the router is told which exporters there are */
    STAGE_CHANGING, /* exporters start and drain */
};

struct reload {
    struct loop *loop;
    struct family *family;
    struct registrar *registrar;
    struct config *running;
    struct config *before; /* what `running` was; members borrow from it until they are told otherwise */
    reload_fn done;
    void *ctx;
    const struct log *log;
    struct loop_timer *look;
    enum stage stage;
    uint64_t told_ms;
    unsigned started, stopped, restarted, unchanged;
};

static const struct config_exporter *exporter_of(const struct config *config, const char *id)
{
    for (size_t i = 0; i < config->exporter_count; i++)
        if (strcmp(config->exporters[i].id, id) == 0)
            return &config->exporters[i];
    return NULL;
}

/* ---- exporters -------------------------------------------------------------------------------------------------- */

static void change_member(struct reload *r, struct member *m, uint32_t within_ms)
{
    const struct config_exporter *old = exporter_of(r->before, m->name);
    const struct config_exporter *new = exporter_of(r->running, m->name);
    if (!new) {
        if (m->attached || m->leaves) /* not the configuration's */
            return;
        log_info(r->log, "%s is no longer in the configuration: it finishes what it holds", m->name);
        family_remove(r->family, m, within_ms);
        r->stopped++;
    } else if (m->leaves || m->attached || !old || !family_same_settings(r->family, old, new)) {
        log_info(r->log, "%s has changed: it finishes what it holds and starts anew", m->name);
        family_renew(r->family, m, new, NULL, within_ms);
        r->restarted++;
    } else {
        family_repoint(m, new);
        r->unchanged++;
    }
}

static void start_new(struct reload *r)
{
    char why[512];
    for (size_t i = 0; i < r->running->exporter_count; i++) {
        const struct config_exporter *e = &r->running->exporters[i];
        if (family_find(r->family, e->id))
            continue;
        if (!family_add(r->family, e, NULL, why)) {
            log_error(r->log, "%s is not started: %s", e->id, why);
            continue;
        }
        log_info(r->log, "%s is new in the configuration: it is started", e->id);
        r->started++;
    }
}

static void change(struct reload *r)
{
    uint32_t within_ms = (uint32_t)(r->running->masques.grace_ns / CLOCK_NS_PER_MS);
    const struct member *m;
    r->started = r->stopped = r->restarted = r->unchanged = 0;
    for (size_t i = 0; (m = family_at(r->family, i)); i++)
        if (m->kind == MEMBER_EXPORTER)
            change_member(r, family_find(r->family, m->name), within_ms);
    start_new(r);
    registrar_yield(r->registrar);
    r->stage = STAGE_CHANGING;
}

/* ---- its course ------------------------------------------------------------------------------------------------- */

static void finish(struct reload *r)
{
    r->stage = STAGE_IDLE;
    config_free(&r->before);
    log_info(r->log, "the configuration was read again: %u exporters started, %u stopped, %u restarted, %u unchanged",
             r->started, r->stopped, r->restarted, r->unchanged);
    r->done(r->ctx);
}

static void look(void *ctx)
{
    struct reload *r = ctx;
    if (!family_runs(r->family)) /* it ends: what was before is still borrowed from */
        return;
    bool late = loop_now_ms(r->loop) - r->told_ms >= TELL_MS;
    if (r->stage == STAGE_TELLING && (late || family_router_knows(r->family))) {
        if (late)
            log_warn(r->log, "the router has not answered yet: exporters are started and stopped without its word");
        change(r);
    }
    if (r->stage == STAGE_CHANGING && !family_changes(r->family)) {
        finish(r);
        return;
    }
    loop_timer_set(r->look, LOOK_MS);
}

/* What could go wrong later is tried before anything changes. */
static int can_be_done(const struct reload *r, const struct config *next, char why[512])
{
    size_t attached = registrar_count(r->registrar, next);
    for (size_t i = 0; i < next->exporter_count; i++) {
        int err = family_has_program(r->family, next->exporters[i].kind, why);
        if (err != GW_OK)
            return err;
    }
    if (attached + next->exporter_count <= CONFIG_EXPORTERS_MAX)
        return GW_OK;
    snprintf(why, 512, "%zu exporters, and %zu attached by masquesctl, are more than %u", next->exporter_count,
             attached, CONFIG_EXPORTERS_MAX);
    return GW_ERR_FULL;
}

static int keep_fixed(const struct reload *r, struct config *next, char why[512])
{
    struct buf changed = buf_make(NAMES_BYTES);
    int err = fixed_keep(r->running, next, &changed);
    if (err != GW_OK)
        snprintf(why, 512, "%s", gw_strerror(err));
    else if (changed.len)
        log_warn(r->log, "changed in the configuration, takes effect at the next start: %.*s", (int)changed.len,
                 (const char *)changed.data);
    buf_free(&changed);
    return err;
}

/* Who is started later is told by its settings. */
static void tell_log_level(struct reload *r)
{
    const struct member *m;
    if (r->running->masques.log_level == r->before->masques.log_level)
        return;
    for (size_t i = 0; (m = family_at(r->family, i)); i++)
        briefing_log_level(family_find(r->family, m->name), r->running->masques.log_level);
}

int reload_begin(struct reload *r, struct config *next, char why[512])
{
    int err = can_be_done(r, next, why);
    if (err == GW_OK)
        err = keep_fixed(r, next, why);
    if (err != GW_OK) {
        config_free(&next);
        return err;
    }
    struct config before = *r->running;
    *r->running = *next;
    *next = before;
    r->before = next;
    r->stage = STAGE_TELLING;
    r->told_ms = loop_now_ms(r->loop);
    family_tell_router(r->family);
    tell_log_level(r);
    loop_timer_set(r->look, 0);
    return GW_OK;
}

bool reload_under_way(const struct reload *r)
{
    return r->stage != STAGE_IDLE;
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

struct reload *reload_new(struct loop *loop, struct family *family, struct registrar *registrar,
                          struct config *running, reload_fn done, void *ctx, const struct log *log)
{
    struct reload *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r = (struct reload){.loop = loop, .family = family, .registrar = registrar, .running = running,
                         .done = done, .ctx = ctx, .log = log};
    r->look = loop_timer_new(loop, look, r);
    if (!r->look)
        reload_free(&r);
    return r;
}

void reload_free(struct reload **at)
{
    struct reload *r = *at;
    *at = NULL;
    if (!r)
        return;
    loop_timer_free(&r->look);
    if (r->before)
        config_free(&r->before);
    free(r);
}
