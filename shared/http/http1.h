// SPDX-License-Identifier: Apache-2.0
/* Strict HTTP/1.1 request heads (RFC 9110, RFC 9112): bytes in, one parsed head out. No sockets, no clock, no memory
 * of its own: all slices borrow the caller's bytes. What is legal but odd enough to smuggle with is refused. Bodies in
 * chunks are http1_chunked.h, answers http1_response.h. */
#ifndef MASQUES_HTTP_HTTP1_H
#define MASQUES_HTTP_HTTP1_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/err.h"
#include "shared/base/slice.h"

#define HTTP1_HEAD_DEFAULT_BYTES 8192u /* request line and headers together */

struct http1_request {
    struct slice method; /* a token, as sent: methods are case-sensitive */
    struct slice target; /* as sent */
    struct slice path;   /* of the target, not percent-decoded; "*" for `OPTIONS *` */
    struct slice query;  /* behind the first '?', without it; empty when there is none */
    unsigned minor;      /* HTTP/1.minor: 0 or 1 */
    bool keep_alive;     /* what the client asks for, by version and Connection */
    bool has_length;     /* Content-Length was given; with neither it nor chunked, no body */
    bool chunked;        /* Transfer-Encoding: chunked; never together with has_length */
    bool expect_continue; /* "100 Continue" is waited for before the body; never on 1.0 */
    uint64_t content_length; /* bytes; 0 when !has_length */
    struct slice content_type;     /* empty when absent */
    struct slice content_encoding; /* empty when absent */
    struct slice host;             /* empty when absent (1.0 only) or sent empty */
    struct slice fields; /* all header lines as sent, for http1_request_header() */

    /* Set when the parse fails: */
    unsigned status; /* 400, 413, 414, 417, 431, 501 or 505 */
    const char *why; /* one static sentence for the Status message and the log */
};

/* Parses one request head from the front of `bytes`. The request must stay where it is as long as *out is used.
 * `max_bytes` bounds the head with its final empty line (one empty line before the request is skipped and counted).
 * Returns the bytes of the head (> 0): body or next request follow. GW_ERR_INCOMPLETE: call again with more of the
 * same bytes; GW_ERR_MALFORMED, GW_ERR_TOO_LARGE: answer out->status and close, as nobody knows where the next
 * request begins. Errors are found as early as the bytes allow. The result does not depend on how they are split. */
int64_t http1_request_parse(struct slice bytes, size_t max_bytes, struct http1_request *out)
    GW_MUST_CHECK;

/* The value of the first header of that name (any case), without the spaces around it; data is NULL when there is
 * none. Only after a successful parse. */
struct slice http1_request_header(const struct http1_request *request, const char *name);

/* True when two pieces of ASCII are the same but for the case of letters. */
bool http1_same_text(struct slice a, const char *b);

#endif
