// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/settings.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "receiver/master/subscription.h"
#include "shared/base/clock.h"
#include "shared/control/child.h"

#define LISTENERS_MAX SPAWN_EXTRA_MAX
#define WORKERS_MOST_BY_DEFAULT 4u
#define OPTIONS_MAX 64
#define OPTION_BYTES 65536u       /* of one option's text */
#define MESSAGE_EXTRA_BYTES 4096u /* a stored batch is never larger than the largest body and this */

struct settings_scratch {
    Masques__Control__WorkerSettings worker;
    Masques__Control__RouterSettings router;
    Masques__Control__ExporterSettings exporter;
    Masques__Control__Listener listeners[LISTENERS_MAX];
    Masques__Control__Listener *listener_list[LISTENERS_MAX];
    Masques__Control__Subscription subscriptions[CONFIG_EXPORTERS_MAX];
    Masques__Control__Retry retries[CONFIG_EXPORTERS_MAX];
    Masques__Control__Subscription *subscription_list[CONFIG_EXPORTERS_MAX];
    Masques__Control__Option options[OPTIONS_MAX];
    Masques__Control__Option *option_list[OPTIONS_MAX];
    struct buf texts[OPTIONS_MAX];
};

uint32_t settings_workers(const struct config *config)
{
    cpu_set_t cpus;
    if (config->masques.workers)
        return config->masques.workers;
    uint32_t cores = 1;
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
        cores = (uint32_t)CPU_COUNT(&cpus);
    return cores < 1 ? 1 : cores < WORKERS_MOST_BY_DEFAULT ? cores : WORKERS_MOST_BY_DEFAULT;
}

int settings_share(struct settings_shared *shared, const struct family_parts *parts, uint64_t run,
                   uint32_t workers, char why[512])
{
    *shared = (struct settings_shared){.parts = parts, .run = run, .workers = workers, .store.fd = -1};
    snprintf(shared->bus_endpoint, sizeof shared->bus_endpoint, "ipc://%s/bus.sock",
             parts->runtime->path);
    shared->scratch = calloc(1, sizeof *shared->scratch);
    if (!shared->scratch) {
        snprintf(why, 512, "no memory");
        return GW_ERR_NOMEM;
    }
    return store_place_open(&shared->store, &parts->config->masques.store, parts->runtime, parts->log, why);
}

static void free_texts(struct settings_scratch *scratch)
{
    for (size_t i = 0; i < OPTIONS_MAX; i++)
        buf_free(&scratch->texts[i]);
}

void settings_unshare(struct settings_shared *shared)
{
    store_place_close(&shared->store);
    if (shared->scratch)
        free_texts(shared->scratch);
    free(shared->scratch);
    shared->scratch = NULL;
}

