// SPDX-License-Identifier: Apache-2.0
/* Who may have a name on the bus: the rule by which a HELLO is judged. Pure; the sessions keep the facts. */
#ifndef MASQUES_ROUTER_NAMES_H
#define MASQUES_ROUTER_NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What is known of one who claims a name, or has it. */
struct name_claim {
    pid_t pid;        /* as the kernel says; where it does not (tcp), as HELLO says */
    uint64_t attempt; /* rises with every HELLO of a process */
    bool replace;     /* asks to take the name from a living session */
};

enum name_verdict {
    NAME_FREE,    /* granted: nobody has it */
    NAME_RENEWED, /* granted: its holder says HELLO again */
    NAME_TAKEN,   /* granted: another process has it and is displaced */
    NAME_IN_USE,  /* refused */
    NAME_LATE,    /* a HELLO that its own process has overtaken: no answer */
};

/* `holder`: the living session of that name, NULL: none. `expected`: the pid of the newest spawn that the master
 * announced under the name, 0: it announced none. A name that the master gave is only for the process that it gave it
 * to, whatever `replace` says. */
enum name_verdict name_judge(const struct name_claim *claim, const struct name_claim *holder, pid_t expected);

#endif
