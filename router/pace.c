// SPDX-License-Identifier: Apache-2.0
#include "router/pace.h"

/* Close behind another delivery, a small one is not worth its message. */
static bool close_behind(const struct pace *p, const struct lane *lane)
{
    return lane_busy(lane) || p->now_ms - lane->formed_ms < PACE_WORTH_MS;
}

static uint64_t ripe_ms(const struct pace *p, const struct subscriber *sub, const struct lane *lane)
{
    uint64_t wait = sub->linger_ms;
    if (close_behind(p, lane) && wait < PACE_WORTH_MS)
        wait = PACE_WORTH_MS;
    return lane->since_ms + wait;
}

/* A group is formed although it could still grow. */
static bool ripe(const struct pace *p, const struct subscriber *sub, const struct lane *lane)
{
    if (p->hurried || lane->open_bytes == 0)
        return true;
    if (sub->linger_ms == 0 && lane->open_bytes >= PACE_WORTH_BYTES)
        return true;
    return p->now_ms >= ripe_ms(p, sub, lane);
}

/* There is room for another delivery, and for one that is worth its message. */
static bool has_room(const struct subscriber *sub, const struct lane *lane)
{
    if (lane->blocked || lane_busy(lane) >= sub->in_flight)
        return false;
    uint64_t worth = sub->max_bytes < PACE_WORTH_BYTES ? sub->max_bytes : PACE_WORTH_BYTES;
    return sub->out_bytes == 0 || sub->out_bytes + worth <= sub->credit;
}

bool pace_may_form(const struct pace *p, const struct subscriber *sub, const struct lane *lane)
{
    if (!has_room(sub, lane) || lane->pause_ms > p->now_ms)
        return false;
    if (lane->ask)
        return true;
    return lane->open_bytes && (lane->open_bytes >= sub->max_bytes ||
                                lane->open_records >= sub->max_records || ripe(p, sub, lane));
}

struct store_wishes pace_wishes(const struct pace *p, const struct subscriber *sub,
                                const struct lane *lane)
{
    uint64_t left = sub->out_bytes < sub->credit ? sub->credit - sub->out_bytes : 1;
    return (struct store_wishes){
        .max_records = sub->max_records,
        .max_bytes = left < sub->max_bytes ? left : sub->max_bytes,
        .linger_over = ripe(p, sub, lane),
    };
}

void pace_earlier(uint64_t *due_ms, uint64_t at_ms)
{
    if (at_ms && (*due_ms == 0 || at_ms < *due_ms))
        *due_ms = at_ms;
}

uint64_t pace_due_ms(const struct pace *p, const struct subscriber *sub, const struct lane *lane)
{
    uint64_t due_ms = 0;
    for (size_t i = 0; i < lane->count; i++)
        if (lane->list[i].state == DELIVERY_WAITING)
            pace_earlier(&due_ms, lane->list[i].due_ms);
    if (!sub->credit_known || subscriber_waits(sub) || !has_room(sub, lane))
        return due_ms;
    if (lane->pause_ms > p->now_ms)
        pace_earlier(&due_ms, lane->pause_ms);
    else if (lane->open_bytes)
        pace_earlier(&due_ms, ripe_ms(p, sub, lane));
    return due_ms;
}
