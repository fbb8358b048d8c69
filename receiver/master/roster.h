// SPDX-License-Identifier: Apache-2.0
/* The list of the children: router, exporters, workers, in this order. What becomes of them is the family's affair. */
#ifndef MASQUES_MASTER_ROSTER_H
#define MASQUES_MASTER_ROSTER_H

#include "receiver/master/member.h"

/* Read by its owner, written by roster.c alone. */
struct roster {
    struct member **members;
    size_t count;
    size_t room;
};

/* Puts a member (taken) in its place. 0; GW_ERR_NOMEM, and the member is freed. */
int roster_add(struct roster *roster, struct member *m) GW_MUST_CHECK;
/* Frees those that leave and have ended. Never within one of their callbacks. */
void roster_forget(struct roster *roster);
/* Frees all of them and the list. */
void roster_fini(struct roster *roster);

/* The child of that name, of that process; NULL: none. Borrowed. */
struct member *roster_find(const struct roster *roster, const char *name);
struct member *roster_by_pid(const struct roster *roster, pid_t pid);

/* True while a process of those kinds (1 << enum member_kind) lives. */
bool roster_lives(const struct roster *roster, uint32_t kinds);
/* True while one of that kind is in the state "running". */
bool roster_runs(const struct roster *roster, enum member_kind kind);
/* True while one drains that leaves or is to return. */
bool roster_changes(const struct roster *roster);

#endif
