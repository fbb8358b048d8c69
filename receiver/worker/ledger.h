// SPDX-License-Identifier: Apache-2.0
/* The memory that requests may hold in one worker, from admission to the router's verdict, in bytes. A request is
 * admitted whole, so that half-received bodies cannot block each other: its full size is reserved before its window
 * opens; a body of unknown size reserves in doubling steps, and the last one to ask is refused. Pure numbers, safe to
 * change from the loop and from the thread of jobs.h at the same time. */
#ifndef MASQUES_WORKER_LEDGER_H
#define MASQUES_WORKER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#define LEDGER_FIRST_STEP_BYTES (16u << 10) /* first reservation of a body of unknown size */

/* Embedded by the worker; read the gauges, change them by the functions only. */
struct ledger {
    uint64_t cap_bytes;
    _Atomic uint64_t used_bytes; /* <= cap_bytes */
    _Atomic uint64_t peak_bytes; /* highest used_bytes so far */
    _Atomic uint64_t refusals;   /* reservations that found no room */
};

void ledger_init(struct ledger *ledger, uint64_t cap_bytes);

/* Reserves all of `bytes` or nothing (false, counted). */
bool ledger_reserve(struct ledger *ledger, uint64_t bytes);

/* Raises a reservation of `*held` bytes to at least `need`: at least doubled, not beyond `limit` (>= need: the most
 * the body may have). True at once when *held covers need. False, counted, nothing changed: no room. */
bool ledger_grow(struct ledger *ledger, uint64_t *held, uint64_t need, uint64_t limit);

/* Gives back `bytes` of what was reserved. */
void ledger_release(struct ledger *ledger, uint64_t bytes);

#endif
