// SPDX-License-Identifier: Apache-2.0
/* A place between two batches of a signal's log. All three only ever grow together, so that the
 * difference of two places says how many batches, records and bytes lie between them, however far
 * apart they are. */
#ifndef MASQUES_ROUTER_STORE_POSITION_H
#define MASQUES_ROUTER_STORE_POSITION_H

#include <stdint.h>

struct position {
    uint64_t sequence; /* of the next batch; the first of a log is 1 */
    uint64_t records;  /* in all batches before it, since the log began */
    uint64_t bytes;    /* of payload in them */
};

static inline struct position position_after(struct position at, uint64_t records, uint64_t bytes)
{
    return (struct position){at.sequence + 1, at.records + records, at.bytes + bytes};
}

#endif
