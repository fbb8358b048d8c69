// SPDX-License-Identifier: Apache-2.0
/* Heads of HTTP/1.1 answers. The caller appends the body behind them. */
#ifndef MASQUES_HTTP_HTTP1_RESPONSE_H
#define MASQUES_HTTP_HTTP1_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buf.h"

/* The interim answer to `Expect: 100-continue`, whole. */
#define HTTP1_CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

/* Texts are ours and static: they are written as they are. */
struct http1_response {
    unsigned status;             /* 200..599 */
    const char *content_type;    /* NULL: no such header */
    uint64_t content_length;     /* bytes of the body (of the body it would be, for HEAD) */
    bool close;                  /* Connection: close; else keep-alive, for 1.0 clients */
    uint32_t retry_after_s;      /* 0: no such header */
    const char *allow;           /* with 405; NULL: no such header */
    const char *accept_encoding; /* with 415 about a coding (RFC 9110 15.5.16), or NULL */
};

/* Appends status line, headers and the empty line. Failure is the buffer's (buf_ok). */
void http1_response_head(struct buf *out, const struct http1_response *response);

/* The standard phrase ("Not Found"); "Unknown" for a status that we never send. Static text. */
const char *http1_reason(unsigned status);

#endif
