// SPDX-License-Identifier: Apache-2.0
/* The rows of one part, read from its delivery again. Several deliveries can be read in turns: between two turns
 * rows_pause() must be called, since a batch is gone as soon as the next one of any delivery is read. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_ROWS_H
#define MASQUES_EXPORTERS_CLICKHOUSE_ROWS_H

#include "exporters/clickhouse/cut.h"
#include "shared/base/buf.h"

struct rows {
    struct delivery *delivery; /* borrowed */
    enum otlp_signal signal;
    struct plan_part part;
    bool alone;                /* the part is all of the delivery */
    struct reader_place place; /* of the batch after the one in hand */
    bool in_batch;
    bool kept;                 /* the batch in hand is `copy` */
    struct slice batch;
    struct buf copy;
    struct otlp_reader reader;
    uint64_t received_ns;
    uint64_t batch_first;      /* record of the batch in hand */
    uint64_t record;           /* after the last one read, in the delivery */
    uint32_t row;              /* after the last one returned, in the part */
    uint32_t moves;            /* rises when records before are in memory that is not the batch in hand */
};

/* Starts with the first row of part number `part`. */
void rows_init(struct rows *rows, struct delivery *delivery, const struct cut *cut, size_t part);
void rows_fini(struct rows *rows);

/* The next row: 1: rows->reader.now is its record, number rows->record - 1 of the delivery; 0: there are no more;
 * otherwise an error of delivery_next(). */
int rows_next(struct rows *rows) GW_MUST_CHECK;

/* Other deliveries may be read now. 0; GW_ERR_NOMEM. */
int rows_pause(struct rows *rows) GW_MUST_CHECK;

#endif
