// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/patience.h"

#include <stdio.h>

#include "shared/base/clock.h"

/* How long it may be silent. */
static uint64_t silence_ms(const struct member *m, uint64_t hang_ms)
{
    uint64_t least = m->state == MEMBER_STARTING   ? PATIENCE_START_MS
                     : m->state == MEMBER_DRAINING ? PATIENCE_FLUSH_MS
                                                   : 0;
    return hang_ms > least ? hang_ms : least;
}

void patience_watch(struct member *m, uint64_t hang_ms, uint64_t now)
{
    char why[96];
    if (m->state == MEMBER_DRAINING && m->drained_by_ms && now >= m->drained_by_ms + PATIENCE_FLUSH_MS) {
        m->drained_by_ms = 0; /* once is enough */
        member_kill(m, "did not finish in time");
        return;
    }
    if (!member_lives(m) || now - m->heard_ms < silence_ms(m, hang_ms))
        return;
    snprintf(why, sizeof why, "silent for %.1f s", (double)(now - m->heard_ms) / CLOCK_MS_PER_S);
    m->heard_ms = now; /* once is enough */
    member_kill(m, why);
}
