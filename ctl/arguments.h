// SPDX-License-Identifier: Apache-2.0
/* The command line of masquesctl: one table of commands, one of flags, from which the help text is made as well. Pure:
 * reads argv, touches nothing else. */
#ifndef MASQUES_CTL_ARGUMENTS_H
#define MASQUES_CTL_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"

#define ARGUMENTS_TIMEOUT_MS 5000u
#define ARGUMENTS_PATH_BYTES 128u /* of an exporter's option */

enum arguments_command {
    COMMAND_NONE,
    COMMAND_STATUS,
    COMMAND_EXPORTERS,
    COMMAND_ATTACH,
    COMMAND_DETACH,
    COMMAND_TAIL,
    COMMAND_LETTERS_LIST,
    COMMAND_LETTERS_REPLAY,
    COMMAND_LETTERS_DROP,
    COMMAND_DRAIN,
    COMMAND_RELOAD,
    COMMAND_VALIDATE,
    COMMAND_COUNT,
};

/* An option of the exporter that is attached. */
struct arguments_option {
    char path[ARGUMENTS_PATH_BYTES]; /* below the component, "::" between the keys */
    const char *value;
};

/* Texts borrow argv. */
struct arguments {
    enum arguments_command command;
    const char *group;   /* "dead-letters", when no word is behind it; NULL */
    bool help;           /* of `command`, of `group`, or of all when there is neither */
    bool version;
    const char *runtime; /* the runtime directory; "": the default */
    const char *router;  /* endpoint of the bus; NULL: ask the master */
    uint32_t timeout_ms;
    bool json;
    const char *subject; /* TYPE/NAME, NAME, EXPORTER or FILE; NULL: not given */
    uint32_t signals;    /* bit n set: bus Signal n */
    uint32_t mode;       /* masques.bus.Mode; 0: not given */
    uint32_t start;      /* masques.bus.Start */
    bool drain;
    bool all;
    uint32_t within_ms;  /* 0: no limit */
    const char *match;   /* NULL: not given, as is format */
    const char *format;
    struct arguments_option *options;
    size_t option_count;
    uint64_t *numbers; /* of dead letters */
    size_t number_count;
};

/* Reads the command line. 0; GW_ERR_INVALID or GW_ERR_NOMEM with one sentence in `why` (appended). In every case
 * arguments_free() is due. */
int arguments_parse(int argc, char **argv, struct arguments *out, struct buf *why) GW_MUST_CHECK;

void arguments_free(struct arguments *arguments);

/* Appends the help text: of `command`, of the commands of `group`, or of the program. */
void arguments_help(const struct arguments *arguments, struct buf *out);

#endif
