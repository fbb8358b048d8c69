// SPDX-License-Identifier: Apache-2.0
/* Durations as Go writes them, because the collector's configuration does: "300ms", "1m30.5s",
 * "2h45m". */
#ifndef MASQUES_CONFIG_DURATION_H
#define MASQUES_CONFIG_DURATION_H

#include <stdint.h>

#include "shared/base/buf.h"

#define DURATION_US_NS INT64_C(1000)
#define DURATION_MS_NS INT64_C(1000000)
#define DURATION_S_NS INT64_C(1000000000)
#define DURATION_MIN_NS (60 * DURATION_S_NS)
#define DURATION_HOUR_NS (60 * DURATION_MIN_NS)

/* Reads all of `text` (borrowed) by the grammar of Go's time.ParseDuration: an optional sign, then
 * numbers with an optional fraction and a unit (ns, us, µs, ms, s, m, h), one after the other; a
 * bare "0" needs no unit. 0 and `*ns`; GW_ERR_MALFORMED: not of that form, `*ns` untouched;
 * GW_ERR_TOO_LARGE: does not fit int64 ns. */
int duration_parse(struct slice text, int64_t *ns) GW_MUST_CHECK;

/* Appends what Go's Duration.String() gives: "1h0m0s", "1m30.5s", "1.5ms", "0s". Reads back as the
 * same value. */
void duration_print(int64_t ns, struct buf *out);

#endif
