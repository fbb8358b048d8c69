// SPDX-License-Identifier: Apache-2.0
/* The address of a router as people write it. ZeroMQ takes what can never be connected to and tries for ever, so it is
 * looked at before. Pure. */
#ifndef MASQUES_BUS_ENDPOINT_H
#define MASQUES_BUS_ENDPOINT_H

#include "shared/base/buf.h"
#include "shared/base/err.h"

/* ipc://PATH, PATH short enough for a socket's name, or tcp://HOST:PORT (HOST may be an IPv6 address in brackets).
 * Whether anybody listens there is not asked. 0; GW_ERR_INVALID: what is wrong is appended to `why`. */
int endpoint_check(const char *endpoint, struct buf *why) GW_MUST_CHECK;

#endif
