// SPDX-License-Identifier: Apache-2.0
/* What the router tells the master about itself: the beat with its queues, and what it says in the
 * log about what it found at its start and leaves at its end. */
#ifndef MASQUES_ROUTER_REPORT_H
#define MASQUES_ROUTER_REPORT_H

#include "router/ingress.h"
#include "router/subscribers.h"

/* Where the numbers come from; all borrowed. */
struct report_sources {
    struct store *store;
    const struct sessions *sessions;
    const struct subscribers *subscribers;
    const struct ingress *ingress;
    uint64_t torn_bytes; /* found at the start */
    uint64_t wall_ns;    /* now, for the age of the oldest */
};

struct report;

struct report *report_new(void); /* returns owned; NULL: no memory */
void report_free(struct report **report);

/* Fills in everything but state and error of a beat; the lists live until the next call. Without
 * memory the queues are left out. */
void report_fill(struct report *report, const struct report_sources *from,
                 Masques__Control__Beat *beat);

/* One line about what opening the store found, if it found anything worth telling. */
void report_recovery(const struct log *log, const struct store_report *found);

/* What stays undelivered, a line an exporter. `durable`: the store's directory outlives the host's
 * power. */
void report_left(const struct log *log, struct store *store, const struct subscribers *subscribers,
                 const char *directory, bool durable);

#endif
