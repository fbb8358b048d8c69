// SPDX-License-Identifier: Apache-2.0
/* Where a request goes: (protocol, method, path, content type, coding) to signal and codec, or to a refusal that tells
 * the sender how to do it right. Pure tables; pieces of the request are borrowed during the call only. */
#ifndef MASQUES_WORKER_ENDPOINT_H
#define MASQUES_WORKER_ENDPOINT_H

#include <stdbool.h>

#include "receiver/worker/otlp_status.h"
#include "shared/base/slice.h"
#include "shared/otlp/signal.h"

enum endpoint_coding {
    ENDPOINT_IDENTITY,
    ENDPOINT_GZIP,
};

/* Values of Accept-Encoding (with an HTTP 415 about a coding) and grpc-accept-encoding (with every gRPC answer). */
#define ENDPOINT_HTTP_CODINGS "gzip, identity"
#define ENDPOINT_GRPC_CODINGS "identity,gzip"
#define ENDPOINT_METHODS "POST" /* value of Allow, with 405 */

#define ENDPOINT_MESSAGE_BYTES 320u

struct endpoint_config {
    const char *http_paths[4]; /* by enum otlp_signal; [0] unused; NULL: the standard path */
    uint32_t wanted;           /* bit n set: a pipeline takes signal n */
};

/* Filled in as far as known before a refusal. codec always is (JSON when the content type says nothing usable), so
 * that the refusal is written in the request's own encoding; signal is 0 when the path was not known. */
struct endpoint {
    enum otlp_cause cause; /* OTLP_ACCEPTED, or why not */
    bool grpc;             /* asked of endpoint_grpc() */
    enum otlp_signal signal;
    enum otlp_codec codec;
    enum endpoint_coding coding;
    uint16_t message_len;
    char message[ENDPOINT_MESSAGE_BYTES]; /* of a refusal; may hold bytes of the peer */
};

static inline struct slice endpoint_message(const struct endpoint *e)
{
    return slice_make(e->message, e->message_len);
}

/* True when the content type is application/grpc, alone or with "+…" or ";…": gRPC, and not OTLP/HTTP. */
bool endpoint_is_grpc(struct slice content_type);

/* OTLP/HTTP. `path` without query. Causes: OTLP_UNKNOWN_PATH, _WRONG_METHOD (send Allow), _UNSUPPORTED_MEDIA_TYPE,
 * _UNSUPPORTED_CODING (send Accept-Encoding), _UNWANTED_SIGNAL; in this order. Returns e->cause. */
enum otlp_cause endpoint_http(const struct endpoint_config *config, struct slice method,
                              struct slice path, struct slice content_type,
                              struct slice content_encoding, struct endpoint *e);

/* gRPC. Causes: OTLP_UNSUPPORTED_MEDIA_TYPE, _WRONG_METHOD, _UNKNOWN_PATH, _UNSUPPORTED_CODING, _UNWANTED_SIGNAL; in
 * this order. The first two also have an HTTP status other than 200 (the row's http). codec is protobuf. */
enum otlp_cause endpoint_grpc(const struct endpoint_config *config, struct slice method,
                              struct slice path, struct slice content_type,
                              struct slice grpc_encoding, struct endpoint *e);

#endif
