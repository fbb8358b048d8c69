// SPDX-License-Identifier: Apache-2.0
/* Answers to gRPC calls: response headers, the Export*ServiceResponse (empty but for partial success) and trailers, or
 * trailers only (gRPC's PROTOCOL-HTTP2). */
#ifndef MASQUES_WORKER_GRPC_REPLY_H
#define MASQUES_WORKER_GRPC_REPLY_H

#include "receiver/worker/h2_stream.h"

/* Queues the answer on the stream. The intake's scratch buffer is overwritten; answer->message may lie in it. 0 or
 * nghttp2's error. */
int grpc_reply(struct h2_stream *s, const struct request_answer *answer);

#endif
