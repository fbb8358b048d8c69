// SPDX-License-Identifier: Apache-2.0
/* The log of one signal: its segments in a row, oldest first. Between two segments there may be a
 * hole, when a segment was lost with its disk; sequence numbers are never used twice, so the hole
 * stays one. */
#ifndef MASQUES_ROUTER_STORE_CHAIN_H
#define MASQUES_ROUTER_STORE_CHAIN_H

#include "router/store/segment.h"

struct chain {
    unsigned signal;
    struct segment **segments; /* rising in number and base */
    uint32_t count, cap;
    uint64_t file_bytes;  /* of all segments */
    uint64_t next_number; /* of the next segment */
    struct position next; /* behind the last batch stored */
};

void chain_fini(struct chain *chain);

/* Room for one more segment, so that chain_push() cannot fail. */
int chain_reserve(struct chain *chain) GW_MUST_CHECK;
/* Takes the segment as the newest one. */
void chain_push(struct chain *chain, struct segment *segment);
/* Takes the oldest one out; the caller owns it. NULL: none. */
struct segment *chain_shift(struct chain *chain);

/* Takes the newest one out again; the caller owns it. */
struct segment *chain_pop(struct chain *chain);
/* A segment's file has another size now. */
void chain_resized(struct chain *chain, uint64_t from, uint64_t to);

/* The segment that is written, NULL: none (the newest is sealed, or there is none). */
struct segment *chain_active(const struct chain *chain);
struct segment *chain_newest(const struct chain *chain);

/* Where the oldest batch that is still there stands. */
struct position chain_oldest(const struct chain *chain);

/* The segment with batch `sequence`; NULL when it is in a hole or outside; then *resume is where
 * the next segment begins, or chain->next. */
struct segment *chain_find(const struct chain *chain, uint64_t sequence, struct position *resume);

#endif
