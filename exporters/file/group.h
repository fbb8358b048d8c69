// SPDX-License-Identifier: Apache-2.0
/* Goes through a batch resource by resource: each entry (ResourceLogs, ResourceMetrics, ResourceSpans) with the text
 * of one attribute of its resource. An entry's bytes are a request of their own, and several of them one behind the
 * other are one, too. */
#ifndef MASQUES_EXPORTERS_FILE_GROUP_H
#define MASQUES_EXPORTERS_FILE_GROUP_H

#include "shared/otlp/value.h"

struct group_entry {
    struct slice bytes; /* with tag and length; borrowed from the batch */
    bool found;         /* the resource has the attribute, and it is a text */
    struct slice value; /* that text; borrowed */
};

struct group {
    enum otlp_signal signal;
    const char *attribute; /* borrowed */
    struct wire wire;
    const uint8_t *counted; /* the records before it are in `records` */
    uint64_t records;
};

/* Starts with the first entry of `batch`, which has passed otlp_walk() and must live as long as the walk. */
void group_init(struct group *g, enum otlp_signal signal, struct slice batch, const char *attribute);

/* The next entry. False: no more. */
bool group_next(struct group *g, struct group_entry *entry);

/* Index of the entry's first record in the batch, and how many it has. For the entry read last, or one behind it. */
void group_records(struct group *g, const struct group_entry *entry, uint64_t *first,
                   uint64_t *count);

#endif
