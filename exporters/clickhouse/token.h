// SPDX-License-Identifier: Apache-2.0
/* The text that ClickHouse knows an INSERT by (insert_deduplication_token). The same rows of the same delivery for the
 * same table always have the same one, in whichever process and version, and no other rows ever have it:
 *
 *   0123456789abcdef…/3/logs/17-42/clickhouse/otel.otel_logs/20780/0-8191/1
 *   store/generation/signal/first-last sequence/exporter/database.table/day/first-last record/plan version
 *
 * Records count from 0 in the delivery; a range stands for those of its records that are of the table and day. Where
 * the part is divided, "0-8191:4096+128" are 128 of its rows, from row 4096 on. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_TOKEN_H
#define MASQUES_EXPORTERS_CLICKHOUSE_TOKEN_H

#include <masques/bus.pb-c.h>

#include "shared/base/buf.h"

struct token_range {
    uint32_t day;   /* since the epoch */
    uint64_t first; /* records of the part */
    uint64_t last;
    uint32_t position; /* rows of it; span 0: all */
    uint32_t span;
    uint32_t plan_version;
};

/* Appends. */
void token_write(const Masques__Bus__DeliveryId *id, const char *database, const char *table,
                 const struct token_range *range, struct buf *out);

#endif
