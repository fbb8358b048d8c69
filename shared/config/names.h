// SPDX-License-Identifier: Apache-2.0
/* A short list of the names that would have been right, for the message about one that was not. */
#ifndef MASQUES_CONFIG_NAMES_H
#define MASQUES_CONFIG_NAMES_H

#include "shared/base/buf.h"

#define NAMES_MAX 32u

struct names {
    struct slice items[NAMES_MAX]; /* borrowed */
    size_t count;
};

/* Adds a name, unless it is there already or there is no room. */
void names_add(struct names *names, struct slice name);

/* The name that `given` was probably meant to be (at most two letters wrong, missing, too many or
 * swapped, and most of it right), or an empty slice. */
struct slice names_closest(const struct names *names, struct slice given);

/* Appends "did you mean x? " if there is such a name, then "supported here: a, b, c" ("nothing" for
 * none). */
void names_print(const struct names *names, struct slice given, struct buf *out);

#endif
