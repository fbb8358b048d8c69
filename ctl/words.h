// SPDX-License-Identifier: Apache-2.0
/* What people call the enums of the bus. */
#ifndef MASQUES_CTL_WORDS_H
#define MASQUES_CTL_WORDS_H

#include <masques/bus.pb-c.h>

#include "shared/base/buf.h"

/* "logs,traces" to bits (bit n: Signal n); "durable" to Mode; "oldest" to Start. 0; GW_ERR_INVALID with a sentence in
 * `why` (appended). */
int words_signals(const char *text, uint32_t *bits, struct buf *why) GW_MUST_CHECK;
int words_mode(const char *text, uint32_t *mode, struct buf *why) GW_MUST_CHECK;
int words_start(const char *text, uint32_t *start, struct buf *why) GW_MUST_CHECK;

/* And back; "unknown" for what a newer router may say. Static text. */
const char *words_signal_name(Masques__Bus__Signal signal);
const char *words_mode_name(Masques__Bus__Mode mode);
const char *words_owner_name(Masques__Bus__Owner owner);

#endif
