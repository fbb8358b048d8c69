// SPDX-License-Identifier: Apache-2.0
/* How long a child may be silent, or late with its end, before it counts as hung and is killed. One that computes all the
 * time (a request that takes long, a machine that is slow) may be silent for longer than one that does nothing. */
#ifndef MASQUES_MASTER_PATIENCE_H
#define MASQUES_MASTER_PATIENCE_H

#include "receiver/master/member.h"

#define PATIENCE_START_MS 30000u /* a child that is not ready by then is hung */
#define PATIENCE_FLUSH_MS 5000u  /* a child that finishes may be silent for so long, or late */

#define PATIENCE_BUSY 12u        /* times as long */

/* Kills it when it is. To be called several times a second. `hang_ms` is the configured patience, `now` loop_now_ms(). */
void patience_watch(struct member *m, uint64_t hang_ms, uint64_t now);

#endif
