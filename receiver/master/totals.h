// SPDX-License-Identifier: Apache-2.0
/* What the former processes of a child had counted when they were last heard: a process counts from 0, and what is
 * shown of its name must not go back when another process takes it over. */
#ifndef MASQUES_MASTER_TOTALS_H
#define MASQUES_MASTER_TOTALS_H

#include <masques/control.pb-c.h>

#define TOTALS_SIGNALS 3u
#define TOTALS_NUMBERS_MAX 160u /* different names; further ones are not kept */
#define TOTALS_NAME_BYTES 64u   /* longer names are not kept */
#define TOTALS_SEEN_MAX 256u    /* services and signals; the one heard longest ago makes room */
#define TOTALS_SERVICE_BYTES 129u

/* One of the counts by signal in a beat. */
enum totals_list {
    TOTALS_ACCEPTED,
    TOTALS_DELIVERED,
    TOTALS_REFUSED,
    TOTALS_REJECTED,
    TOTALS_LOST,
    TOTALS_LISTS,
};

struct totals_number {
    char name[TOTALS_NAME_BYTES];
    uint64_t value;
};

/* Of one service and signal: see Seen in proto/masques/control.proto. */
struct totals_seen {
    char service[TOTALS_SERVICE_BYTES];
    uint32_t signal;
    uint64_t records, last_ns, sessions, lost_before_us;
};

/* Of processes that are gone. */
struct totals {
    uint64_t lists[TOTALS_LISTS][TOTALS_SIGNALS];
    uint64_t sequence_gaps;
    size_t number_count, number_cap;
    struct totals_number *numbers; /* gauges, too: whoever reads them knows which they are */
    size_t seen_count, seen_cap;
    struct totals_seen *seen;
};

/* All zero is empty; frees what it holds. */
void totals_fini(struct totals *totals);

/* `last` (NULL: none) is the last beat of a process that is gone. Without memory names are missing. */
void totals_add(struct totals *totals, const Masques__Control__Beat *last);

/* Of the processes that are gone and the one that sent `now` (NULL: none) together. `signal`: from 1. */
uint64_t totals_count(const struct totals *past, const Masques__Control__Beat *now, enum totals_list list,
                      unsigned signal);
/* By name; what nobody has told of is 0. */
uint64_t totals_number(const struct totals *past, const Masques__Control__Beat *now, const char *name);
uint64_t totals_gaps(const struct totals *past, const Masques__Control__Beat *now);

/* Who was heard, the latest first; the latest `max` of them at most. Copies. Returns how many. */
size_t totals_sources(const struct totals *past, const Masques__Control__Beat *now, struct totals_seen *out, size_t max);

#endif
