// SPDX-License-Identifier: Apache-2.0
/* The listening sockets: opened by the master before any child exists, inherited by every worker. */
#ifndef MASQUES_MASTER_LISTENER_H
#define MASQUES_MASTER_LISTENER_H

#include <stdbool.h>

#include "shared/base/err.h"
#include "shared/config/endpoint.h"

#define LISTENER_ADDRESS_BYTES 300

struct listener {
    int fd;               /* -1: not open */
    const char *protocol; /* "grpc", "http", "health" */
    char address[LISTENER_ADDRESS_BYTES]; /* as bound, "127.0.0.1:4317", "[::1]:4317" */
};

/* Binds and listens (non-blocking, close on exec). A name with several addresses is bound at its first one.
 * 0; GW_ERR_IO or GW_ERR_INVALID with one sentence in `why`. */
int listener_open(struct listener *l, const char *protocol, const struct endpoint *endpoint,
                  char why[512]) GW_MUST_CHECK;

/* Takes a socket that listens already, whoever bound it; it is made non-blocking, close on exec. */
void listener_adopt(struct listener *l, const char *protocol, int fd);

/* True when the socket is bound to one of the endpoint's addresses. Port 0 is none. */
bool listener_is_bound_to(int fd, const struct endpoint *endpoint);

/* Closes; fine when it is not open. */
void listener_close(struct listener *l);

#endif
