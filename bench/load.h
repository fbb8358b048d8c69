// SPDX-License-Identifier: Apache-2.0
/* The load generator: so many connections, each with so many requests in flight, as fast as the answers come. */
#ifndef MASQUES_BENCH_LOAD_H
#define MASQUES_BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench/load_result.h"
#include "shared/base/buf.h"
#include "shared/base/loop.h"

#define LOAD_BODIES 16u

struct load_plan {
    struct sockaddr_in address;
    char authority[64];
    bool grpc;
    bool gzip;
    bool json;
    unsigned connections;
    unsigned streams; /* in flight a connection; 1 for HTTP/1.1 */
    unsigned records; /* a request */
    uint64_t requests; /* in all; 0: until the time is over */
    unsigned seconds;
    bool idle; /* only connect */
    double rate; /* requests a second in all; 0: as fast as the answers come */
};

/* What the connections share. */
struct load {
    struct load_plan plan;
    struct loop *loop;
    struct buf bodies[LOAD_BODIES]; /* as they go onto the wire (gRPC: with the 5-byte prefix) */
    uint64_t started;  /* requests */
    bool stopping;     /* start no more */
    unsigned open;     /* connections */
    uint64_t begun_ns;
    struct load_result result;
};

/* True: start one more request now (counted). */
bool load_take(struct load *load);
/* The body of the n-th request. */
const struct buf *load_body(const struct load *load, uint64_t n);

struct load_connection;
/* Connects (blocking) and begins. NULL: said on stderr what is wrong. */
struct load_connection *load_grpc_open(struct load *load);
struct load_connection *load_http_open(struct load *load);
void load_grpc_close(struct load_connection *c);
void load_http_close(struct load_connection *c);
/* Starts as many requests as it may have in flight. */
void load_grpc_fill(struct load_connection *c);
void load_http_fill(struct load_connection *c);

/* A connected, non-blocking socket, or -1 (said). */
int load_connect(const struct load *load);
/* Called when the last answer is there, or a connection is lost. */
void load_idle(struct load *load);

#endif
