// SPDX-License-Identifier: Apache-2.0
/* A token bucket: how often something may happen, with a burst. Time is passed in. */
#ifndef MASQUES_WORKER_RATE_H
#define MASQUES_WORKER_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
    uint32_t burst;  /* tokens at most */
    uint32_t per_s;  /* tokens that come back in a second */
    uint64_t tokens; /* in thousandths; may stand over the burst until the next take */
    uint64_t at_ms;  /* when they were counted last */
};

static inline struct rate rate_make(uint32_t burst, uint32_t per_s, uint64_t now_ms)
{
    return (struct rate){burst, per_s, (uint64_t)burst * 1000, now_ms};
}

/* Takes a token. False: there is none left. */
static inline bool rate_take(struct rate *rate, uint64_t now_ms)
{
    uint64_t full = (uint64_t)rate->burst * 1000;
    rate->tokens += (now_ms - rate->at_ms) * rate->per_s;
    rate->at_ms = now_ms;
    if (rate->tokens > full)
        rate->tokens = full;
    if (rate->tokens < 1000)
        return false;
    rate->tokens -= 1000;
    return true;
}

/* Gives back `tokens`, earned by something useful. */
static inline void rate_give(struct rate *rate, uint32_t tokens)
{
    rate->tokens += (uint64_t)tokens * 1000; /* rate_take() cuts what is over the burst */
}

#endif
