// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/settings.h"

#include "shared/control/child.h"
#include "shared/control/packet.h"
#include "tests/support/suite.h"
#include "tests/unit/receiver/master/stage.h"

static const char config_text[] =
    "receivers: {otlp: {protocols: {grpc: {max_recv_msg_size_mib: 3, max_concurrent_streams: 7},\n"
    "  http: {max_request_body_size: 2097152, logs_url_path: /l}}}}\n"
    "exporters: {debug/a: {format: json}, nop: }\n"
    "service: {pipelines: {logs: {receivers: [otlp], exporters: [debug/a, nop]},\n"
    "  traces: {receivers: [otlp], exporters: [nop]}}}\n"
    "masques: {log_level: warn, shutdown: {grace: 3s}, limits: {max_connections: 11}}\n";

struct scene {
    struct stage stage;
    struct config *config;
    struct runtime_dir runtime;
    struct listener listeners[2];
    struct family_parts parts;
    struct settings_shared shared;
    struct spawn_request request;
    Masques__Control__Settings filled;
};

static const char *no_environment(void *context, const char *name)
{
    (void)context;
    (void)name;
    return NULL;
}

static void scene_prepare(struct scene *s)
{
    *s = (struct scene){.runtime = {.lock = -1},
                        .listeners = {{.fd = 41, .protocol = "grpc", .address = "127.0.0.1:1"},
                                      {.fd = 42, .protocol = "http", .address = "127.0.0.1:2"}}};
    stage_open(&s->stage);
    snprintf(s->runtime.path, sizeof s->runtime.path, "%s", s->stage.directory);
    snprintf(s->runtime.store, sizeof s->runtime.store, "%s/store", s->stage.directory);
}

static void scene_share(struct scene *s, const char *text)
{
    struct config_error err;
    char why[512] = "";
    ck_assert_msg(config_from_text("test", slice_of(text), no_environment, NULL, &s->config, &err) == GW_OK,
                  "%s", err.text);
    s->parts = (struct family_parts){.config = s->config, .runtime = &s->runtime, .listeners = s->listeners,
                                     .listener_count = 2, .log = &s->stage.log};
    ck_assert_msg(settings_share(&s->shared, &s->parts, 77, 2, why) == GW_OK, "%s", why);
}

static void scene_open(struct scene *s)
{
    scene_prepare(s);
    scene_share(s, config_text);
}

/* What a child of that kind reads, after the way through its memfd. */
static Masques__Control__Settings *read_back(struct scene *s, enum member_kind kind, const void *about)
{
    struct member m = {.kind = kind, .about = about};
    ProtobufCMessage *message = NULL;
    masques__control__settings__init(&s->filled);
    s->request = (struct spawn_request){0};
    ck_assert_int_eq(settings_fill(&s->shared, &m, &s->filled, &s->request), GW_OK);
    int fd = packet_memfd("test", &s->filled.base);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(packet_from_fd(fd, &masques__control__settings__descriptor, &message), GW_OK);
    close(fd);
    return (Masques__Control__Settings *)message;
}

static void scene_close(struct scene *s, Masques__Control__Settings *read)
{
    masques__control__settings__free_unpacked(read, NULL);
    settings_unshare(&s->shared);
    config_free(&s->config);
    stage_close(&s->stage);
}

START_TEST(a_worker_gets_the_sockets_and_the_limits)
{
    struct scene s;
    scene_open(&s);
    Masques__Control__Settings *read = read_back(&s, MEMBER_WORKER, NULL);
    ck_assert_int_eq(read->role_case, MASQUES__CONTROL__SETTINGS__ROLE_WORKER);
    const Masques__Control__WorkerSettings *w = read->worker;
    ck_assert_uint_eq(w->n_listeners, 2);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(w->listeners[i]->fd, CHILD_FD_FIRST + i);
        ck_assert_str_eq(w->listeners[i]->protocol, s.listeners[i].protocol);
        ck_assert_str_eq(w->listeners[i]->address, s.listeners[i].address);
        ck_assert_int_eq(s.request.extra[i], s.listeners[i].fd);
    }
    ck_assert_uint_eq(s.request.extra_count, 2);
    ck_assert(!s.request.keeps_stdout);
    ck_assert_uint_eq(w->wanted, 1u << CONFIG_LOGS | 1u << CONFIG_TRACES);
    ck_assert_uint_eq(w->grpc_max_bytes, 3u << 20);
    ck_assert_uint_eq(w->http_max_bytes, 2u << 20);
    ck_assert_uint_eq(w->max_streams, 7);
    ck_assert_uint_eq(w->max_connections, 11);
    ck_assert_uint_eq(w->headers_timeout_ms, 10000);
    ck_assert_str_eq(w->logs_path, "/l");
    ck_assert_str_eq(w->traces_path, "/v1/traces");
    ck_assert_uint_eq(w->drain_ms, 3000);
    ck_assert_uint_eq(read->run, 77);
    ck_assert_uint_eq(read->log_level, LOG_LEVEL_WARN);
    ck_assert_str_eq(read->bus_endpoint, s.shared.bus_endpoint);
    scene_close(&s, read);
}
END_TEST

