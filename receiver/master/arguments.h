// SPDX-License-Identifier: Apache-2.0
/* The command line of masques-receiver. */
#ifndef MASQUES_MASTER_ARGUMENTS_H
#define MASQUES_MASTER_ARGUMENTS_H

#include <stdio.h>

#include "shared/base/err.h"

enum arguments_action {
    ARGUMENTS_RUN,
    ARGUMENTS_VALIDATE,     /* read the configuration, say nothing when it is right */
    ARGUMENTS_PRINT_CONFIG, /* the same, and print it with every default filled in */
    ARGUMENTS_HELP,
    ARGUMENTS_VERSION,
};

/* Pointers borrow argv. */
struct arguments {
    enum arguments_action action;
    const char *config;     /* NULL: the defaults */
    const char *ready_file; /* NULL: none */
};

/* Reads the command line. 0; GW_ERR_INVALID with one sentence in `why`. */
int arguments_parse(int argc, char **argv, struct arguments *out, char why[256]) GW_MUST_CHECK;

/* Writes the help text. */
void arguments_help(FILE *out);

#endif
