// SPDX-License-Identifier: Apache-2.0
/* Which batches are in the store, by the ids of those who sent them: (worker incarnation, rising
 * number). Kept as runs of numbers above each worker's lowest open number, since nothing below it
 * is ever sent again; so the size follows what workers have in flight, not what was stored.
 * Bounded: see IDS_WORKERS_MAX and IDS_RUNS_MAX. Pure: no files, no clock. */
#ifndef MASQUES_ROUTER_STORE_IDS_H
#define MASQUES_ROUTER_STORE_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/slice.h"

#define IDS_INCARNATION_BYTES 16u
#define IDS_WORKERS_MAX 256u /* the one that was quiet the longest gives way to a new one */
#define IDS_RUNS_MAX 8192u   /* of all workers together */
/* The longest snapshot. */
#define IDS_SNAPSHOT_MAX_BYTES (8u + IDS_WORKERS_MAX * 32u + IDS_RUNS_MAX * 16u)

struct ids_run {
    uint64_t first, last; /* inclusive */
};

struct ids_worker {
    uint8_t incarnation[IDS_INCARNATION_BYTES];
    uint64_t lowest;      /* all numbers below are settled */
    uint64_t heard;       /* value of ids.tick when it was last added to */
    struct ids_run *runs; /* rising, not touching each other */
    uint32_t count, cap;
};

/* Embedded; all zero is empty. */
struct ids {
    struct ids_worker *workers;
    uint32_t count, cap;
    uint32_t last; /* index of the worker that was found last */
    uint32_t runs; /* of all workers */
    uint64_t tick;
};

void ids_fini(struct ids *ids);
/* Forgets every id, keeps the memory. */
void ids_clear(struct ids *ids);

bool ids_contains(struct ids *ids, const uint8_t *incarnation, uint64_t number);

/* The lowest open number that this worker has been seen with; 0: it is not known. */
uint64_t ids_lowest(struct ids *ids, const uint8_t *incarnation);

/* Adds a number and drops those below lowest_open (which never falls: the highest one counts).
 * Adding what is there is fine. GW_ERR_NOMEM; GW_ERR_FULL: IDS_RUNS_MAX. On error the number is not
 * added. */
int ids_add(struct ids *ids, const uint8_t *incarnation, uint64_t number,
            uint64_t lowest_open) GW_MUST_CHECK;

void ids_forget(struct ids *ids, const uint8_t *incarnation);

/* Appends the snapshot, at most IDS_SNAPSHOT_MAX_BYTES:
 *   u32 workers, u32 0, then each: 16 incarnation, u64 lowest, u32 runs, u32 0,
 *   then runs of u64 first, u64 last */
void ids_snapshot_put(const struct ids *ids, struct buf *out);
/* Adds all ids of a snapshot. GW_ERR_MALFORMED: not a snapshot (what was read before that is
 * added); GW_ERR_NOMEM, GW_ERR_FULL. */
int ids_snapshot_add(struct ids *ids, struct slice snapshot) GW_MUST_CHECK;

#endif
