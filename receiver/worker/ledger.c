// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/ledger.h"

#include <assert.h>

void ledger_init(struct ledger *ledger, uint64_t cap_bytes)
{
    *ledger = (struct ledger){.cap_bytes = cap_bytes};
}

bool ledger_reserve(struct ledger *ledger, uint64_t bytes)
{
    if (bytes > ledger->cap_bytes - ledger->used_bytes) {
        ledger->refusals++;
        return false;
    }
    ledger->used_bytes += bytes;
    if (ledger->used_bytes > ledger->peak_bytes)
        ledger->peak_bytes = ledger->used_bytes;
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
    assert(bytes <= ledger->used_bytes);
    ledger->used_bytes -= bytes;
}
