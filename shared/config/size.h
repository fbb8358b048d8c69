// SPDX-License-Identifier: Apache-2.0
/* Sizes in bytes as people write them: "256MiB", "8KiB", "20971520". Binary units only: "MB" would
 * leave open which of two meanings was meant, and is refused. */
#ifndef MASQUES_CONFIG_SIZE_H
#define MASQUES_CONFIG_SIZE_H

#include <stdint.h>

#include "shared/base/buf.h"

#define SIZE_KIB (UINT64_C(1) << 10)
#define SIZE_MIB (UINT64_C(1) << 20)
#define SIZE_GIB (UINT64_C(1) << 30)
#define SIZE_TIB (UINT64_C(1) << 40)

/* Reads all of `text` (borrowed): decimal digits, then nothing (bytes) or KiB, MiB, GiB, TiB. 0 and
 * `*bytes`; GW_ERR_MALFORMED: not of that form, `*bytes` untouched; GW_ERR_TOO_LARGE: over 2^64-1. */
int size_parse(struct slice text, uint64_t *bytes) GW_MUST_CHECK;

/* Reads all of `text` as a decimal whole number. Errors as size_parse. */
int size_parse_number(struct slice text, uint64_t *number) GW_MUST_CHECK;

/* Appends the size with the largest unit that leaves no fraction: "64MiB", "1536KiB", "1000". */
void size_print(uint64_t bytes, struct buf *out);

#endif
