// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/roster.h"

#include <stdlib.h>
#include <string.h>

static bool make_room(struct roster *roster)
{
    if (roster->count < roster->room)
        return true;
    size_t room = roster->room ? 2 * roster->room : 8;
    struct member **members = realloc(roster->members, room * sizeof *members);
    if (!members)
        return false;
    roster->members = members;
    roster->room = room;
    return true;
}

int roster_add(struct roster *roster, struct member *m)
{
    if (!make_room(roster)) {
        member_free(&m);
        return GW_ERR_NOMEM;
    }
    size_t at = roster->count++;
    for (; at > 0 && roster->members[at - 1]->kind > m->kind; at--)
        roster->members[at] = roster->members[at - 1];
    roster->members[at] = m;
    return GW_OK;
}

void roster_forget(struct roster *roster)
{
    size_t kept = 0;
    for (size_t i = 0; i < roster->count; i++) {
        struct member *m = roster->members[i];
        if (m->leaves && !member_lives(m))
            member_free(&m);
        else
            roster->members[kept++] = m;
    }
    roster->count = kept;
}

void roster_fini(struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++)
        member_free(&roster->members[i]);
    free(roster->members);
    *roster = (struct roster){.members = NULL};
}

struct member *roster_find(const struct roster *roster, const char *name)
{
    for (size_t i = 0; i < roster->count; i++)
        if (strcmp(roster->members[i]->name, name) == 0)
            return roster->members[i];
    return NULL;
}

struct member *roster_by_pid(const struct roster *roster, pid_t pid)
{
    for (size_t i = 0; i < roster->count; i++)
        if (roster->members[i]->pid == pid)
            return roster->members[i];
    return NULL;
}

bool roster_lives(const struct roster *roster, uint32_t kinds)
{
    for (size_t i = 0; i < roster->count; i++)
        if ((kinds & 1u << roster->members[i]->kind) && member_lives(roster->members[i]))
            return true;
    return false;
}

bool roster_runs(const struct roster *roster, enum member_kind kind)
{
    for (size_t i = 0; i < roster->count; i++)
        if (roster->members[i]->kind == kind && roster->members[i]->state == MEMBER_RUNNING)
            return true;
    return false;
}

bool roster_changes(const struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++)
        if (roster->members[i]->leaves || roster->members[i]->returns)
            return true;
    return false;
}
