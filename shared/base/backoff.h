// SPDX-License-Identifier: Apache-2.0
/* When to try again: the first time at once, then after a wait that doubles up to a cap, and from the start again
 * after a stable while. Time is passed in. */
#ifndef MASQUES_BASE_BACKOFF_H
#define MASQUES_BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
    uint32_t first_ms;  /* the second try waits this long */
    uint32_t cap_ms;    /* no wait is longer */
    uint32_t stable_ms; /* running this long forgets all failures */
    uint32_t next_ms;   /* what the next failure will wait; 0 = at once */
};

/* A new one: its first failure waits 0 ms. */
static inline struct backoff backoff_make(uint32_t first_ms, uint32_t cap_ms, uint32_t stable_ms)
{
    return (struct backoff){first_ms, cap_ms, stable_ms, 0};
}

/* Something failed after running for `ran_ms`: how many ms to wait before the next try. */
uint32_t backoff_after_failure(struct backoff *b, uint64_t ran_ms);

#endif
