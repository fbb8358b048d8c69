// SPDX-License-Identifier: Apache-2.0
/* How a part is divided (exporters/clickhouse/work.h), as a pure function of what was taken and refused: whoever goes on
 * from the same note meets the same spans. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_DIVISION_H
#define MASQUES_EXPORTERS_CLICKHOUSE_DIVISION_H

#include <stdbool.h>
#include <stdint.h>

struct division {
    uint32_t rows;     /* of the part */
    uint32_t position; /* of the first row that is neither taken nor rejected */
    uint32_t span;     /* 0: all rows, undivided */
};

/* How many rows are next, from `position` on; 0: the part is done. */
uint32_t division_next(const struct division *d);
/* They were taken. */
void division_taken(struct division *d);
/* They are to be halved. False: it is one row. */
bool division_halve(struct division *d);
/* The first `rows` of them are given up. */
void division_reject(struct division *d, uint32_t rows);

#endif
