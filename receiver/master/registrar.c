// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/registrar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <masques/bus.pb-c.h>

#include "receiver/master/attach_check.h"
#include "shared/base/clock.h"

#define LOOK_MS 20u
#define LEAVE_MS 1000u /* for one that could not be attached to end */

/* An exporter that was just attached and is not known to the router yet. */
struct trial {
    struct trial *next;
    char name[CONFIG_ID_BYTES];
    uint64_t until_ms;
    registrar_fn fn;
    void *ctx;
};

struct registrar {
    struct loop *loop;
    struct family *family;
    const struct config *config;
    const struct log *log;
    struct attached *list;
    struct trial *trials;
    struct loop_timer *look;
};

static const struct config_exporter *configured(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->exporter_count; i++)
        if (strcmp(config->exporters[i].id, name) == 0)
            return &config->exporters[i];
    return NULL;
}

size_t registrar_count(const struct registrar *r, const struct config *config)
{
    const struct attached_entry *entry;
    size_t count = 0;
    for (size_t i = 0; (entry = attached_at(r->list, i)); i++)
        count += !configured(config, entry->exporter.id);
    return count;
}

static void write_list(struct registrar *r)
{
    char why[512];
    if (attached_write(r->list, why) != GW_OK)
        log_error(r->log, "%s", why);
}

/* ---- giving up one ---------------------------------------------------------------------------------------------- */

/* Its member goes, and the list forgets it. */
static void drop(struct registrar *r, const char *name, uint32_t within_ms)
{
    struct member *m = family_find(r->family, name);
    if (m)
        family_remove(r->family, m, within_ms);
    attached_remove(r->list, name);
    write_list(r);
}

void registrar_detached(struct registrar *r, const char *name)
{
    if (!attached_find(r->list, name)) {
        if (attached_remove(r->list, name)) /* one that only another version can start */
            write_list(r);
        return;
    }
    log_info(r->log, "%s is detached", name);
    drop(r, name, (uint32_t)(r->config->masques.grace_ns / CLOCK_NS_PER_MS));
}

void registrar_yield(struct registrar *r)
{
    const struct attached_entry *entry;
    bool changed = false;
    for (size_t i = 0; (entry = attached_at(r->list, i));) {
        if (!configured(r->config, entry->exporter.id)) {
            i++;
            continue;
        }
        log_warn(r->log, "%s was attached by masquesctl and is in the configuration now, which wins",
                 entry->exporter.id);
        attached_remove(r->list, configured(r->config, entry->exporter.id)->id);
        changed = true;
    }
    if (changed)
        write_list(r);
}

/* ---- trials ----------------------------------------------------------------------------------------------------- */

enum trial_outcome {
    TRIAL_OPEN,
    TRIAL_PASSED,
    TRIAL_FAILED, /* with one sentence */
};

static enum trial_outcome look_at(const struct registrar *r, const struct trial *t, char why[512])
{
    const struct member *m = family_find(r->family, t->name);
    if (!family_runs(r->family)) {
        snprintf(why, 512, "%s: the gateway ends", t->name);
        return TRIAL_FAILED;
    }
    if (!m || m->leaves) {
        snprintf(why, 512, "%s was detached again while it started", t->name);
        return TRIAL_FAILED;
    }
    bool says = m->state == MEMBER_RUNNING && m->beats;
    if (says && strcmp(m->beat->state, "running") == 0)
        return TRIAL_PASSED;
    if (m->restarts > 0 || m->state == MEMBER_WAITING || m->state == MEMBER_CLOSED) {
        snprintf(why, 512, "%s cannot be started: %s", t->name, m->error);
        return TRIAL_FAILED;
    }
    if (loop_now_ms(r->loop) < t->until_ms)
        return TRIAL_OPEN;
    snprintf(why, 512, "%s did not come to the router within %u s (%s%s%s)", t->name, REGISTRAR_TRY_MS / 1000,
             says ? m->beat->state : member_state_name(m->state), m->error[0] ? ", " : "", m->error);
    return TRIAL_FAILED;
}

/* `t` is off the list. */
static void conclude(struct registrar *r, struct trial *t, const char *error)
{
    if (error) {
        log_error(r->log, "not attached: %s", error);
        if (attached_find(r->list, t->name)) /* the configuration may have it by now */
            drop(r, t->name, LEAVE_MS);
    } else {
        log_info(r->log, "%s is attached", t->name);
        attached_settle(r->list, t->name);
        write_list(r);
    }
    t->fn(t->ctx, error);
    free(t);
}