START_TEST(the_router_gets_the_store_and_who_subscribes_to_what)
{
    struct scene s;
    scene_open(&s);
    Masques__Control__Settings *read = read_back(&s, MEMBER_ROUTER, NULL);
    ck_assert_int_eq(read->role_case, MASQUES__CONTROL__SETTINGS__ROLE_ROUTER);
    const Masques__Control__RouterSettings *r = read->router;
    ck_assert_str_eq(r->store_directory, s.runtime.store);
    ck_assert_uint_eq(r->n_subscriptions, 2);
    ck_assert_str_eq(r->subscriptions[0]->name, "debug/a");
    ck_assert_uint_eq(r->subscriptions[0]->signals, 1u << CONFIG_LOGS);
    ck_assert(r->subscriptions[0]->lossy);
    ck_assert_str_eq(r->subscriptions[1]->name, "nop");
    ck_assert_str_eq(r->subscriptions[1]->type, "nop");
    ck_assert_uint_eq(r->subscriptions[1]->signals, 1u << CONFIG_LOGS | 1u << CONFIG_TRACES);
    ck_assert_uint_gt(r->max_batch, 3u << 20); /* the largest body and what is put around it */
    ck_assert_uint_eq(r->max_bytes, s.config->masques.store.max_bytes);
    ck_assert_int_eq(r->fsync, MASQUES__CONTROL__FSYNC__FSYNC_NONE);
    ck_assert_uint_gt(r->dead_letter_bytes, 0);
    ck_assert_uint_le(r->dead_letter_bytes, r->max_bytes / 4);
    ck_assert_uint_eq(s.request.extra_count, 0);
    scene_close(&s, read);
}
END_TEST

START_TEST(an_exporter_gets_its_options_and_the_store_to_read)
{
    struct scene s;
    scene_open(&s);
    const struct config_exporter *e = &s.config->exporters[0];
    Masques__Control__Settings *read = read_back(&s, MEMBER_EXPORTER, e);
    ck_assert_int_eq(read->role_case, MASQUES__CONTROL__SETTINGS__ROLE_EXPORTER);
    ck_assert_str_eq(read->exporter->type, e->kind->type);
    ck_assert_uint_eq(read->exporter->signals, 1u << CONFIG_LOGS);
    ck_assert_uint_eq(read->exporter->store_fd, CHILD_FD_FIRST);
    ck_assert_uint_eq(read->exporter->n_options, e->kind->options.count);
    const char *format = NULL;
    for (size_t i = 0; i < read->exporter->n_options; i++)
        if (strcmp(read->exporter->options[i]->path, "format") == 0)
            format = read->exporter->options[i]->value;
    ck_assert_pstr_eq(format, "json");
    ck_assert(!read->exporter->synced);
    ck_assert(s.request.keeps_stdout);
    ck_assert_uint_eq(s.request.extra_count, 1);
    char path[64], target[256] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%d", s.request.extra[0]);
    ck_assert_int_gt(readlink(path, target, sizeof target - 1), 0);
    ck_assert_str_eq(target, s.runtime.store);
    ck_assert_int_eq(fcntl(s.request.extra[0], F_GETFL) & O_ACCMODE, O_RDONLY);
    scene_close(&s, read);
}
END_TEST

START_TEST(a_store_on_a_disk_is_synced_as_configured_and_so_is_what_exporters_write)
{
    static const struct {
        const char *store;
        Masques__Control__Fsync fsync;
        uint32_t interval_ms;
        bool synced;
    } cases[] = {
        {"", MASQUES__CONTROL__FSYNC__FSYNC_ALWAYS, 1000, true},
        {", fsync: interval, fsync_interval: 1500ms", MASQUES__CONTROL__FSYNC__FSYNC_INTERVAL, 1500, true},
        {", fsync: never", MASQUES__CONTROL__FSYNC__FSYNC_NONE, 1000, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene s;
        char store[300];
        scene_prepare(&s);
        snprintf(store, sizeof store,
                 "masques: {store: {directory: \"%s/disk\", max_bytes: 16MiB, segment_bytes: 2MiB, "
                 "dead_letters: {max_bytes: 3MiB}%s}}\n",
                 s.stage.directory, cases[i].store);
        scene_share(&s, store);
        Masques__Control__Settings *read = read_back(&s, MEMBER_ROUTER, NULL);
        const Masques__Control__RouterSettings *r = read->router;
        snprintf(store, sizeof store, "%s/disk", s.stage.directory);
        ck_assert_str_eq(r->store_directory, store);
        ck_assert_uint_eq(r->max_bytes, 16u << 20);
        ck_assert_uint_eq(r->segment_bytes, 2u << 20);
        ck_assert_uint_eq(r->dead_letter_bytes, 3u << 20);
        ck_assert_int_eq(r->fsync, cases[i].fsync);
        ck_assert_uint_eq(r->fsync_interval_ms, cases[i].interval_ms);
        masques__control__settings__free_unpacked(read, NULL);
        read = read_back(&s, MEMBER_EXPORTER, &s.config->exporters[0]);
        ck_assert_int_eq(read->exporter->synced, cases[i].synced);
        scene_close(&s, read);
    }
}
END_TEST

START_TEST(a_store_that_cannot_be_made_is_said)
{
    struct scene s;
    char why[512] = "";
    struct settings_shared shared;
    scene_open(&s);
    snprintf(s.runtime.store, sizeof s.runtime.store, "%s/missing/store", s.stage.directory);
    ck_assert_int_eq(settings_share(&shared, &s.parts, 1, 1, why), GW_ERR_IO);
    ck_assert_msg(strstr(why, s.runtime.store) != NULL, "%s", why);
    settings_unshare(&shared);
    settings_unshare(&shared);
    scene_close(&s, NULL);
}
END_TEST

SUITE_MAIN("receiver/master/settings", a_worker_gets_the_sockets_and_the_limits,
           the_router_gets_the_store_and_who_subscribes_to_what,
           an_exporter_gets_its_options_and_the_store_to_read,
           a_store_on_a_disk_is_synced_as_configured_and_so_is_what_exporters_write, a_store_that_cannot_be_made_is_said)
