// SPDX-License-Identifier: Apache-2.0
/* What the router is told while it runs: which processes to expect, and which exporters the configuration names now;
 * and what the others are told of the router. */
#ifndef MASQUES_MASTER_BRIEFING_H
#define MASQUES_MASTER_BRIEFING_H

#include "receiver/master/roster.h"
#include "receiver/master/settings.h"

struct briefing {
    uint32_t told;       /* the number of the last Reconfigure */
    uint32_t told_spawn; /* the router's process that it was meant for */
    bool owed;           /* it could not be sent yet */
};

/* That `m`, just started, is the process that may connect under its name. */
void briefing_expect(struct member *router, const struct member *m);
/* To everybody else: the router is a new process. */
void briefing_router_up(const struct roster *roster, const struct member *router);

/* Tells the router which exporters there are, by `shared`'s configuration as it is now; where its channel is full,
 * `owed` says that it is to be done again. */
void briefing_reconfigure(struct briefing *briefing, struct member *router, struct settings_shared *shared);
/* True when the router has carried that out, or was started after it. */
bool briefing_carried_out(const struct briefing *briefing, const struct member *router);

/* Tells anybody the level of its log from now on (enum log_level). */
void briefing_log_level(struct member *m, uint32_t level);

#endif