static void look(void *ctx)
{
    struct registrar *r = ctx;
    char why[512];
    for (struct trial **at = &r->trials; *at;) {
        struct trial *t = *at;
        enum trial_outcome outcome = look_at(r, t, why);
        if (outcome == TRIAL_OPEN) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        conclude(r, t, outcome == TRIAL_FAILED ? why : NULL);
    }
    if (r->trials)
        loop_timer_set(r->look, LOOK_MS);
}

/* ---- attaching -------------------------------------------------------------------------------------------------- */

/* An exporter that somebody started by hand, and that is here. */
static bool by_hand(const struct registrar *r, const char *name)
{
    const struct member *router = family_at(r->family, 0);
    for (size_t i = 0; router->beat && i < router->beat->n_queues; i++)
        if (strcmp(router->beat->queues[i]->exporter, name) == 0)
            return strcmp(router->beat->queues[i]->state, "running") == 0;
    return false;
}

static const char *obstacle(const struct registrar *r, const char *name)
{
    const struct member *m = family_find(r->family, name);
    if (!family_runs(r->family))
        return "the gateway is starting or ending";
    if (configured(r->config, name))
        return "the configuration has an exporter of this name";
    if (m && m->leaves)
        return "the exporter of this name has not ended yet";
    if (m)
        return "an exporter of this name is attached already";
    if (by_hand(r, name))
        return "an exporter of this name was started by hand and is here";
    if (r->config->exporter_count + registrar_count(r, r->config) >= CONFIG_EXPORTERS_MAX)
        return "there are as many exporters as there can be";
    return NULL;
}

/* NULL: the member is started. Otherwise why not, and nothing has changed. */
static const char *begin(struct registrar *r, const Masques__Control__Attached *wanted, struct trial *t,
                         char why[512])
{
    struct config_exporter resolved;
    if (attach_check(wanted, &resolved, why) != GW_OK)
        return why;
    memcpy(t->name, resolved.id, sizeof t->name);
    if (wanted->start == MASQUES__BUS__START__REGISTERED) {
        snprintf(why, 512, "%s: where to start from is nothing to be asked for", resolved.id);
        return why;
    }
    const char *in_the_way = obstacle(r, resolved.id);
    if (in_the_way) {
        snprintf(why, 512, "%s: %s", resolved.id, in_the_way);
        return why;
    }
    const struct attached_entry *entry = attached_add(r->list, wanted, why);
    if (!entry)
        return why;
    if (attached_write(r->list, why) != GW_OK) {
        attached_remove(r->list, resolved.id);
        return why;
    }
    if (!family_add(r->family, &entry->exporter, entry->wanted, why)) {
        drop(r, resolved.id, 0);
        return why;
    }
    return NULL;
}

void registrar_attach(struct registrar *r, const Masques__Control__Attached *wanted, registrar_fn fn,
                      void *ctx)
{
    char why[512] = "no memory";
    struct trial *t = calloc(1, sizeof *t);
    const char *error = t ? begin(r, wanted, t, why) : why;
    if (error) {
        free(t);
        fn(ctx, error);
        return;
    }
    t->until_ms = loop_now_ms(r->loop) + REGISTRAR_TRY_MS;
    t->fn = fn;
    t->ctx = ctx;
    t->next = r->trials;
    r->trials = t;
    loop_timer_set(r->look, LOOK_MS);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

/* One whose program is gone stays in the file. */
static void add_all(struct registrar *r)
{
    const struct attached_entry *entry;
    char why[512];
    for (size_t i = 0; (entry = attached_at(r->list, i)); i++)
        if (!family_add(r->family, &entry->exporter, entry->wanted, why))
            log_error(r->log, "%s, which was attached, is not started: %s", entry->exporter.id, why);
}

struct registrar *registrar_new(struct loop *loop, struct family *family, const struct config *config,
                                const struct log *log, char why[512])
{
    snprintf(why, 512, "no memory");
    struct registrar *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r = (struct registrar){.loop = loop, .family = family, .config = config, .log = log};
    r->list = attached_new(family_store(family));
    r->look = loop_timer_new(loop, look, r);
    if (!r->list || !r->look || attached_read(r->list, log, why) != GW_OK) {
        registrar_free(&r);
        return NULL;
    }
    registrar_yield(r);
    add_all(r);
    return r;
}

void registrar_free(struct registrar **at)
{
    struct registrar *r = *at;
    *at = NULL;
    if (!r)
        return;
    while (r->trials) {
        struct trial *t = r->trials;
        r->trials = t->next;
        free(t);
    }
    loop_timer_free(&r->look);
    attached_free(&r->list);
    free(r);
}
