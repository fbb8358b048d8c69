// SPDX-License-Identifier: Apache-2.0
/* The bytes of strangers made harmless for a terminal: whatever cannot be printed, or would make a terminal do
 * something, is shown as an escape (\n, \x1b, \u202e). Columns are counted one a character. */
#ifndef MASQUES_BASE_PRINTABLE_H
#define MASQUES_BASE_PRINTABLE_H

#include "shared/base/buf.h"

#define PRINTABLE_UNIT_BYTES 12u /* one character, or its escape */

/* The first character of `text` (len > 0) as it is shown: `*len` bytes in `shown`, `*columns` wide, not terminated.
 * Returns the bytes of `text` that it stands for. */
size_t printable_unit(struct slice text, char shown[PRINTABLE_UNIT_BYTES], size_t *len, uint32_t *columns);

/* Appends all of `text`, or so many columns of it that "…" still fits in `limit`. Returns the columns. */
uint32_t printable_text(struct buf *out, struct slice text, uint32_t limit);

#endif