static uint32_t ms(uint64_t ns)
{
    uint64_t value = ns / CLOCK_NS_PER_MS;
    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t largest_body(const struct config *config)
{
    uint64_t grpc = config->otlp.grpc.max_message_bytes;
    uint64_t http = config->otlp.http.max_body_bytes;
    return grpc > http ? grpc : http;
}

/* ---- the roles -------------------------------------------------------------------------------------------------- */

static void add_listeners(struct settings_shared *shared, struct spawn_request *request)
{
    const struct family_parts *parts = shared->parts;
    struct settings_scratch *s = shared->scratch;
    size_t count = 0;
    for (; count < parts->listener_count && count < LISTENERS_MAX; count++) {
        const struct listener *l = &parts->listeners[count];
        masques__control__listener__init(&s->listeners[count]);
        s->listeners[count].fd = (uint32_t)(CHILD_FD_FIRST + count);
        s->listeners[count].protocol = (char *)l->protocol;
        s->listeners[count].address = (char *)l->address;
        s->listener_list[count] = &s->listeners[count];
        request->extra[count] = l->fd;
    }
    request->extra_count = count;
    s->worker.listeners = s->listener_list;
    s->worker.n_listeners = count;
}

static void fill_worker(struct settings_shared *shared, Masques__Control__Settings *settings,
                        struct spawn_request *request)
{
    const struct config *config = shared->parts->config;
    const struct config_limits *limits = &config->masques.limits;
    Masques__Control__WorkerSettings *w = &shared->scratch->worker;
    masques__control__worker_settings__init(w);
    add_listeners(shared, request);
    w->wanted = config_signals(config);
    w->grpc_max_bytes = config->otlp.grpc.max_message_bytes;
    w->http_max_bytes = config->otlp.http.max_body_bytes;
    w->ledger_bytes = limits->ledger_bytes;
    w->max_connections = limits->max_connections;
    w->connections_per_address = limits->connections_per_address;
    w->max_streams = config->otlp.grpc.max_streams;
    w->max_headers_bytes = (uint32_t)limits->max_header_bytes;
    w->headers_timeout_ms = ms(limits->header_timeout_ns);
    w->body_timeout_ms = ms(limits->body_timeout_ns);
    w->body_bytes_per_s = (uint32_t)limits->body_bytes_per_s;
    w->idle_timeout_ms = ms(limits->idle_timeout_ns);
    w->write_timeout_ms = ms(limits->write_timeout_ns);
    w->max_depth = limits->max_depth;
    w->max_records = limits->max_records;
    w->inflate_ratio = limits->inflate_ratio;
    w->discard_bytes = (uint32_t)limits->discard_bytes;
    w->discard_timeout_ms = ms(limits->discard_timeout_ns);
    w->logs_path = (char *)config->otlp.http.logs_path;
    w->metrics_path = (char *)config->otlp.http.metrics_path;
    w->traces_path = (char *)config->otlp.http.traces_path;
    w->drain_ms = ms(config->masques.grace_ns);
    settings->role_case = MASQUES__CONTROL__SETTINGS__ROLE_WORKER;
    settings->worker = w;
}

/* Their number. */
static size_t add_subscriptions(struct settings_shared *shared)
{
    const struct config *config = shared->parts->config;
    struct settings_scratch *s = shared->scratch;
    for (size_t i = 0; i < config->exporter_count; i++) {
        subscription_fill(&config->exporters[i], &s->subscriptions[i], &s->retries[i]);
        s->subscription_list[i] = &s->subscriptions[i];
    }
    return config->exporter_count;
}

void settings_subscriptions(struct settings_shared *shared, Masques__Control__Reconfigure *out)
{
    out->n_subscriptions = add_subscriptions(shared);
    out->subscriptions = shared->scratch->subscription_list;
}

static void fill_router(struct settings_shared *shared, Masques__Control__Settings *settings)
{
    const struct config *config = shared->parts->config;
    const struct config_store *store = &config->masques.store;
    struct settings_scratch *s = shared->scratch;
    masques__control__router_settings__init(&s->router);
    s->router.n_subscriptions = add_subscriptions(shared);
    s->router.subscriptions = s->subscription_list;
    s->router.store_directory = shared->store.path;
    s->router.max_bytes = shared->store.max_bytes;
    s->router.segment_bytes = smaller(store->segment_bytes, shared->store.max_bytes / 4);
    s->router.dead_letter_bytes = shared->store.dead_letter_bytes;
    s->router.fsync = store_place_fsync(&shared->store, store);
    s->router.fsync_interval_ms = ms(store->fsync_interval_ns);
    s->router.memory_bytes = config->masques.router_memory_bytes;
    s->router.max_batch = largest_body(config) + MESSAGE_EXTRA_BYTES;
    s->router.drain_ms = ms(config->masques.grace_ns);
    settings->role_case = MASQUES__CONTROL__SETTINGS__ROLE_ROUTER;
    settings->router = &s->router;
}

static int add_options(struct settings_scratch *s, const struct config_exporter *e)
{
    const struct option_set *set = &e->kind->options;
    size_t count = 0;
    free_texts(s);
    for (; count < set->count && count < OPTIONS_MAX; count++) {
        s->texts[count] = buf_make(OPTION_BYTES);
        option_print(&set->rows[count], &e->options, &s->texts[count]);
        buf_byte(&s->texts[count], '\0');
        if (!buf_ok(&s->texts[count]))
            return GW_ERR_TOO_LARGE;
        masques__control__option__init(&s->options[count]);
        s->options[count].path = (char *)set->rows[count].path;
        s->options[count].value = (char *)s->texts[count].data;
        s->option_list[count] = &s->options[count];
    }
    s->exporter.options = s->option_list;
    s->exporter.n_options = count;
    return count == set->count ? GW_OK : GW_ERR_TOO_LARGE;
}

static int fill_exporter(struct settings_shared *shared, const struct config_exporter *e,
                         Masques__Control__Settings *settings, struct spawn_request *request)
{
    struct settings_scratch *s = shared->scratch;
    masques__control__exporter_settings__init(&s->exporter);
    s->exporter.type = (char *)e->kind->type;
    s->exporter.signals = e->signals;
    s->exporter.store_fd = CHILD_FD_FIRST;
    s->exporter.drain_ms = ms(shared->parts->config->masques.grace_ns);
    subscription_wishes(&e->delivery, &s->exporter);
    s->exporter.synced = store_place_survives(&shared->store, &shared->parts->config->masques.store);
    request->extra[0] = shared->store.fd;
    request->extra_count = 1;
    request->keeps_stdout = true;
    settings->role_case = MASQUES__CONTROL__SETTINGS__ROLE_EXPORTER;
    settings->exporter = &s->exporter;
    return add_options(s, e);
}

static void add_attached(struct settings_scratch *s, const Masques__Control__Attached *attached)
{
    if (!attached)
        return;
    s->exporter.attached = true;
    s->exporter.mode = attached->mode;
    s->exporter.start = attached->start;
}

/* As bytes, so that no setting can be forgotten. */
static int pack_exporter(struct settings_shared *shared, const struct config_exporter *e, struct buf *out)
{
    Masques__Control__Settings settings = MASQUES__CONTROL__SETTINGS__INIT;
    struct spawn_request request = {0};
    int err = fill_exporter(shared, e, &settings, &request);
    if (err != GW_OK)
        return err;
    size_t len = masques__control__exporter_settings__get_packed_size(settings.exporter);
    uint8_t *at = buf_reserve(out, len ? len : 1);
    if (!at)
        return GW_ERR_NOMEM;
    out->len += masques__control__exporter_settings__pack(settings.exporter, at);
    return GW_OK;
}

bool settings_same(struct settings_shared *shared, const struct config_exporter *a,
                   const struct config_exporter *b)
{
    struct buf one = buf_make(OPTIONS_MAX * OPTION_BYTES);
    struct buf two = buf_make(OPTIONS_MAX * OPTION_BYTES);
    bool same = pack_exporter(shared, a, &one) == GW_OK && pack_exporter(shared, b, &two) == GW_OK &&
                one.len == two.len && (one.len == 0 || memcmp(one.data, two.data, one.len) == 0);
    buf_free(&one);
    buf_free(&two);
    return same;
}

int settings_fill(struct settings_shared *shared, const struct member *m,
                  Masques__Control__Settings *settings, struct spawn_request *request)
{
    settings->log_level = shared->parts->config->masques.log_level;
    settings->bus_endpoint = shared->bus_endpoint;
    settings->run = shared->run;
    if (m->kind == MEMBER_EXPORTER) {
        int err = fill_exporter(shared, m->about, settings, request);
        add_attached(shared->scratch, m->attached);
        return err;
    }
    if (m->kind == MEMBER_WORKER)
        fill_worker(shared, settings, request);
    else
        fill_router(shared, settings);
    return GW_OK;
}
