// SPDX-License-Identifier: Apache-2.0
/* An answer of HTTP/1.1 with a Content-Length (RFC 9112), as the master's health endpoint gives it. Pure: bytes in, views
 * out. */
#ifndef MASQUES_CTL_HTTP_ANSWER_H
#define MASQUES_CTL_HTTP_ANSWER_H

#include "shared/base/err.h"
#include "shared/base/slice.h"

#define HTTP_ANSWER_HEAD_MAX_BYTES 8192u
#define HTTP_ANSWER_MAX_BYTES (16u * 1024 * 1024) /* of a body */

struct http_answer {
    unsigned status;
    struct slice body; /* borrowed */
};

/* Reads one answer from the front of `bytes`. Returns its length; GW_ERR_INCOMPLETE: more is needed;
 * GW_ERR_MALFORMED, GW_ERR_TOO_LARGE, GW_ERR_UNSUPPORTED (no Content-Length). */
int64_t http_answer_parse(struct slice bytes, struct http_answer *out) GW_MUST_CHECK;

#endif
