// SPDX-License-Identifier: Apache-2.0
/* Answers to gRPC calls: response headers, the (always empty) Export*ServiceResponse and trailers, or trailers only
 * (gRPC's PROTOCOL-HTTP2). */
#ifndef MASQUES_WORKER_GRPC_REPLY_H
#define MASQUES_WORKER_GRPC_REPLY_H

#include <nghttp2/nghttp2.h>

#include "receiver/worker/request.h"

/* Queues OK with an empty message on the stream. 0 or nghttp2's error. */
int grpc_reply_success(nghttp2_session *session, int32_t stream);

/* Queues a refusal as trailers only. `scratch` is overwritten; answer->message may lie in it. 0 or nghttp2's error. */
int grpc_reply_refusal(nghttp2_session *session, int32_t stream,
                       const struct request_answer *answer, struct buf *scratch);

#endif
