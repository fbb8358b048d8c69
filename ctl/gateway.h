// SPDX-License-Identifier: Apache-2.0
/* What the master says about where its gateway can be asked. */
#ifndef MASQUES_CTL_GATEWAY_H
#define MASQUES_CTL_GATEWAY_H

#include "ctl/arguments.h"

#define GATEWAY_TEXT_BYTES 256u

/* Where the router listens: --router, or what the master says. 0; an error with a sentence in `why` (appended). */
int gateway_bus(const struct arguments *arguments, char endpoint[GATEWAY_TEXT_BYTES], struct buf *why)
    GW_MUST_CHECK;

/* Where health is answered: HOST:PORT and path. As above. */
int gateway_health(const struct arguments *arguments, char address[GATEWAY_TEXT_BYTES],
                   char path[GATEWAY_TEXT_BYTES], struct buf *why) GW_MUST_CHECK;

#endif
