// SPDX-License-Identifier: Apache-2.0
/* The end of a file whose writer may have been killed: up to where are its messages whole? */
#ifndef MASQUES_EXPORTERS_FILE_TAIL_H
#define MASQUES_EXPORTERS_FILE_TAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/err.h"
#include "shared/base/slice.h"

/* Where the last whole message of the open file ends, looking at no byte before `from`, where one ends for sure.
 * Lines: behind the last "\n". Framed: behind the last of the messages that follow each other from `from` on whose
 * length is not 0 and whose bytes are all there. 0 with *end in from..size; GW_ERR_IO (errno). */
int tail_find(int fd, uint64_t from, uint64_t size, bool framed, uint64_t *end) GW_MUST_CHECK;

/* How many of `bytes` stand in the open file at `offset`, where it is looked at as far as `limit`.
 * 0 with *matched; GW_ERR_IO (errno). */
int tail_match(int fd, uint64_t offset, uint64_t limit, struct slice bytes,
               uint64_t *matched) GW_MUST_CHECK;

/* Writes `bytes` at `offset` where all that stands there instead of them is zeros: what the power going off leaves of
 * pages that were not written yet, between others that were. 0: they stand there; GW_ERR_NOT_FOUND: something else
 * does, and nothing was written; GW_ERR_IO (errno). */
int tail_fill(int fd, uint64_t offset, struct slice bytes) GW_MUST_CHECK;

#endif
