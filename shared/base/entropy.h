// SPDX-License-Identifier: Apache-2.0
/* Random bytes of the kernel, for ids and seeds. */
#ifndef MASQUES_BASE_ENTROPY_H
#define MASQUES_BASE_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

/* Fills `n` (<= 256) bytes. Never fails once the kernel's pool is up (getrandom(2)); aborts where the call does
 * not exist at all. */
void entropy_fill(void *bytes, size_t n);
uint64_t entropy_u64(void);

#endif
