// SPDX-License-Identifier: Apache-2.0
/* Options: one row says everything about a setting, and the same row reads it, checks it, prints it
 * and documents it. An option's value lives in a field of its component's struct; outside of it, it
 * is a path and a canonical text, which is how it travels to a child process. */
#ifndef MASQUES_CONFIG_OPTION_H
#define MASQUES_CONFIG_OPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/config/duration.h"
#include "shared/config/endpoint.h"
#include "shared/config/size.h"

#define OPTION_PATH_BYTES 96
#define OPTION_WHY_BYTES 640

/* What is written -> the type of the field. */
enum option_type {
    OPTION_TEXT,     /* -> char[max + 1], NUL-terminated; no control characters */
    OPTION_URL_PATH, /* -> char[max + 1]; a leading "/" is added where it is missing */
    OPTION_BOOL,     /* true, false -> bool */
    OPTION_NUMBER,   /* -> uint32_t */
    OPTION_COUNT,    /* the same, larger -> uint64_t */
    OPTION_FACTOR,   /* 1.5 -> uint32_t, thousandths; further digits are dropped */
    OPTION_BYTES,    /* 1048576, 8KiB, 256MiB -> uint64_t, bytes */
    OPTION_MIB,      /* 64 -> uint64_t, bytes: the option's name says MiB */
    OPTION_DURATION, /* 1m30s -> uint64_t, nanoseconds */
    OPTION_ENDPOINT, /* HOST:PORT -> struct endpoint */
    OPTION_CHOICE,   /* one of `choices`, in any case -> uint32_t, its index */
    OPTION_PRESENCE, /* a map of further options -> bool: its key is there. Its row follows theirs */
    OPTION_NO_LIST,  /* [] and nothing else: a list of the collector's that has no field here */
    OPTION_PAIRS,    /* a map of names and values -> char[max + 1], name=value&name=value
                        (shared/config/pairs.h); as a text: the same */
};

struct option {
    const char *path; /* below the component, "::" between the keys */
    enum option_type type;
    size_t offset;       /* of the field in the component's struct */
    uint64_t min;        /* inclusive, in the field's unit; texts: bytes */
    uint64_t max;        /* inclusive; texts: bytes */
    const char *initial; /* the default, as canonical text */
    const char *const *choices; /* OPTION_CHOICE: NULL-terminated */
    bool bare_ns;               /* OPTION_DURATION: a number without a unit is taken, as nanoseconds */
    bool reloadable;            /* may change while the gateway runs */
    bool secret;                /* is shown to nobody: option_shown() */
    bool unquoted;              /* what is written wrongly may hold a secret: messages do not repeat it */
    const char *idle;           /* why it has no effect here, or NULL; what is read from a file and
                                   is not the default is warned of with this */
    const char *help;           /* one sentence */
};

/* The options of one component. Rows that share a key stand together. */
struct option_set {
    const char *where; /* the component's path in the configuration: "receivers::otlp" */
    const struct option *rows;
    size_t count;
};

/* Sets every field of `target` to its default. `target` was zeroed. */
void options_default(const struct option *rows, size_t count, void *target);

/* The row of that path, or NULL. */
const struct option *options_find(const struct option *rows, size_t count, struct slice path);

/* Finds the row of `path`, reads `text` and writes the field in `target`. 0; GW_ERR_NOT_FOUND: no
 * such row; GW_ERR_INVALID: not a value of that option. An error leaves `target` untouched and is
 * explained in `why` (appended; may be NULL). Where the row lies in a map of OPTION_PRESENCE, that
 * map is there from now on. */
int options_apply(const struct option *rows, size_t count, const char *path, const char *text,
                  void *target, struct buf *why) GW_MUST_CHECK;

/* The row of the map whose key `row` lies below and whose presence counts, or NULL. */
const struct option *option_presence(const struct option *rows, size_t count,
                                     const struct option *row);

/* The same for a row already found. 0; GW_ERR_INVALID, with nothing said: option_expected() says
 * it. */
int option_read(const struct option *row, struct slice text, void *target) GW_MUST_CHECK;

/* Appends the option's value as canonical text: option_read() gives the same value back. */
void option_print(const struct option *row, const void *target, struct buf *out);

/* What stands for a secret where it would be shown. */
#define OPTION_REDACTED "[REDACTED]"

/* The same for people to see: a secret that is not empty is OPTION_REDACTED. */
void option_shown(const struct option *row, const void *target, struct buf *out);

/* Appends the text (borrowed) in quotes for a message about it; "a value" where the row's values are not
 * repeated. */
void option_quote(const struct option *row, struct slice text, struct buf *out);

/* Appends what a value must be: "a whole number from 1 to 100". */
void option_expected(const struct option *row, struct buf *out);

/* Appends the option's line of docs/configuration.md, without a newline. */
void option_document(const struct option *row, struct buf *out);

#endif
