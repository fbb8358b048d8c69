// SPDX-License-Identifier: Apache-2.0
/* The few lines on stderr that a person reads who has just started the gateway. */
#ifndef MASQUES_MASTER_GREETING_H
#define MASQUES_MASTER_GREETING_H

#include <stdio.h>

#include "receiver/master/listener.h"

/* Where it listens, and which environment variables make Claude Code send to it. */
void greeting_print(FILE *out, const struct listener *listeners, size_t count);

#endif
