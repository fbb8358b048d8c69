// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/ledger.h"

#include <assert.h>
#include <stdatomic.h>

/* The numbers are a sum and a bound, nothing is published through them: no order is needed. */
#define RELAXED memory_order_relaxed

void ledger_init(struct ledger *ledger, uint64_t cap_bytes)
{
    ledger->cap_bytes = cap_bytes;
    atomic_init(&ledger->used_bytes, 0);
    atomic_init(&ledger->peak_bytes, 0);
    atomic_init(&ledger->refusals, 0);
}

static void note_peak(struct ledger *ledger, uint64_t used)
{
    uint64_t peak = atomic_load_explicit(&ledger->peak_bytes, RELAXED);
    while (used > peak && !atomic_compare_exchange_weak_explicit(&ledger->peak_bytes, &peak, used,
                                                                 RELAXED, RELAXED))
        ;
}

bool ledger_reserve(struct ledger *ledger, uint64_t bytes)
{
    uint64_t used = atomic_load_explicit(&ledger->used_bytes, RELAXED);
    do {
        if (bytes > ledger->cap_bytes - used) {
            atomic_fetch_add_explicit(&ledger->refusals, 1, RELAXED);
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&ledger->used_bytes, &used, used + bytes,
                                                    RELAXED, RELAXED));
    note_peak(ledger, used + bytes);
    return true;
}

bool ledger_grow(struct ledger *ledger, uint64_t *held, uint64_t need, uint64_t limit)
{
    if (need <= *held)
        return true;
    uint64_t want = *held > limit / 2 ? limit : *held * 2;
    if (want < LEDGER_FIRST_STEP_BYTES)
        want = LEDGER_FIRST_STEP_BYTES;
    if (want > limit)
        want = limit;
    if (want < need)
        want = need;
    if (!ledger_reserve(ledger, want - *held))
        return false;
    *held = want;
    return true;
}

void ledger_release(struct ledger *ledger, uint64_t bytes)
{
    uint64_t used = atomic_fetch_sub_explicit(&ledger->used_bytes, bytes, RELAXED);
    assert(bytes <= used);
    (void)used;
}
