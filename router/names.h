// SPDX-License-Identifier: Apache-2.0
/* Who may have a name on the bus: the rule by which a HELLO is judged, and what the master has said
 * about names. Pure; the sessions know who lives. */
#ifndef MASQUES_ROUTER_NAMES_H
#define MASQUES_ROUTER_NAMES_H

#include <stdbool.h>
#include <stddef.h>
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

/* `holder`: the living session of that name, NULL: none. `expected`: the pid of the newest spawn
 * that the master announced under the name, 0: it announced none. A name that the master gave is
 * only for the process that it gave it to, whatever `replace` says. */
enum name_verdict name_judge(const struct name_claim *claim, const struct name_claim *holder,
                             pid_t expected);

/* ---- what the master said ---- */

#define NAME_MAX_BYTES 128u /* without the NUL */
#define NAMES_MAX 1024u     /* further ones go unprotected */

struct name_given; /* one name */

/* Embedded; all zero is empty. */
struct names {
    struct name_given *list;
    size_t count;
};

void names_fini(struct names *names);

/* This pid is the newest spawn of the name (copied, cut at NAME_MAX_BYTES); 0: no process is, and spawns may begin at
 * 1 again. An older spawn than the one known is ignored. Without memory the name goes unprotected. */
void names_give(struct names *names, const char *name, pid_t pid, uint32_t spawn);

/* The newest spawn's pid; 0: the master said none. */
pid_t names_expected(const struct names *names, const char *name);

#endif
