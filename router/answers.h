// SPDX-License-Identifier: Apache-2.0
/* What the router says to a peer that has no session (any more). Whoever is gone does not miss it:
 * errors are only logged. */
#ifndef MASQUES_ROUTER_ANSWERS_H
#define MASQUES_ROUTER_ANSWERS_H

#include "shared/bus/link.h"

/* RESET: say HELLO again. */
void answer_reset(struct link *link, const struct log *log, uint32_t route);
/* FENCED: session `by` has the name now. */
void answer_fenced(struct link *link, const struct log *log, uint32_t route, uint64_t by);
/* NAME_IN_USE: process `pid` has it, or is the only one that may. */
void answer_name_in_use(struct link *link, const struct log *log, uint32_t route, const char *name,
                        pid_t pid);

#endif
