// SPDX-License-Identifier: Apache-2.0
/* Decoder for a body in chunks (RFC 9112 section 7.1), resumable at every byte. Strict: CRLF only, plain hex sizes,
 * bounded extensions (ignored) and trailers (checked and thrown away). No memory, no copies. */
#ifndef MASQUES_HTTP_HTTP1_CHUNKED_H
#define MASQUES_HTTP_HTTP1_CHUNKED_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/err.h"
#include "shared/base/slice.h"

#define HTTP1_CHUNK_SIZE_DIGITS 16u      /* hex digits of a chunk's size */
#define HTTP1_CHUNK_EXT_BYTES 256u       /* extension of one chunk */
#define HTTP1_CHUNK_EXT_TOTAL_BYTES 16384u /* extensions of one body */
#define HTTP1_TRAILERS_BYTES 8192u       /* all trailer lines of one body */

/* Embedded by the connection; its fields are the decoder's own, but for the two that are named. */
struct http1_chunked {
    uint64_t announced; /* readable: sum of the chunk sizes read so far, <= max_bytes */
    const char *why;    /* readable: static sentence, after an error */
    uint64_t max_bytes;
    uint64_t left;      /* of the chunk being read, or the size being read */
    uint32_t ext_total; /* bytes of extensions so far */
    uint32_t count;     /* digits, extension bytes or trailer bytes, by state */
    int state;
    int error;          /* enum gw_err, once failed */
};

/* Starts at the first byte of a body that may have `max_bytes` of content. */
void http1_chunked_init(struct http1_chunked *c, uint64_t max_bytes);

/* Reads from the front of `in` until it comes to the end of `in`, of the body, or of one run of content. `*content` is
 * that run (borrows `in`; empty when there was none). Returns the bytes consumed: less than in.len means call again
 * with the rest, unless http1_chunked_done(). GW_ERR_MALFORMED (400) and GW_ERR_TOO_LARGE (413: the sizes announced
 * exceed max_bytes, said before any byte of the chunk is read) are final; so is done, after which 0 is consumed. */
int64_t http1_chunked_feed(struct http1_chunked *c, struct slice in, struct slice *content)
    GW_MUST_CHECK;

/* True when the last chunk and its trailers have been read. */
bool http1_chunked_done(const struct http1_chunked *c);

#endif
