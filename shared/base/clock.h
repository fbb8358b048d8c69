// SPDX-License-Identifier: Apache-2.0
/* Time. Deadlines use the monotonic clock; the wall clock is only stored and shown, never ordered by. Pure modules
 * take the time as an argument and never call these. */
#ifndef MASQUES_BASE_CLOCK_H
#define MASQUES_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_MS_PER_S 1000u
#define CLOCK_NS_PER_MS 1000000u
#define CLOCK_NS_PER_S 1000000000u

/* Milliseconds, nanoseconds on CLOCK_MONOTONIC. */
uint64_t clock_mono_ms(void);
uint64_t clock_mono_ns(void);

/* Nanoseconds since the Unix epoch. */
uint64_t clock_wall_ns(void);

#endif
