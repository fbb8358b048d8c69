// SPDX-License-Identifier: Apache-2.0
/* The part of the metrics that the workers count (receiver/worker/tally.c has the names): counters of all of them
 * together, gauges of each. */
#ifndef MASQUES_MASTER_METRICS_WORKERS_H
#define MASQUES_MASTER_METRICS_WORKERS_H

#include "receiver/master/family.h"
#include "shared/base/buf.h"

void metrics_workers(struct buf *out, const struct family *family);

#endif
