// SPDX-License-Identifier: Apache-2.0
/* `retry_on_failure`: when a delivery that got RETRY goes out again, and when it is given up. Pure but for the memory
 * of first tries.
 *
 * Attempts are counted in the journal and survive everything. How long a delivery has been tried is measured by the
 * monotonic clock of one run of the router: a restart begins it anew, since no clock outlives the process that can be
 * trusted to have gone on rightly meanwhile. */
#ifndef MASQUES_ROUTER_RETRY_H
#define MASQUES_ROUTER_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <masques/control.pb-c.h>

/* Where the configuration says nothing. The first wait is short: most of the time the exporter is restarting on this
 * very machine. */
#define RETRY_INITIAL_MS 1000u
#define RETRY_MAX_MS 30000u
#define RETRY_MULTIPLIER_PERMILLE 1500u
#define RETRY_JITTER_PERMILLE 500u
#define RETRY_AFTER_MAX_MS 3600000u /* of an exporter's own wish to wait */

struct retry {
    bool disabled; /* what fails once is given up */
    uint32_t initial_ms, max_ms;
    uint64_t max_elapsed_ms; /* 0: never gives up */
    uint32_t multiplier_permille, jitter_permille;
};

/* As the configuration says; NULL: the defaults, never giving up. A first or longest wait of 0 is the default's, a
 * wait never shrinks from one attempt to the next, jitter is at most the whole wait. */
struct retry retry_from(const Masques__Control__Retry *said);

/* How long a delivery waits that failed for the `attempt`-th time (>= 1): initial_ms, grown by the multiplier for each
 * attempt up to max_ms, give or take the jitter (by `random`), but at least `after_ms` (of which RETRY_AFTER_MAX_MS
 * count), which the exporter asked for. */
uint64_t retry_wait_ms(const struct retry *retry, uint32_t attempt, uint32_t after_ms,
                       uint64_t random);

/* When deliveries were tried first; embedded, all zero is empty. Holds those of one lane that failed at least once. */
struct retry_since {
    struct retry_try {
        uint64_t first; /* sequence number that it begins with */
        uint64_t since_ms;
    } *list;
    size_t count, cap;
};

void retry_since_fini(struct retry_since *since);
/* The delivery was sent at `sent_ms` and failed: when that happened the first time. Without memory: now. */
uint64_t retry_since_ms(struct retry_since *since, uint64_t first, uint64_t sent_ms);
/* It is over. */
void retry_since_forget(struct retry_since *since, uint64_t first);

/* The delivery is given up rather than sent again after `wait_ms`. */
bool retry_gives_up(const struct retry *retry, uint64_t since_ms, uint64_t now_ms,
                    uint64_t wait_ms);

#endif
