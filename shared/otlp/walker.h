// SPDX-License-Identifier: Apache-2.0
/* The engine of otlp_walk() (shared/otlp/walk.h says what it proves), which stops at a fault and
 * can be set going again behind it: that is how shared/otlp/mend.c gets over damage. Called by
 * these two only. One pass, no allocation, no recursion. */
#ifndef MASQUES_OTLP_WALKER_H
#define MASQUES_OTLP_WALKER_H

#include "shared/otlp/walk.h"
#include "shared/otlp/wire.h"

/* A message that the walk is inside of. */
struct walker_level {
    const uint8_t *tag; /* of the field that holds it; of the request: its first byte */
    const uint8_t *end;
    uint32_t number; /* of the field that holds it */
    uint8_t message; /* enum otlp_message */
};

struct walker {
    struct wire in; /* over the rest of the innermost message, while the walk stands still */
    struct slice request;
    enum otlp_signal signal;
    uint32_t depth; /* levels in use, >= 1 */
    uint32_t max_depth;
    uint64_t records;
    uint64_t rejected; /* records that the caller left out: they count against the limit */
    uint64_t max_records;
    uint64_t metric_base;     /* records before the metric at hand, */
    uint64_t metric_rejected; /* those left out before it, */
    uint8_t metric_member;    /* and the member of Metric.data it has so far */
    uint64_t replaced;        /* left out of a member of Metric.data that another one replaced: no
                                 longer in `rejected` */
    /* The fault that the walk stands at: */
    enum otlp_fault fault;
    const uint8_t *tag; /* of the field at fault */
    uint32_t number;    /* of that field; 0: no tag can be read there */
    const uint8_t *at;  /* where the bytes at fault begin */
    uint64_t length;    /* as in struct otlp_walk_result */
    struct walker_level levels[OTLP_DEPTH_MAX];
};

/* Stands before the first byte of `request`, which is borrowed as long as the walker is used. 0;
 * GW_ERR_INVALID: no such signal. */
int walker_init(struct walker *w, enum otlp_signal signal, struct slice request,
                const struct otlp_limits *limits) GW_MUST_CHECK;

/* Walks on from `w->in`. 0: the end; otherwise as otlp_walk(), and the members above name the
 * fault. To go on, the caller sets `w->in.at`; if it leaves messages before their end also
 * `w->depth`, with `w->in.end` the end of what is then the innermost. */
int walker_run(struct walker *w) GW_MUST_CHECK;

/* Fills `*out` from where the walk stands; without a fault, with none. */
void walker_result(const struct walker *w, struct otlp_walk_result *out);

/* GW_ERR_TOO_LARGE or GW_ERR_MALFORMED, as otlp_walk() says. */
int walker_error(const struct walker *w);

#endif
