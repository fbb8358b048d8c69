// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/pages.h"

#include <stdlib.h>
#include <string.h>

#include "receiver/master/exposition.h"
#include "receiver/master/health.h"
#include "receiver/master/health_server.h"
#include "receiver/master/metrics.h"
#include "shared/base/clock.h"

#define AGAIN_MS 1000u /* there was no memory */

struct pages {
    struct loop *loop;
    const struct ports *ports;
    const struct config *config;
    const struct family *family;
    const struct standing *standing;
    struct health_page health_pages[4];
    struct health_page metrics_pages[1];
    struct health_server *health, *metrics; /* NULL: not configured, or not open yet */
    struct loop_timer *late;
};

static bool is_available(const struct pages *p)
{
    return family_accepts(p->family) && p->standing->staying;
}

static bool health_says(void *ctx, struct buf *body)
{
    const struct pages *p = ctx;
    const struct standing *s = p->standing;
    struct health_times times = {
        .up_since_ns = s->up_since_ns,
        .up_for_ns = s->up_since_ns ? clock_mono_ns() - s->up_since_mono_ns : 0,
        .now_ns = clock_wall_ns(),
        .reloaded_ns = s->reloaded_ns,
        .reload_error = s->reload_error,
    };
    health_body(body, p->family, is_available(p), &times);
    return is_available(p);
}

static bool metrics_say(void *ctx, struct buf *body)
{
    const struct pages *p = ctx;
    struct metrics_gateway about = {
        .receiver = p->config->otlp.id,
        .available = is_available(p),
        .uptime_s = (double)(clock_mono_ns() - p->standing->started_mono_ns) / CLOCK_NS_PER_S,
        .usage = usage_of(p->family),
    };
    metrics_text(body, p->family, &about);
    return true;
}

/* False: no memory. */
static bool serve(struct pages *p, const struct listener *on, const struct health_page *pages, size_t count,
                  struct health_server **server)
{
    if (on && !*server)
        *server = health_server_new(p->loop, on->fd, pages, count, HEALTH_SERVER_REQUEST_MS, p);
    return !on || *server;
}

static bool open_all(struct pages *p)
{
    return serve(p, ports_health(p->ports), p->health_pages, 4, &p->health) &&
           serve(p, ports_metrics(p->ports), p->metrics_pages, 1, &p->metrics);
}

static void open_late(void *ctx)
{
    pages_open(ctx);
}

void pages_open(struct pages *p)
{
    if (open_all(p))
        loop_timer_cancel(p->late);
    else
        loop_timer_set(p->late, AGAIN_MS);
}

struct pages *pages_new(struct loop *loop, const struct ports *ports, const struct config *config,
                        const struct family *family, const struct standing *standing, uint32_t within_ms)
{
    struct pages *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    *p = (struct pages){
        .loop = loop,
        .ports = ports,
        .config = config,
        .family = family,
        .standing = standing,
        .health_pages = {{"/", "application/json", health_says},
                         {"/health", "application/json", health_says},
                         {config->health.path, "application/json", health_says},
                         {"/metrics", EXPOSITION_CONTENT_TYPE, metrics_say}},
        .metrics_pages = {{"/metrics", EXPOSITION_CONTENT_TYPE, metrics_say}},
    };
    p->late = loop_timer_new(loop, open_late, p);
    if (!p->late || (within_ms == 0 && !open_all(p)))
        pages_free(&p);
    else if (within_ms)
        loop_timer_set(p->late, within_ms);
    return p;
}

void pages_free(struct pages **pages)
{
    struct pages *p = *pages;
    if (!p)
        return;
    health_server_free(&p->health);
    health_server_free(&p->metrics);
    loop_timer_free(&p->late);
    free(p);
    *pages = NULL;
}
