// SPDX-License-Identifier: Apache-2.0
/* What all processes of the family cost, as the kernel says. */
#ifndef MASQUES_MASTER_USAGE_H
#define MASQUES_MASTER_USAGE_H

#include "receiver/master/family.h"

struct usage {
    double cpu_s;       /* user and system, of ourselves, the living children and those that have ended: never less */
    uint64_t rss_bytes; /* of ourselves and the living children; what they share counts for each of them */
};

/* Reads /proc; a child that cannot be read counts as nothing. */
struct usage usage_of(const struct family *family);

#endif
