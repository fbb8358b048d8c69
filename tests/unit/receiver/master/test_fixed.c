// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/fixed.h"

#include <stdio.h>

#include "tests/support/suite.h"

#define COMPONENTS                                                                                                    \
    "receivers: {otlp: {protocols: {grpc: %s}}}\nexporters: {nop: {%s}}\n"                                            \
    "extensions: {file_storage: {directory: %s}, health_check: {endpoint: \":%s\"}}\n"                                \
    "service: {extensions: [%s], telemetry: {metrics: %s},\n"                                                         \
    "  pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}\n"

struct words {
    const char *grpc, *nop, *directory, *health_port, *extensions, *metrics;
};

static const struct words usual = {"", "sending_queue: {storage: file_storage}", "/a", "1",
                                   "file_storage, health_check", "{level: none}"};

static const char *no_environment(void *context, const char *name)
{
    (void)context, (void)name;
    return NULL;
}

static struct config *load(const struct words *w)
{
    struct config *config;
    struct config_error err;
    char text[2000];
    snprintf(text, sizeof text, COMPONENTS, w->grpc, w->nop, w->directory, w->health_port, w->extensions, w->metrics);
    ck_assert_msg(config_from_text("f", slice_of(text), no_environment, NULL, &config, &err) == GW_OK, "%s", err.text);
    return config;
}

START_TEST(what_cannot_change_is_named_and_stays)
{
    static const struct {
        struct words next;
        const char *changed;
    } cases[] = {
        {{"", "sending_queue: {storage: file_storage}", "/a", "1", "file_storage, health_check", "{level: none}"}, ""},
        {{"{endpoint: \":7\"}", "sending_queue: {storage: file_storage}", "/a", "1", "file_storage, health_check",
          "{level: none}"},
         "receivers::otlp::protocols::grpc::endpoint"},
        {{"", "sending_queue: {storage: file_storage}", "/b", "2", "file_storage, health_check", "{level: none}"},
         "extensions::health_check::endpoint, masques::store::directory"},
        {{"", "sending_queue: {storage: file_storage}", "/a", "1", "file_storage", "{level: none}"},
         "extensions::health_check, extensions::health_check::endpoint"},
        {{"", "sending_queue: {storage: file_storage}", "/a", "1", "file_storage, health_check",
          "{level: none, address: \":9\"}"},
         "service::telemetry::metrics::address"},
        {{"", "sending_queue: {storage: file_storage}", "/a", "1", "file_storage, health_check", "{level: basic}"},
         "service::telemetry::metrics, service::telemetry::metrics::level"},
        /* exporters and what they are told may change */
        {{"", "sending_queue: {storage: file_storage, num_consumers: 3, batch: }, retry_on_failure: {multiplier: 2}",
          "/a", "1", "file_storage, health_check", "{level: none}"},
         ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config *running = load(&usual), *next = load(&cases[i].next);
        struct buf changed = buf_make(4096);
        ck_assert_int_eq(fixed_keep(running, next, &changed), GW_OK);
        buf_byte(&changed, '\0');
        ck_assert_str_eq((const char *)changed.data, cases[i].changed);
        ck_assert_uint_eq(next->otlp.grpc.endpoint.port, 4317);
        ck_assert(next->health.enabled);
        ck_assert_uint_eq(next->health.endpoint.port, 1);
        ck_assert(!next->metrics.enabled);
        ck_assert_uint_eq(next->metrics.endpoint.port, 8888);
        ck_assert_str_eq(next->masques.store.directory, "/a");
        buf_free(&changed);
        config_free(&running);
        config_free(&next);
    }
}
END_TEST

SUITE_MAIN("receiver/master/fixed", what_cannot_change_is_named_and_stays)
