// SPDX-License-Identifier: Apache-2.0
/* The worker's counts by name, for the beat to the master. */
#ifndef MASQUES_WORKER_TALLY_H
#define MASQUES_WORKER_TALLY_H

#include <masques/control.pb-c.h>

#include "receiver/worker/intake.h"

#define TALLY_NUMBERS_MAX 128u
#define TALLY_NAME_BYTES 48u

struct tally {
    size_t count;
    Masques__Control__Number *list[TALLY_NUMBERS_MAX];
    Masques__Control__Number numbers[TALLY_NUMBERS_MAX];
    char names[TALLY_NAME_BYTES * OTLP_CAUSES]; /* of refusals */
};

/* Writes all of it anew. What is 0 is left out, but for gauges. */
void tally_fill(struct tally *tally, const struct intake *intake, uint32_t connections);

#endif
