// SPDX-License-Identifier: Apache-2.0
/* What a worker takes at most, as its settings say; a value that they leave at 0 has its default from here. */
#ifndef MASQUES_WORKER_LIMITS_H
#define MASQUES_WORKER_LIMITS_H

#include <stdint.h>

#include <masques/control.pb-c.h>

struct limits {
    uint64_t grpc_max_bytes; /* of a message, on the wire and inflated; at most 2^32 - 1 */
    uint64_t http_max_bytes; /* of a body, on the wire and inflated */
    uint64_t ledger_bytes;   /* at least twice the larger of the two */
    uint32_t max_connections;
    uint32_t connections_per_address; /* loopback is exempt */
    uint32_t max_streams;             /* of an HTTP/2 connection */
    uint32_t max_headers_bytes;
    uint32_t headers_timeout_ms; /* preface and headers */
    uint32_t body_timeout_ms;    /* of a body, with body_bytes_per_s on top */
    uint32_t body_bytes_per_s;
    uint32_t idle_timeout_ms;
    uint32_t write_timeout_ms;
    uint32_t max_depth;
    uint32_t max_records;
    uint32_t inflate_ratio;   /* inflated bytes per byte received, past 1 MiB */
    uint32_t discard_bytes;   /* of a refused body are read on, so that the client sees its answer, */
    uint32_t discard_ms;      /* for so long */
};

void limits_from_settings(struct limits *limits, const Masques__Control__WorkerSettings *settings);

/* When a body must have come, if it began at `began_ms` and `bytes` of it are known of or have come. */
uint64_t limits_body_deadline_ms(const struct limits *limits, uint64_t began_ms, uint64_t bytes);

#endif
