// SPDX-License-Identifier: Apache-2.0
/* Waiting for a descriptor, but not for ever. */
#ifndef MASQUES_CTL_DEADLINE_H
#define MASQUES_CTL_DEADLINE_H

#include <stdint.h>

#include "shared/base/err.h"

/* Waits until `fd` has one of `events` (poll(2)) or until `until_ms` (monotonic). 0; GW_ERR_AGAIN: it is too late;
 * GW_ERR_IO with errno. */
int deadline_wait(int fd, short events, uint64_t until_ms) GW_MUST_CHECK;

#endif
