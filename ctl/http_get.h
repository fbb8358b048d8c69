// SPDX-License-Identifier: Apache-2.0
/* One GET of the health endpoint. */
#ifndef MASQUES_CTL_HTTP_GET_H
#define MASQUES_CTL_HTTP_GET_H

#include "ctl/http_answer.h"
#include "shared/base/buf.h"

/* GETs `path` from `address` (HOST:PORT, both numeric), within `timeout_ms`. `bytes`, empty, gets the answer, which
 * `out` borrows. 0; GW_ERR_IO, GW_ERR_INVALID, GW_ERR_AGAIN, GW_ERR_MALFORMED or GW_ERR_NOMEM with a sentence in `why`
 * (appended). */
int http_get(const char *address, const char *path, uint32_t timeout_ms, struct buf *bytes,
             struct http_answer *out, struct buf *why) GW_MUST_CHECK;

#endif
