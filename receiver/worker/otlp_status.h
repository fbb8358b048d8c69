// SPDX-License-Identifier: Apache-2.0
/* The one place where a cause becomes numbers: gRPC status, HTTP status, whether and when to retry; and the bodies that
 * say so. Rules: OTLP specification (reference table per cause: malformed 400 / INVALID_ARGUMENT, over a limit 413 /
 * RESOURCE_EXHAUSTED without RetryInfo, temporary 503 / UNAVAILABLE with RetryInfo); gRPC's PROTOCOL-HTTP2 for the
 * transport's own errors. Retryability is decided per cause, never derived from the gRPC number. */
#ifndef MASQUES_WORKER_OTLP_STATUS_H
#define MASQUES_WORKER_OTLP_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/otlp/signal.h"

enum otlp_codec {
    OTLP_PROTOBUF,
    OTLP_JSON,
};

enum otlp_cause {
    OTLP_ACCEPTED = 0,
    /* The payload */
    OTLP_MALFORMED_PROTOBUF,
    OTLP_MALFORMED_JSON,
    OTLP_TOO_LARGE_WIRE,     /* the body or message as sent is over the limit */
    OTLP_TOO_LARGE_INFLATED, /* inflated it is */
    OTLP_TOO_DEEP,
    OTLP_TOO_MANY_RECORDS,
    OTLP_CORRUPT_GZIP,
    OTLP_RATIO_GUARD, /* inflates to far more than telemetry does */
    OTLP_UNSUPPORTED_CODING,
    /* The address */
    OTLP_UNKNOWN_PATH,
    OTLP_UNWANTED_SIGNAL, /* no pipeline takes it */
    OTLP_WRONG_METHOD,
    OTLP_UNSUPPORTED_MEDIA_TYPE,
    /* The transport */
    OTLP_BAD_REQUEST,     /* a malformed HTTP head or chunk; the parser's status is more exact */
    OTLP_BAD_GRPC_TIMEOUT,
    OTLP_LENGTH_REQUIRED, /* a POST with neither Content-Length nor chunks */
    OTLP_BODY_TIMEOUT,    /* the body came too slowly */
    OTLP_HEADERS_TOO_LARGE,
    OTLP_BAD_GRPC_FRAME, /* bad flag byte, or the stream ends inside a message */
    OTLP_NOT_UNARY,      /* zero or two messages on a unary call */
    /* Ourselves */
    OTLP_ROUTER_AWAY,
    OTLP_STORE_FULL,
    OTLP_STORE_BROKEN,
    OTLP_STORE_TOO_LARGE, /* can never be stored */
    OTLP_OVERLOADED,      /* the ledger has no room */
    OTLP_STOPPING,
    OTLP_DEADLINE, /* the caller's own deadline has passed */
    OTLP_INTERNAL,
    OTLP_CAUSES
};

/* Numbers of google.rpc.Code that we send. */
enum grpc_code {
    GRPC_OK = 0,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
};

struct otlp_status {
    const char *name;    /* lower case with underscores, for counters and the log */
    const char *message; /* what the client is told when the caller knows nothing better */
    uint16_t grpc;       /* enum grpc_code */
    uint16_t http;
    uint16_t retry_after_ms; /* in RetryInfo and Retry-After; 0: the client must not retry */
};

/* The row of a cause. Never NULL (an unknown number gives OTLP_INTERNAL). Static. */
const struct otlp_status *otlp_status_of(enum otlp_cause cause);

/* What the client is told to wait, in ms: `after_ms` (the router's word; 0: it had none) or else the row's, held to
 * 1..3 s, which real clients honour. 0 when the cause is not retryable, whatever after_ms says. */
uint32_t otlp_status_retry_ms(enum otlp_cause cause, uint32_t after_ms);

/* The same for Retry-After: whole seconds, rounded up; 0: leave the header out. */
uint32_t otlp_status_retry_after_s(enum otlp_cause cause, uint32_t after_ms);

/* Longer messages are cut: they travel in HTTP/2 header fields too. */
#define OTLP_STATUS_MESSAGE_BYTES 1024u

/* Appends a google.rpc.Status: code, message (empty: the row's), and RetryInfo when the cause is retryable. The
 * message may hold bytes of the peer: what is no UTF-8, and NUL, becomes '?'. Failure is the buffer's. */
void otlp_status_render(struct buf *out, enum otlp_codec codec, enum otlp_cause cause,
                        struct slice message, uint32_t after_ms);

/* Appends an Export*ServiceResponse of full success: nothing in protobuf, `{}` in JSON. */
void otlp_response_success(struct buf *out, enum otlp_codec codec);

/* Appends an Export*ServiceResponse with partial_success: `rejected` records and why, or rejected = 0 and a warning.
 * With neither it is full success. The message is treated as above. */
void otlp_response_partial(struct buf *out, enum otlp_codec codec, enum otlp_signal signal,
                           uint64_t rejected, struct slice message);

/* "application/x-protobuf" or "application/json". Static. */
const char *otlp_codec_content_type(enum otlp_codec codec);

#endif
