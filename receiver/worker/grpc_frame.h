// SPDX-License-Identifier: Apache-2.0
/* gRPC over HTTP/2, the part above frames (gRPC's PROTOCOL-HTTP2): the one length-prefixed message of a unary call,
 * taken out of DATA in any chunking, and the texts of request and answer headers. Pure; the caller owns the storage. */
#ifndef MASQUES_WORKER_GRPC_FRAME_H
#define MASQUES_WORKER_GRPC_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "receiver/worker/otlp_status.h"
#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/slice.h"

#define GRPC_PREFIX_BYTES 5u /* flag byte, then the length: 4 bytes, big-endian */

/* Embedded by the stream. Readable fields are named; the rest is the deframer's own. */
struct grpc_frame {
    uint32_t length;       /* readable once grpc_frame_begun(): bytes of the message as sent */
    bool compressed;       /* readable once grpc_frame_begun(): the flag byte */
    enum otlp_cause cause; /* readable after an error */
    uint32_t max_bytes;
    uint32_t got; /* bytes of the message in storage */
    uint8_t *room;
    uint8_t have; /* bytes of the prefix; GRPC_PREFIX_BYTES: complete */
    uint8_t prefix[GRPC_PREFIX_BYTES];
    bool coded;
    const char *why;
};

/* `max_bytes` bounds the message as sent; `coded`: the request named a grpc-encoding other than identity. */
void grpc_frame_init(struct grpc_frame *f, uint32_t max_bytes, bool coded);

/* Takes bytes from the front of `in`. Returns how many: all of them, or fewer when the message's prefix is complete and
 * its storage is wanted (grpc_frame_wants_room); give it and call again with the rest.
 * GW_ERR_TOO_LARGE, decided on the prefix, GW_ERR_MALFORMED: f->cause says what to answer; final. */
int64_t grpc_frame_feed(struct grpc_frame *f, struct slice in) GW_MUST_CHECK;

/* True from the complete prefix on. */
static inline bool grpc_frame_begun(const struct grpc_frame *f)
{
    return f->have == GRPC_PREFIX_BYTES;
}

/* True when the message has begun, is not empty, and no storage was given yet. */
static inline bool grpc_frame_wants_room(const struct grpc_frame *f)
{
    return grpc_frame_begun(f) && f->length > 0 && !f->room;
}

/* Lends the deframer f->length bytes of storage; they must stay there until the stream has ended. */
void grpc_frame_give_room(struct grpc_frame *f, uint8_t *room);

/* At END_STREAM. GW_OK: exactly one whole message has come. GW_ERR_MALFORMED: none, or it is cut short; f->cause. */
int grpc_frame_end(struct grpc_frame *f) GW_MUST_CHECK;

/* Appends what was wrong, for the status message. Only after an error. */
void grpc_frame_explain(const struct grpc_frame *f, struct buf *out);

/* Writes the prefix of an uncompressed message of `length` bytes. */
void grpc_frame_prefix(uint8_t out[GRPC_PREFIX_BYTES], uint32_t length);

/* Reads a grpc-timeout: 1 to 8 digits and one of H M S m u n. *ms is rounded up, so that 0 means exactly 0.
 * GW_ERR_MALFORMED: answer OTLP_BAD_GRPC_TIMEOUT. */
int grpc_timeout_parse(struct slice text, uint64_t *ms) GW_MUST_CHECK;

/* Appends the value of grpc-message: every byte outside 0x20..0x7e, and '%', as %XX. */
void grpc_message_encode(struct buf *out, struct slice text);

/* Appends the value of grpc-status-details-bin: unpadded base64 of a packed google.rpc.Status. */
void grpc_details_encode(struct buf *out, struct slice status);

#endif
