// SPDX-License-Identifier: Apache-2.0
/* The sockets that the configuration wants us to listen on: inherited where there is one that fits, otherwise opened. */
#ifndef MASQUES_MASTER_PORTS_H
#define MASQUES_MASTER_PORTS_H

#include "receiver/master/inherited.h"
#include "shared/config/config.h"

#define PORTS_MAX 4u

struct ports {
    struct listener list[PORTS_MAX]; /* those that are open, without gaps: grpc, http, health, metrics */
    const struct endpoint *endpoints[PORTS_MAX]; /* what they are configured as; borrowed from the configuration */
    size_t count;
    size_t otlp_count; /* the first of them: what the workers inherit */
};

/* Opens all of them. What was inherited and is not wanted is closed before a new socket is bound, as it may have the
 * address. `config` is borrowed until ports_close(). 0; GW_ERR_IO or GW_ERR_INVALID with one sentence in `why`. */
int ports_open(struct ports *ports, const struct config *config, struct inherited *in, char why[512])
    GW_MUST_CHECK;
void ports_close(struct ports *ports);

/* The socket of the health endpoint, and of that for metrics; NULL: it is not configured. */
const struct listener *ports_health(const struct ports *ports);
const struct listener *ports_metrics(const struct ports *ports);

/* What inherited_leave() is to leave: the sockets; lock and run are the caller's to add. */
struct inherited ports_to_leave(const struct ports *ports);

#endif
