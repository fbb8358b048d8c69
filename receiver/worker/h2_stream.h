// SPDX-License-Identifier: Apache-2.0
/* One stream: a request and its answer. The header fields say what rides on it, gRPC (h2_grpc.c) or OTLP/HTTP
 * (h2_http.c), which are reached through an ops table; states, time and the end are the same for both. */
#ifndef MASQUES_WORKER_H2_STREAM_H
#define MASQUES_WORKER_H2_STREAM_H

#include "receiver/worker/grpc_frame.h"
#include "receiver/worker/h2_conn.h"
#include "receiver/worker/request.h"

/* The header fields that a request needs; their bytes are held by reference until all of them are there. */
enum h2_field {
    H2_METHOD,
    H2_PATH,
    H2_CONTENT_TYPE,
    H2_CONTENT_ENCODING,
    H2_CONTENT_LENGTH,
    H2_EXPECT,
    H2_GRPC_ENCODING,
    H2_GRPC_TIMEOUT,
    H2_FIELDS
};

enum h2_stream_state {
    H2_HEADERS,  /* header fields come */
    H2_BODY,     /* the body comes */
    H2_WAITING,  /* the router has it */
    H2_ANSWERED, /* the answer is queued; what still comes is thrown away */
};

struct h2_stream;

/* What rides on a stream. */
struct h2_call {
    /* Reads the header fields: the state becomes H2_BODY, or the request is refused. */
    void (*begin)(struct h2_stream *s);
    /* A piece of the body, in H2_BODY; borrowed. */
    void (*data)(struct h2_stream *s, struct slice bytes);
    /* END_STREAM in H2_BODY: submits or refuses. */
    void (*end)(struct h2_stream *s);
    /* Queues the answer. 0 or nghttp2's error. */
    int (*reply)(struct h2_stream *s, const struct request_answer *answer);
};

extern const struct h2_call h2_grpc_call;
extern const struct h2_call h2_http_call;

struct h2_stream {
    struct h2_conn *h;
    struct h2_stream *next, *prev;
    const struct h2_call *call;
    int32_t id;
    enum h2_stream_state state;
    bool ended;            /* the client's side is closed */
    bool told;             /* our last frame is out */
    bool sized;            /* OTLP/HTTP: the body's length is known, and admitted */
    bool head_only;        /* OTLP/HTTP: HEAD, whose answer has no body */
    uint32_t header_bytes; /* RFC 9113 section 6.5.2: name + value + 32 each */
    uint64_t received;     /* bytes of the body */
    uint64_t began_ms;     /* of the request; from H2_ANSWERED on, of the answer */
    uint64_t deadline_ms;  /* of the call, by grpc-timeout; 0: none */
    nghttp2_rcbuf *fields[H2_FIELDS];
    struct grpc_frame frame; /* gRPC */
    struct buf out;          /* the body of an answer that is not static */
    size_t out_sent;
    struct endpoint endpoint;
    struct request request;
};

/* ---- for the connection ---- */

/* Joins h->streams. NULL: no memory, or none that the ledger grants. */
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

/* ---- for what rides on it ---- */

/* The value of a header field; empty: there is none. Valid in begin(). */
struct slice h2_stream_value(const struct h2_stream *s, enum h2_field field);
/* Refuses before the request is complete: counted, answered. */
void h2_stream_refuse(struct h2_stream *s, enum otlp_cause cause, struct slice message);
/* Prepares s->request for the endpoint that was found; the body may come. */
void h2_stream_take_body(struct h2_stream *s, uint64_t max_bytes);
/* The body of `bytes` was admitted as a whole: its window opens so far. */
void h2_stream_open_window(struct h2_stream *s, uint64_t bytes);
/* Submits s->request; the answer comes at `deadline_ms` (loop_now_ms's clock) at the latest. */
void h2_stream_submit(struct h2_stream *s, uint64_t deadline_ms);
/* Copies the next piece of s->out. True: that was the last one. */
bool h2_stream_read_out(struct h2_stream *s, uint8_t *to, size_t room, size_t *copied);

#endif
