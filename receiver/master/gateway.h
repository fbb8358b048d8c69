// SPDX-License-Identifier: Apache-2.0
/* The master at work: the family, the health endpoint and the control socket on one loop; signals and questions of
 * masquesctl become starts, ends, reloads and hand-overs to another image of the program. */
#ifndef MASQUES_MASTER_GATEWAY_H
#define MASQUES_MASTER_GATEWAY_H

#include "receiver/master/arguments.h"
#include "shared/config/config.h"

/* Runs until it is asked to end; takes `config`, borrows the rest. `argv` is what the program was started with.
 * Returns the exit code, having said on stderr why when it is not 0. */
int gateway_run(const struct arguments *arguments, char **argv, struct config *config);

#endif
