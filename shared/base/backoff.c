// SPDX-License-Identifier: Apache-2.0
#include "shared/base/backoff.h"

uint32_t backoff_after_failure(struct backoff *b, uint64_t ran_ms)
{
    if (ran_ms >= b->stable_ms)
        b->next_ms = 0;
    uint32_t wait = b->next_ms;
    if (wait == 0)
        b->next_ms = b->first_ms;
    else
        b->next_ms = wait > b->cap_ms / 2 ? b->cap_ms : wait * 2;
    return wait;
}
