// SPDX-License-Identifier: Apache-2.0
#include "router/names.h"

#include <stddef.h>

enum name_verdict name_judge(const struct name_claim *claim, const struct name_claim *holder, pid_t expected)
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
