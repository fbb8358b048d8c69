// SPDX-License-Identifier: Apache-2.0
#include "router/subscriber.h"

#include <stdlib.h>
#include <string.h>

struct delivery *lane_find(struct lane *lane, uint64_t generation, uint64_t first, uint64_t last)
{
    for (size_t i = 0; i < lane->count; i++) {
        struct delivery *d = &lane->list[i];
        if (d->first == first && d->last == last && d->generation == generation)
            return d;
    }
    return NULL;
}

struct delivery *lane_add(struct lane *lane)
{
    if (lane->count == lane->cap) {
        size_t cap = lane->cap ? lane->cap * 2 : 4;
        struct delivery *list = realloc(lane->list, cap * sizeof *list);
        if (!list)
            return NULL;
        lane->list = list;
        lane->cap = cap;
    }
    struct delivery *d = &lane->list[lane->count++];
    *d = (struct delivery){0};
    return d;
}

void lane_remove(struct lane *lane, struct delivery *delivery)
{
    size_t behind = lane->count - (size_t)(delivery - lane->list) - 1;
    memmove(delivery, delivery + 1, behind * sizeof *delivery);
    lane->count--;
}

size_t lane_busy(const struct lane *lane)
{
    size_t n = 0;
    for (size_t i = 0; i < lane->count; i++)
        n += lane->list[i].state != DELIVERY_RETIRED;
    return n;
}

void lane_clear(struct lane *lane)
{
    lane->count = 0;
    lane->ask = true;
    lane->blocked = false;
    lane->pause_ms = 0;
}

static bool weighs(enum delivery_state state)
{
    return state == DELIVERY_OUT || state == DELIVERY_FORMED;
}

void subscriber_set_state(struct subscriber *sub, struct delivery *delivery,
                          enum delivery_state state)
{
    if (weighs(delivery->state))
        sub->out_bytes -= delivery->bytes;
    delivery->state = state;
    if (weighs(state))
        sub->out_bytes += delivery->bytes;
}

void subscriber_remove(struct subscriber *sub, unsigned signal, struct delivery *delivery)
{
    struct lane *lane = subscriber_lane(sub, signal);
    if (weighs(delivery->state))
        sub->out_bytes -= delivery->bytes;
    lane_remove(lane, delivery);
    lane->blocked = false;
}

const char *subscriber_owner_name(const struct subscriber *sub)
{
    switch (sub->owner) {
    case OWNER_CONFIG:
        return "configured";
    case OWNER_ATTACHED:
        return "attached";
    case OWNER_NONE:
        break;
    }
    return "orphaned";
}

const char *subscriber_state_name(const struct subscriber *sub)
{
    if (sub->owner == OWNER_NONE)
        return "orphaned";
    if (!sub->session)
        return "away";
    switch (sub->health) {
    case MASQUES__BUS__HEALTH__HEALTH_DEGRADED:
        return "degraded";
    case MASQUES__BUS__HEALTH__HEALTH_CLOSED:
        return "closed";
    default:
        return "running";
    }
}

bool subscriber_waits(const struct subscriber *sub)
{
    for (unsigned k = 0; k < STORE_SIGNALS; k++)
        for (size_t i = 0; i < sub->lanes[k].count; i++)
            if (sub->lanes[k].list[i].state == DELIVERY_READY)
                return true;
    return false;
}
