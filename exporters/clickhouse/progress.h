// SPDX-License-Identifier: Apache-2.0
/* How far a delivery has come: its parts, which rows of them are written or rejected, and which are next. What can be
 * told of it in a note (exporters/clickhouse/note.h) is what the next attempt goes on from, wherever it is made. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_PROGRESS_H
#define MASQUES_EXPORTERS_CLICKHOUSE_PROGRESS_H

#include "exporters/clickhouse/cut.h"
#include "exporters/clickhouse/division.h"
#include "exporters/clickhouse/note.h"
#include "exporters/clickhouse/token.h"
#include "shared/base/log.h"

/* Embedded; all zero is empty. */
struct progress {
    struct cut cut;
    struct note note;
    struct division division; /* of part note.parts_done */
};

/* Reads the delivery, and its note, if it has one; without one it is cut by `limits`. 0; GW_ERR_UNSUPPORTED: a newer
 * version has begun it; an error of delivery_next(); GW_ERR_NOMEM. */
int progress_read(struct progress *progress, struct delivery *delivery, const struct plan_limits *limits,
                  const struct log *log) GW_MUST_CHECK;
void progress_fini(struct progress *progress);

/* Nothing is next; what follows must not be called then. */
bool progress_is_over(const struct progress *progress);
/* Where what is next belongs, how many rows it is, and the token for it, which is appended. */
enum table_kind progress_table(const struct progress *progress);
uint32_t progress_rows(const struct progress *progress);
void progress_token(const struct progress *progress, const Masques__Bus__DeliveryId *id, const char *database,
                    const char *table, struct buf *out);

/* The rows that are next were written. True: so is all of their part. */
bool progress_taken(struct progress *progress);
/* Half of them are next. False: it is one row. */
bool progress_halve(struct progress *progress);
/* They, who are one row, are rejected; and when a note has no room for more such, all that are left of their part. *count:
 * how many they are; *whole: so is all of their part. 0; GW_ERR_FULL: not even for these; GW_ERR_NOMEM. */
int progress_reject(struct progress *progress, const char *reason, uint32_t *count, bool *whole) GW_MUST_CHECK;

/* The note, appended; `open`: what is next may have been sent. Failure of `out` is sticky. */
void progress_note(struct progress *progress, bool open, struct buf *out);

#endif
