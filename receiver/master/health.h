// SPDX-License-Identifier: Apache-2.0
/* What the health endpoint says: the collector's health_check answer with its three keys, and `children` with what
 * each process is, does and has done. */
#ifndef MASQUES_MASTER_HEALTH_H
#define MASQUES_MASTER_HEALTH_H

#include <stdbool.h>

#include "receiver/master/family.h"
#include "shared/base/buf.h"

struct health_times {
    uint64_t up_since_ns; /* wall clock; 0: telemetry was never accepted so far */
    uint64_t up_for_ns;   /* monotonic */
    uint64_t now_ns;      /* wall clock */
};

/* Appends the JSON body. `available`: telemetry is accepted (HTTP 200), otherwise 503. */
void health_body(struct buf *out, const struct family *family, bool available,
                 const struct health_times *times);

#endif
