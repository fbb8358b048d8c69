// SPDX-License-Identifier: Apache-2.0
/* How the reading of a configuration speaks: the first error and the warnings, each with its place
 * and its path ("FILE:LINE:COL: service::pipelines::logs: …"). */
#ifndef MASQUES_CONFIG_REPORT_H
#define MASQUES_CONFIG_REPORT_H

#include <stdarg.h>
#include <stdint.h>

#include "shared/base/buf.h"

#define CONFIG_ERROR_BYTES 1024

/* The first thing that is wrong. */
struct config_error {
    char text[CONFIG_ERROR_BYTES]; /* the whole sentence; no control characters */
    uint32_t line;                 /* from 1; 0: no place in the file */
    uint32_t column;               /* from 1, in characters */
};

/* Where something stands. */
struct place {
    uint32_t line;
    uint32_t column;
};

/* The keys from the top down to what is being read, joined by "::". What does not fit is cut. */
struct trail {
    char text[320];
    size_t len;
};

/* Appends a key; returns the length to come back to with trail_cut(). */
size_t trail_push(struct trail *trail, struct slice key);
void trail_cut(struct trail *trail, size_t len);

struct report {
    const char *file;           /* borrowed: its name in messages */
    struct config_error *error; /* borrowed */
    char **warnings;            /* owned until somebody takes them */
    size_t warning_count;
};

/* Notes an error at a place (line 0: the file as a whole), under a path ("" or NULL: none). Only
 * the first one is kept. Returns GW_ERR_INVALID, so that a reader can return what it returns. */
int report_error(struct report *r, struct place at, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Adds a warning; at most 100, the rest is dropped. 0; GW_ERR_NOMEM. */
int report_warning(struct report *r, struct place at, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Frees the warnings that nobody took. */
void report_free(struct report *r);

/* Text of the file for a message: in quotes, control characters as \xNN, cut with "..." after 64
 * bytes. */
#define REPORT_QUOTE_BYTES 288
struct report_quote {
    char text[REPORT_QUOTE_BYTES];
};
struct report_quote report_quote(struct slice text);

#endif
