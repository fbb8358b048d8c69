// SPDX-License-Identifier: Apache-2.0
/* The note (PROGRESS) that is in the router's journal before anything is sent under a token for the first time: how
 * the delivery is cut into parts, how far it is, and how the part at hand is divided. Whoever gets the delivery next
 * cuts it in the same way, whatever the configuration says then, and sends the same tokens. All numbers are LEB128, but
 * for `place`, which is little-endian:
 *
 *   version (1) | plan version | rows | bytes | parts done | position | span | open | u64 place |
 *   reasons x { length, text } |
 *   ranges x { part less the one before; row less the end of the range before, if that is in the same part; count; reason }
 *
 * each list behind its length. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_NOTE_H
#define MASQUES_EXPORTERS_CLICKHOUSE_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "exporters/clickhouse/plan.h"
#include "shared/base/buf.h"

#define NOTE_REASONS_MAX 8u
#define NOTE_REASON_BYTES 200u /* with the NUL */
#define NOTE_RANGES_MAX 4096u  /* never reached: NOTE_MAX_BYTES come first */
#define NOTE_MAX_BYTES 4096u   /* DELIVERY_NOTE_MAX_BYTES */

/* Rows that their table will never take. */
struct note_range {
    uint32_t part;
    uint32_t first; /* row of the part */
    uint32_t count;
    uint32_t reason;
};

struct note {
    struct plan_limits limits;
    uint32_t parts_done;
    /* The part at hand: rows position..position+span-1 of it are next; span 0: all of it, undivided. */
    uint32_t position;
    uint32_t span;
    /* What is next may have been sent, and written, without an answer that says so. */
    bool open;
    uint64_t place; /* where to; 0: nowhere yet (exporters/clickhouse/catalog.h) */
    /* By rising part and row, not overlapping. */
    struct note_range *ranges; /* owned */
    size_t range_count, range_cap;
    char reasons[NOTE_REASONS_MAX][NOTE_REASON_BYTES];
    uint32_t reason_count;
};

void note_fini(struct note *note);

/* Adds rows behind all that are in it. Words that are new when there is no room for more reasons become those of the
 * last reason. `reserve`: so many bytes must stay free. 0; GW_ERR_FULL: they would not, nothing was added;
 * GW_ERR_NOMEM. */
int note_reject(struct note *note, uint32_t part, uint32_t first, uint32_t count, const char *reason,
                size_t reserve) GW_MUST_CHECK;

/* Appends; at most NOTE_MAX_BYTES. */
void note_write(const struct note *note, struct buf *out);

/* Reads into `note`, which is empty before. 0; GW_ERR_MALFORMED: no note, or numbers that make no sense;
 * GW_ERR_UNSUPPORTED: of another version of notes, or of plans, than we carry out; GW_ERR_NOMEM. On an error the note
 * is empty. */
int note_read(struct slice bytes, struct note *note) GW_MUST_CHECK;

#endif
