// SPDX-License-Identifier: Apache-2.0
/* The exporters that a configuration can name, and their options. Read by whoever reads the
 * configuration, and by the exporter programs, which are given their options as (path, text) pairs:
 * options_apply() with their rows. */
#ifndef MASQUES_CONFIG_EXPORTER_OPTIONS_H
#define MASQUES_CONFIG_EXPORTER_OPTIONS_H

#include "shared/config/option.h"

enum console_format {
    CONSOLE_PRETTY = 0, /* one aligned line a record, for people */
    CONSOLE_JSON = 1,   /* one line of OTLP JSON a batch */
};

enum console_color {
    CONSOLE_COLOR_AUTO = 0, /* on a terminal, unless NO_COLOR is set */
    CONSOLE_COLOR_ALWAYS = 1,
    CONSOLE_COLOR_NEVER = 2,
};

#define CONSOLE_MATCH_MAX_BYTES 200u

struct console_options {
    uint32_t format; /* enum console_format */
    uint32_t color;  /* enum console_color */
    char match[CONSOLE_MATCH_MAX_BYTES + 1]; /* empty: everything is shown */
};

/* The options of any one exporter. */
union exporter_options {
    struct console_options console;
};

struct exporter_kind {
    const char *type;    /* in the configuration: "debug" of "debug/verbose" */
    const char *program; /* masques-exporter-<program> */
    struct option_set options; /* of a union exporter_options */
    bool lossy;          /* its backlog never holds the store */
};

/* The kinds, `*count` of them. Static. */
const struct exporter_kind *exporter_kinds(size_t *count);

/* The kind of that type ("debug"), or NULL. Static. */
const struct exporter_kind *exporter_kind_find(struct slice type);

#endif
