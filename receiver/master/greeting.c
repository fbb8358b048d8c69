// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/greeting.h"

#include <string.h>

/* A client cannot connect to a wildcard address: the loopback one stands for it. */
static void client_address(char *text, size_t room, const char *bound)
{
    const char *port = strrchr(bound, ':');
    bool any = strncmp(bound, "0.0.0.0:", 8) == 0 || strncmp(bound, "[::]:", 5) == 0;
    if (any && port)
        snprintf(text, room, "127.0.0.1%s", port);
    else
        snprintf(text, room, "%s", bound);
}

static bool takes_telemetry(const struct listener *l)
{
    return strcmp(l->protocol, "grpc") == 0 || strcmp(l->protocol, "http") == 0;
}

static const char *title(const struct listener *l)
{
    if (!takes_telemetry(l))
        return l->protocol;
    return strcmp(l->protocol, "grpc") == 0 ? "OTLP/gRPC" : "OTLP/HTTP";
}

static void print_variables(FILE *out, const struct listener *l)
{
    char address[LISTENER_ADDRESS_BYTES];
    client_address(address, sizeof address, l->address);
    fprintf(out, "    OTEL_EXPORTER_OTLP_PROTOCOL=%s OTEL_EXPORTER_OTLP_ENDPOINT=http://%s\n",
            strcmp(l->protocol, "grpc") == 0 ? "grpc" : "http/protobuf", address);
}

void greeting_print(FILE *out, const struct listener *listeners, size_t count)
{
    fprintf(out, "masques-receiver %s is ready:", MASQUES_VERSION);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s %s on %s", i ? "," : "", title(&listeners[i]), listeners[i].address);
    fputs("\nClaude Code sends here with\n"
          "    CLAUDE_CODE_ENABLE_TELEMETRY=1 OTEL_METRICS_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp\n"
          "and one of\n",
          out);
    for (size_t i = 0; i < count; i++)
        if (takes_telemetry(&listeners[i]))
            print_variables(out, &listeners[i]);
    fflush(out);
}
