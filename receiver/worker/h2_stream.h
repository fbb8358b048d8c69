// SPDX-License-Identifier: Apache-2.0
/* One stream: the headers of a request, its message, its answer. gRPC unary Export so far; other content types are
 * told so (the place where OTLP/HTTP over HTTP/2 branches off is h2_stream_headers_done). */
#ifndef MASQUES_WORKER_H2_STREAM_H
#define MASQUES_WORKER_H2_STREAM_H

#include "receiver/worker/grpc_frame.h"
#include "receiver/worker/h2_conn.h"
#include "receiver/worker/request.h"

/* The header fields that a request needs; their bytes are held by reference. */
enum h2_field {
    H2_METHOD,
    H2_PATH,
    H2_CONTENT_TYPE,
    H2_GRPC_ENCODING,
    H2_GRPC_TIMEOUT,
    H2_FIELDS
};

enum h2_stream_state {
    H2_HEADERS,  /* header fields come */
    H2_MESSAGE,  /* the message comes */
    H2_WAITING,  /* the router has it */
    H2_ANSWERED, /* the answer is queued; what still comes is thrown away */
};

struct h2_stream {
    struct h2_conn *h;
    struct h2_stream *next, *prev;
    int32_t id;
    enum h2_stream_state state;
    bool ended;            /* the client's side is closed */
    bool told;             /* our last frame is out */
    uint32_t header_bytes; /* RFC 9113 section 6.5.2: name + value + 32 each */
    uint64_t began_ms;    /* of the request; from H2_ANSWERED on, of the answer */
    uint64_t deadline_ms; /* of the call, by grpc-timeout; 0: none */
    nghttp2_rcbuf *fields[H2_FIELDS];
    enum endpoint_coding coding; /* of compressed messages */
    struct grpc_frame frame;
    struct endpoint endpoint;
    struct request request;
};

/* Joins h->streams. NULL: no memory. */
struct h2_stream *h2_stream_new(struct h2_conn *h, int32_t id);
/* Leaves the list, lets go of its request. */
void h2_stream_free(struct h2_stream *s);

/* A header field; the buffers are held if they are needed. False: over the limits by so much that the stream must be
 * reset. */
bool h2_stream_field(struct h2_stream *s, nghttp2_rcbuf *name, nghttp2_rcbuf *value);
/* All header fields are there. */
void h2_stream_headers_done(struct h2_stream *s);
/* A piece of the body; borrowed. */
void h2_stream_data(struct h2_stream *s, struct slice bytes);
/* END_STREAM. */
void h2_stream_end(struct h2_stream *s);
/* Once a second: the time for headers, body and answer, and the end of a stream that was answered before its request
 * has ended. */
void h2_stream_sweep(struct h2_stream *s, uint64_t now_ms);

#endif
