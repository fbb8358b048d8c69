// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/patience.h"

#include <stdio.h>
#include <time.h>

#include "shared/base/clock.h"

#define BUSY_SHARE 20u /* of the time, one part at least: a waiting process needs much less */

/* How long it may be silent. */
static uint64_t silence_ms(const struct member *m, uint64_t hang_ms)
{
    uint64_t least = m->state == MEMBER_STARTING   ? PATIENCE_START_MS
                     : m->state == MEMBER_DRAINING ? PATIENCE_FLUSH_MS
                                                   : 0;
    return hang_ms > least ? hang_ms : least;
}

/* User and system, of all its threads; 0: it cannot be known. */
static uint64_t cpu_ms_of(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return 0;
    return (uint64_t)t.tv_sec * CLOCK_MS_PER_S + (uint64_t)t.tv_nsec / CLOCK_NS_PER_MS;
}

static void look(struct member *m, uint64_t now)
{
    m->busy.told &= m->busy.heard_ms == m->heard_ms;
    m->busy.heard_ms = m->heard_ms;
    m->busy.at_ms = now;
    m->busy.cpu_ms = cpu_ms_of(m->pid);
}

/* Since it was looked at last, in this silence. */
static bool computes(const struct member *m, uint64_t now)
{
    uint64_t cpu_ms = cpu_ms_of(m->pid);
    return m->busy.heard_ms == m->heard_ms && cpu_ms > m->busy.cpu_ms &&
           (cpu_ms - m->busy.cpu_ms) * BUSY_SHARE >= now - m->busy.at_ms;
}

static void bear_with(struct member *m, uint64_t limit, uint64_t now)
{
    if (!m->busy.told)
        log_info(m->log, "%s (process %d): silent for %.1f s, but it computes: more patience with it", m->name,
                 (int)m->pid, (double)(now - m->heard_ms) / CLOCK_MS_PER_S);
    m->busy.told = true;
    if (now - m->busy.at_ms >= limit / 2)
        look(m, now);
}

void patience_watch(struct member *m, uint64_t hang_ms, uint64_t now)
{
    char why[96];
    if (m->state == MEMBER_DRAINING && m->drained_by_ms && now >= m->drained_by_ms + PATIENCE_FLUSH_MS) {
        m->drained_by_ms = 0; /* once is enough */
        member_kill(m, "did not finish in time");
        return;
    }
    uint64_t silent = now - m->heard_ms, limit = silence_ms(m, hang_ms);
    if (!member_lives(m) || silent < limit / 2)
        return;
    if (silent < limit) {
        if (m->busy.heard_ms != m->heard_ms)
            look(m, now);
        return;
    }
    if (silent < PATIENCE_BUSY * limit && computes(m, now)) {
        bear_with(m, limit, now);
        return;
    }
    snprintf(why, sizeof why, "silent for %.1f s", (double)silent / CLOCK_MS_PER_S);
    m->heard_ms = now; /* once is enough */
    member_kill(m, why);
}
