// SPDX-License-Identifier: Apache-2.0
/* Who was heard: what arrived of every (service.name, signal), when last, and how many numbered
 * events were lost before they reached us (sequence.h has the rule). Made from the source digests
 * of the batches that were stored; advisory, bounded in memory, begins anew with the router. Pure:
 * times are passed in. */
#ifndef MASQUES_ROUTER_SEEN_H
#define MASQUES_ROUTER_SEEN_H

#include <masques/bus.pb-c.h>

#include "shared/base/err.h"

/* What was heard longest ago makes room. */
#define SEEN_ROWS 256u
#define SEEN_SESSIONS 1024u
#define SEEN_NAME_BYTES 129u /* names are at most 128 long, NUL excluded */

/* Of one service and signal. */
struct seen_row {
    char service[SEEN_NAME_BYTES]; /* UTF-8 without NUL, mended; "": it did not say */
    unsigned signal;
    uint64_t records;
    uint64_t last_ns;  /* wall clock of the receiver; of the latest batch */
    uint64_t sessions; /* that number their events and are remembered */
    uint64_t lost;     /* numbers that never came, those of forgotten sessions too */
};

/* Of all together, what is forgotten included. */
struct seen_totals {
    uint64_t lost;
    uint64_t records;   /* with a row or without one any more */
    uint64_t forgotten; /* records of rows that made room, or that a digest had no room for */
    uint64_t rows_forgotten, sessions_forgotten; /* how many made room, each time */
};

struct seen;

/* Returns owned; NULL: no memory. Nothing is allocated later. */
struct seen *seen_new(void);
void seen_free(struct seen **seen);

/* A batch of this signal was stored. `sources` (NULL: it said nothing) is borrowed. `received_ns`:
 * wall clock; `now_ms`: monotonic. Not to be told of a batch twice. */
void seen_batch(struct seen *seen, unsigned signal, const Masques__Bus__Sources *sources,
                uint64_t received_ns, uint64_t now_ms);

/* Writes at most `max` rows, the one that was heard last first. Returns how many. */
size_t seen_rows(const struct seen *seen, uint64_t now_ms, struct seen_row *rows, size_t max);

struct seen_totals seen_totals(const struct seen *seen, uint64_t now_ms);

#endif
