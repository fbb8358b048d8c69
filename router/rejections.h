// SPDX-License-Identifier: Apache-2.0
/* From a verdict's rejections to dead letters: those of one reason become one letter, by concatenation of their bytes
 * (which is a valid request again). */
#ifndef MASQUES_ROUTER_REJECTIONS_H
#define MASQUES_ROUTER_REJECTIONS_H

#include <masques/bus.pb-c.h>

#include "router/dead_letters.h"

/* Letters of one verdict. Rejections for still other reasons join the last one. */
#define REJECTIONS_LETTERS_MAX 64u

/* Records in all; a sum that is too large for a number is the largest number. */
uint64_t rejections_records(const Masques__Bus__DeliveryVerdict *verdict);

/* Writes and syncs the letters for the rejections of `verdict` (which may be none: then nothing is left of an earlier
 * verdict on the delivery). `payloads`: the frames that came with it, the i-th for the i-th rejection; missing or empty:
 * its bytes are not given, and its letter has none. `beyond`: whatever the quota says. 0, or the error of the letter
 * that could not be kept. */
int rejections_keep(struct dead_letters *letters, const Masques__Bus__DeliveryVerdict *verdict,
                    const struct slice *payloads, size_t payload_count, uint64_t now_ns,
                    bool beyond) GW_MUST_CHECK;

/* Removes what the last rejections_keep(), of this delivery, has kept. 0; GW_ERR_IO: some of it is still there. */
int rejections_undo(struct dead_letters *letters, const Masques__Bus__DeliveryId *id) GW_MUST_CHECK;

#endif
