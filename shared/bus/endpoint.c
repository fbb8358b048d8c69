// SPDX-License-Identifier: Apache-2.0
#include "shared/bus/endpoint.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define IPC "ipc://"
#define TCP "tcp://"
#define PORT_DIGITS_MAX 5u
#define PORT_MAX 65535

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > PORT_DIGITS_MAX || text[digits] != '\0')
        return false;
    long port = strtol(text, NULL, 10);
    return port >= 1 && port <= PORT_MAX;
}

/* HOST:PORT; a colon in HOST needs brackets around it. */
static bool is_host_and_port(const char *text)
{
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || !is_port(colon + 1))
        return false;
    bool brackets = text[0] == '[' && colon[-1] == ']';
    return brackets || memchr(text, ':', (size_t)(colon - text)) == NULL;
}

int endpoint_check(const char *endpoint, struct buf *why)
{
    if (starts_with(endpoint, IPC) && endpoint[strlen(IPC)] != '\0') {
        if (strlen(endpoint) - strlen(IPC) < sizeof(((struct sockaddr_un *)NULL)->sun_path))
            return GW_OK;
        buf_printf(why, "\"%s\" is no endpoint of a router: the path has more than %zu bytes", endpoint,
                   sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
        return GW_ERR_INVALID;
    }
    if (starts_with(endpoint, TCP) && is_host_and_port(endpoint + strlen(TCP)))
        return GW_OK;
    buf_printf(why, "\"%s\" is no endpoint of a router: ipc://PATH or tcp://HOST:PORT", endpoint);
    return GW_ERR_INVALID;
}
