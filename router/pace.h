// SPDX-License-Identifier: Apache-2.0
/* When a lane's next delivery is worth forming. The first delivery after a pause goes out at once; close behind another
 * one it waits until it is worth its message, since message, verdict and confirmation cost more than a small delivery
 * itself; and it may wait for as long as its exporter wishes. Pure; called by router/dispatch.c. */
#ifndef MASQUES_ROUTER_PACE_H
#define MASQUES_ROUTER_PACE_H

#include "router/subscriber.h"

/* A delivery close behind another waits for so much, or so long; that also says what is close. */
#define PACE_WORTH_BYTES (1024u * 1024)
#define PACE_WORTH_MS 5u

struct pace {
    uint64_t now_ms; /* monotonic */
    bool hurried;    /* nothing waits to grow */
};

/* Asking the store for a group is worth it. */
bool pace_may_form(const struct pace *pace, const struct subscriber *sub, const struct lane *lane);
/* What the group is to be like. */
struct store_wishes pace_wishes(const struct pace *pace, const struct subscriber *sub,
                                const struct lane *lane);
/* When the lane has something to do that no message tells of; 0: never. */
uint64_t pace_due_ms(const struct pace *pace, const struct subscriber *sub, const struct lane *lane);

/* Lowers *due_ms to `at_ms`; 0 stands for never in both. */
void pace_earlier(uint64_t *due_ms, uint64_t at_ms);

#endif
