// SPDX-License-Identifier: Apache-2.0
/* What the parts of the metrics share: how the numbers of the beats are looked up and shown. */
#ifndef MASQUES_MASTER_METRICS_NUMBERS_H
#define MASQUES_MASTER_METRICS_NUMBERS_H

#include "receiver/master/exposition.h"
#include "receiver/master/family.h"

/* By signal - 1: "logs", "metrics", "traces". */
extern const char *const metrics_signals[TOTALS_SIGNALS];

/* How a number of a beat is shown. Rows of one metric follow each other. */
struct metrics_number {
    const char *number, *metric;
    const char *label, *value; /* label NULL: none */
    bool gauge;
    const char *help; /* of the metric's first row; NULL in the others */
};

/* The child's process has told of the number. */
bool metrics_is_told(const struct member *m, const char *number);
/* Its value in the last beat; 0: not told. */
uint64_t metrics_number_now(const struct member *m, const char *number);
/* Over all workers and their former processes. */
uint64_t metrics_sum_of_workers(const struct family *family, const char *number);

#endif
