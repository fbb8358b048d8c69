// SPDX-License-Identifier: Apache-2.0
/* Who speaks in a batch: what the worker tells the router with PUBLISH (Source in
 * proto/masques/bus.proto), so that a gap in the numbers of a session can be seen although no
 * worker sees a whole session. Bounded, and advisory: it never decides what becomes of a record. */
#ifndef MASQUES_OTLP_SOURCES_H
#define MASQUES_OTLP_SOURCES_H

#include "shared/base/slice.h"
#include "shared/otlp/signal.h"

#define SOURCES_MAX 16u
/* Longer names are not told apart behind this many bytes: what goes into the bus stays small. */
#define SOURCES_NAME_MAX_BYTES 128u

struct source {
    struct slice service; /* resource attribute service.name, if it is a string; cut as above */
    struct slice session; /* logs: attribute session.id of the records, likewise */
    bool numbered;        /* logs: some record has event.sequence, as an integer or in digits */
    int64_t lowest;       /* event.sequence, where numbered */
    int64_t highest;
    uint32_t count;       /* records, with a number or without */
};

struct sources {
    uint32_t used;
    uint32_t more; /* records of sources that found no room */
    struct source list[SOURCES_MAX];
};

/* Collects the sources of `batch`, which has passed otlp_walk() with at most 2^32-1 records. The
 * slices are borrowed from the batch. Sources are those with records only; of an attribute that
 * occurs twice the first counts. */
void sources_collect(enum otlp_signal signal, struct slice batch, struct sources *out);

#endif
