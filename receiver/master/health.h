// SPDX-License-Identifier: Apache-2.0
/* What the health endpoint says: the collector's health_check answer with its three keys, `children` with what
 * each process is, does and has done, `sources` with what arrived last and from whom, and how many numbered events
 * were lost before they reached us, `store` and `deadLetters` with what is kept, and `configuration` with what became of
 * the last attempt to read it anew. docs/operations.md describes every key. */
#ifndef MASQUES_MASTER_HEALTH_H
#define MASQUES_MASTER_HEALTH_H

#include <stdbool.h>

#include "receiver/master/family.h"
#include "shared/base/buf.h"

struct health_times {
    uint64_t up_since_ns; /* wall clock; 0: telemetry was never accepted so far */
    uint64_t up_for_ns;   /* monotonic */
    uint64_t now_ns;      /* wall clock */
    uint64_t reloaded_ns; /* wall clock; when the configuration was last read anew, or that was tried; 0: never */
    const char *reload_error; /* why that changed nothing; NULL or empty: it was taken */
};

#define HEALTH_SOURCES_MAX 64u

/* Appends the JSON body. `available`: telemetry is accepted (HTTP 200), otherwise 503. */
void health_body(struct buf *out, const struct family *family, bool available,
                 const struct health_times *times);

#endif
