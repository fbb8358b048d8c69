// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/ports.h"

#include <stdio.h>
#include <string.h>

/* `l->fd` stays -1 where none was inherited. */
static void want(struct ports *ports, struct inherited *in, bool enabled, const char *protocol,
                 const struct endpoint *endpoint)
{
    if (!enabled)
        return;
    struct listener *l = &ports->list[ports->count];
    *l = (struct listener){.fd = -1, .protocol = protocol};
    ports->endpoints[ports->count++] = endpoint;
    int fd = inherited_take(in, protocol, endpoint);
    if (fd >= 0)
        listener_adopt(l, protocol, fd);
}

int ports_open(struct ports *ports, const struct config *config, struct inherited *in, char why[512])
{
    *ports = (struct ports){.count = 0};
    want(ports, in, config->otlp.grpc.enabled, "grpc", &config->otlp.grpc.endpoint);
    want(ports, in, config->otlp.http.enabled, "http", &config->otlp.http.endpoint);
    ports->otlp_count = ports->count;
    want(ports, in, config->health.enabled, "health", &config->health.endpoint);
    want(ports, in, config->metrics.enabled, "metrics", &config->metrics.endpoint);
    int err = inherited_finish(in, why);
    for (size_t i = 0; err == GW_OK && i < ports->count; i++)
        if (ports->list[i].fd < 0)
            err = listener_open(&ports->list[i], ports->list[i].protocol, ports->endpoints[i], why);
    if (err != GW_OK)
        ports_close(ports);
    return err;
}

void ports_close(struct ports *ports)
{
    for (size_t i = 0; i < ports->count; i++)
        listener_close(&ports->list[i]);
    ports->count = ports->otlp_count = 0;
}

static const struct listener *find(const struct ports *ports, const char *protocol)
{
    for (size_t i = ports->otlp_count; i < ports->count; i++)
        if (strcmp(ports->list[i].protocol, protocol) == 0)
            return &ports->list[i];
    return NULL;
}

const struct listener *ports_health(const struct ports *ports)
{
    return find(ports, "health");
}

const struct listener *ports_metrics(const struct ports *ports)
{
    return find(ports, "metrics");
}

struct inherited ports_to_leave(const struct ports *ports)
{
    struct inherited what = {.count = ports->count, .lock = -1};
    for (size_t i = 0; i < ports->count; i++) {
        struct inherited_socket *s = &what.sockets[i];
        struct buf text = buf_make(sizeof s->endpoint - 1);
        endpoint_print(ports->endpoints[i], &text);
        s->fd = ports->list[i].fd;
        snprintf(s->name, sizeof s->name, "%s", ports->list[i].protocol);
        snprintf(s->endpoint, sizeof s->endpoint, "%.*s", (int)text.len, (const char *)text.data);
        buf_free(&text);
    }
    return what;
}
