// SPDX-License-Identifier: Apache-2.0
/* How a delivery is cut into parts, each one INSERT of its own with a deduplication token of its own: rows of one
 * table and one UTC day (so: one partition, one part on the server's disk, all or nothing), at most so many rows and
 * bytes on the wire.
 *
 * A pure function of the delivery's records, the limits and the version: whoever plans a delivery again gets the same
 * parts. The limits and the version that a delivery was planned with stand in its note (exporters/clickhouse/note.h)
 * and stay with it, whatever the configuration says later. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_PLAN_H
#define MASQUES_EXPORTERS_CLICKHOUSE_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "exporters/clickhouse/row.h"
#include "shared/base/err.h"

/* Raised whenever the same records would be cut otherwise. The one before is still carried out. */
#ifndef PLAN_VERSION /* a test builds another one */
#define PLAN_VERSION 1u
#endif

struct plan_limits {
    uint32_t version;
    uint32_t rows;  /* of a part, >= 1 */
    uint64_t bytes; /* of its records on the wire; a record that is larger is a part of its own */
};

/* The rows of `table` and `day` among the records first..last of the delivery. */
struct plan_part {
    enum table_kind table;
    uint32_t day;         /* since the epoch, UTC */
    uint64_t first, last; /* record indexes in the delivery, from 0; both belong to it */
    uint32_t rows;
    uint64_t bytes;
};

struct plan;

/* Returns owned; NULL: no memory, or a version that is not known (plan_knows()). */
struct plan *plan_new(const struct plan_limits *limits);
void plan_free(struct plan **plan);
bool plan_knows(uint32_t version);

/* The next record of the delivery, which has `bytes` on the wire. 0; GW_ERR_NOMEM. */
int plan_add(struct plan *plan, enum table_kind table, uint32_t day, size_t bytes) GW_MUST_CHECK;

/* The parts, by rising `first`; complete when all records were added. Borrowed. */
const struct plan_part *plan_parts(const struct plan *plan, size_t *count);

#endif
