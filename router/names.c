// SPDX-License-Identifier: Apache-2.0
#include "router/names.h"

#include <stdlib.h>
#include <string.h>

struct name_given {
    char name[NAME_MAX_BYTES + 1];
    pid_t pid;
    uint32_t spawn;
};

enum name_verdict name_judge(const struct name_claim *claim, const struct name_claim *holder,
                             pid_t expected)
{
    if (expected != 0 && claim->pid != expected)
        return NAME_IN_USE;
    if (!holder)
        return NAME_FREE;
    if (claim->pid == holder->pid)
        return claim->attempt > holder->attempt ? NAME_RENEWED : NAME_LATE;
    if (claim->pid == expected || claim->replace)
        return NAME_TAKEN;
    return NAME_IN_USE;
}

static struct name_given *find(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strncmp(names->list[i].name, name, NAME_MAX_BYTES) == 0)
            return &names->list[i];
    return NULL;
}

void names_give(struct names *names, const char *name, pid_t pid, uint32_t spawn)
{
    struct name_given *given = find(names, name);
    if (!given) {
        if (names->count == NAMES_MAX)
            return;
        struct name_given *list = realloc(names->list, (names->count + 1) * sizeof *list);
        if (!list)
            return;
        names->list = list;
        given = &list[names->count++];
        *given = (struct name_given){0};
        memcpy(given->name, name, strnlen(name, NAME_MAX_BYTES));
    } else if (given->pid != 0 && spawn < given->spawn) {
        return;
    }
    given->pid = pid;
    given->spawn = spawn;
}

pid_t names_expected(const struct names *names, const char *name)
{
    const struct name_given *given = find(names, name);
    return given ? given->pid : 0;
}

void names_fini(struct names *names)
{
    free(names->list);
    *names = (struct names){0};
}
