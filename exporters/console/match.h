// SPDX-License-Identifier: Apache-2.0
/* A text to look for in what is shown. The case of ASCII letters does not matter. */
#ifndef MASQUES_EXPORTERS_CONSOLE_MATCH_H
#define MASQUES_EXPORTERS_CONSOLE_MATCH_H

#include <stdbool.h>

#include "shared/base/slice.h"
#include "shared/config/exporter_options.h"

struct match {
    char text[CONSOLE_MATCH_MAX_BYTES + 1]; /* lower case; empty: everything matches */
    size_t len;
};

/* `text` is copied; it is at most CONSOLE_MATCH_MAX_BYTES long. */
void match_init(struct match *m, const char *text);

/* Whether anything is looked for at all. */
static inline bool match_wanted(const struct match *m)
{
    return m->len > 0;
}

/* True: `in` contains the text. */
bool match_found(const struct match *m, struct slice in);

/* The same for coloured text, as line.h makes it: the codes (ESC … m) are no part of it. */
bool match_found_in_colors(const struct match *m, struct slice in);

#endif
