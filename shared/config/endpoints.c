// SPDX-License-Identifier: Apache-2.0
/* The endpoints that the gateway listens on: each can be had once. */
#include <string.h>

#include "shared/config/sections.h"

#define ENDPOINTS_MAX 4u

struct listens {
    const char *path; /* in the file */
    const struct endpoint *endpoint;
    struct place at; /* line 0: not found in the file */
};

struct listening {
    struct listens list[ENDPOINTS_MAX];
    size_t count;
};

static void add(struct listening *l, bool enabled, const char *path, const struct endpoint *endpoint,
                const struct yaml_node *node)
{
    if (enabled)
        l->list[l->count++] = (struct listens){path, endpoint, node->at};
}

static bool is_same(const struct endpoint *a, const struct endpoint *b)
{
    bool any = !a->host[0] || !b->host[0]; /* every address of the host, that of the other one, too */
    return a->port && a->port == b->port && (any || strcmp(a->host, b->host) == 0);
}

static int refuse(struct reader *r, const struct listens *first, const struct listens *second)
{
    struct buf text = buf_make(ENDPOINT_HOST_BYTES + 16);
    const struct listens *blamed = second->at.line ? second : first;
    struct place at = blamed->at.line ? blamed->at : (struct place){1, 1};
    endpoint_print(blamed->endpoint, &text);
    int rc = report_error(r->report, at, blamed->path, "%.*s is also where %s listens", (int)text.len,
                          (const char *)text.data, blamed == second ? first->path : second->path);
    buf_free(&text);
    return rc;
}

int sections_endpoints(struct reader *r, struct sections *s)
{
    const struct config *c = s->config;
    const struct yaml_node *receivers = sections_find(s->root, "receivers");
    const struct yaml_node *protocols =
        receivers->count ? sections_find(receivers->entries[0].value, "protocols") : receivers;
    const struct yaml_node *telemetry = sections_find(sections_find(s->root, "service"), "telemetry");
    const struct yaml_node *metrics = sections_find(telemetry, "metrics");
    const struct yaml_node *health = sections_find(sections_find(s->root, "extensions"), c->health.id);
    struct listening l = {.count = 0};
    add(&l, c->otlp.grpc.enabled, "receivers::otlp::protocols::grpc::endpoint", &c->otlp.grpc.endpoint,
        sections_find(sections_find(protocols, "grpc"), "endpoint"));
    add(&l, c->otlp.http.enabled, "receivers::otlp::protocols::http::endpoint", &c->otlp.http.endpoint,
        sections_find(sections_find(protocols, "http"), "endpoint"));
    add(&l, c->health.enabled, "extensions::health_check::endpoint", &c->health.endpoint,
        sections_find(health, "endpoint"));
    add(&l, c->metrics.enabled, "service::telemetry::metrics", &c->metrics.endpoint, metrics);
    for (size_t i = 0; i < l.count; i++)
        for (size_t k = 0; k < i; k++)
            if (is_same(l.list[k].endpoint, l.list[i].endpoint))
                return refuse(r, &l.list[k], &l.list[i]);
    return 0;
}
