// SPDX-License-Identifier: Apache-2.0
/* What a worker counts: totals since its start. Filled in where things happen, read when a heartbeat goes up. */
#ifndef MASQUES_WORKER_COUNTERS_H
#define MASQUES_WORKER_COUNTERS_H

#include <stdint.h>

#include "receiver/worker/otlp_status.h"
#include "shared/otlp/signal.h"

enum counters_transport { COUNTERS_GRPC, COUNTERS_HTTP, COUNTERS_TRANSPORTS };

/* Records that came by one transport. Index: signal - 1. */
struct counters_way {
    uint64_t accepted[OTLP_SIGNALS]; /* as counters.accepted */
    uint64_t refused[OTLP_SIGNALS];  /* together with failed: as counters.refused */
    uint64_t failed[OTLP_SIGNALS];   /* not stored by a mistake of ours */
};

struct counters {
    /* Index: signal - 1, as in the messages of bus and control channel. */
    uint64_t accepted[OTLP_SIGNALS]; /* records whose batch is stored */
    uint64_t refused[OTLP_SIGNALS];  /* records that were understood, and not stored */
    struct counters_way ways[COUNTERS_TRANSPORTS]; /* both of these by transport */
    uint64_t rejected[OTLP_SIGNALS]; /* malformed records that were left out of a batch that is stored */
    uint64_t mended[OTLP_SIGNALS];   /* values that were mended in such a batch */
    uint64_t requests[OTLP_SIGNALS]; /* that came to an answer */
    uint64_t refusals[OTLP_CAUSES];  /* requests by what they were refused for */
    uint64_t empty_requests;         /* accepted without a single record */
    uint64_t cancelled;              /* the client went before its answer */
    uint64_t connections;            /* accepted */
    uint64_t connections_refused;    /* over a limit */
    uint64_t connections_reset;      /* ended by us for bad manners or time */
    uint64_t tls_on_plaintext;
    uint64_t accept_pauses; /* no descriptors left */
    uint64_t timeouts;      /* headers, bodies and writes that took too long */
    uint64_t http1_requests;
    uint64_t grpc_requests;
    uint64_t http2_requests; /* OTLP/HTTP over HTTP/2 */
    uint64_t large_requests; /* refined on the thread beside the loop */
    uint64_t received_bytes;
};

#endif
