// SPDX-License-Identifier: Apache-2.0
/* What the router tells the master about itself: the beat with its queues, and what it says in the
 * log about what it found at its start and leaves at its end. */
#ifndef MASQUES_ROUTER_REPORT_H
#define MASQUES_ROUTER_REPORT_H

#include "router/dead_letters.h"
#include "router/ingress.h"
#include "router/subscribers.h"

/* Where the numbers come from; all borrowed. */
struct report_sources {
    struct store *store;
    const struct sessions *sessions;
    const struct subscribers *subscribers;
    const struct ingress *ingress;
    const struct seen *seen;
    const struct dead_letters *letters;
    uint64_t torn_bytes; /* found at the start */
    uint64_t wall_ns;    /* now, for the age of the oldest */
    uint64_t now_ms;     /* monotonic */
};

struct report;

struct report *report_new(void); /* returns owned; NULL: no memory */
void report_free(struct report **report);

#define REPORT_SEEN_MAX 64u
/* Of the queues in a beat, so that it stays well below PACKET_MAX_BYTES with all the rest. Those that
 * find no room are counted in the number "queues_untold". */
#define REPORT_QUEUES_MAX_BYTES (80u * 1024)

/* Fills in everything but state and error of a beat; the lists live until the next call. Without
 * memory the queues are left out. The error of an exporter stands in the first of its queues. */
void report_fill(struct report *report, const struct report_sources *from,
                 Masques__Control__Beat *beat);

/* One line about what opening the store found, if it found anything worth telling. */
void report_recovery(const struct log *log, const struct store_report *found);

/* What stays undelivered, a line an exporter. `durable`: the store's directory outlives the host's
 * power. */
void report_left(const struct log *log, struct store *store, const struct subscribers *subscribers,
                 const char *directory, bool durable);

#endif
