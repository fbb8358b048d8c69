// SPDX-License-Identifier: Apache-2.0
/* gzip of a whole body, inflated into a blob. Guards against bombs: a cap, a ratio, and a word of the ledger before
 * every growth; sizes that the input claims are hints only. */
#ifndef MASQUES_WORKER_INFLATE_H
#define MASQUES_WORKER_INFLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/base/blob.h"
#include "shared/base/err.h"
#include "shared/base/slice.h"

#define INFLATE_RATIO 200u /* what telemetry stays far below */
#define INFLATE_RATIO_FREE_BYTES (1u << 20) /* so much may come of anything */
#define INFLATE_MAX_MEMBERS 4096u /* gzip members of one body; bgzip makes one per 64 KiB */

struct inflate; /* one per thread; reused from body to body */

struct inflate_limits {
    size_t max_bytes; /* of the output */
    uint32_t ratio;   /* output bytes per input byte, past INFLATE_RATIO_FREE_BYTES; 0: INFLATE_RATIO */
    /* Asked before the output's room grows by `bytes`; false: GW_ERR_FULL. What was granted stays charged, whatever
     * the outcome: the caller releases it. NULL: always granted. */
    bool (*grant)(void *ctx, size_t bytes);
    void *ctx;
};

/* Returns owned; NULL: no memory. */
struct inflate *inflate_new(void);
void inflate_free(struct inflate **inflate);

/* Inflates all of `in` (RFC 1952; concatenated members are one body, anything else behind a member is an error).
 * *out: a blob held once by the caller, on success only; its cap, which is what was granted, may exceed its len.
 * GW_ERR_TOO_LARGE: over max_bytes; GW_ERR_INVALID: over the ratio; GW_ERR_CORRUPT: no gzip, cut short, a checksum of
 * content that does not fit (the optional one of a header is not looked at), trailing garbage, too many members;
 * GW_ERR_FULL: not granted; GW_ERR_NOMEM. *why: static text, after an error. */
int inflate_gzip(struct inflate *inflate, struct slice in, const struct inflate_limits *limits,
                 struct blob **out, const char **why) GW_MUST_CHECK;

#endif
