// SPDX-License-Identifier: Apache-2.0
/* One ZeroMQ socket on the loop: whole messages of the bus (proto/masques/bus.proto) in and out. The only module that
 * knows ZMQ_FD, whose edge any send or receive may swallow: the socket is asked again at the end of every turn.
 *
 * Nothing here is flow control: the high-water marks are off, and what may be in flight is bounded by the credit
 * that the peers grant each other. */
#ifndef MASQUES_BUS_LINK_H
#define MASQUES_BUS_LINK_H

#include <stdint.h>
#include <sys/types.h>

#include <masques/bus.pb-c.h>

#include "shared/base/blob.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/loop.h"
#include "shared/base/slice.h"

#define BUS_VERSION 1u        /* what we write (Frame.version) */
#define BUS_OLDEST_VERSION 1u /* what a reader of ours must know (Frame.oldest) */
#define BUS_FRAMES_MAX 4096u /* payload frames of one message */
#define BUS_MESSAGE_MAX_BYTES (256u * 1024 * 1024) /* of one frame; larger ones cost the peer its connection */

/* ZeroMQ's context with its I/O thread: one a process, made after fork+exec. */
struct link_context;
struct link_context *link_context_new(void); /* returns owned; NULL: no memory */
/* Waits at most 2 s for what is still to be sent. All links must be closed. */
void link_context_free(struct link_context **context);

/* A message received. Its owner frees it; payloads live as long as it does. */
struct link_message {
    uint32_t route; /* whom to answer (bound links; 0 on connected ones) */
    pid_t pid;      /* with HELLO: of the sending process where the transport tells (ipc on a bound link), else 0 */
    Masques__Bus__Frame *frame;
    size_t payload_count;
    struct slice *payloads;
};
void link_message_free(struct link_message **message);

/* Bytes that travel with a header frame. */
struct link_payload {
    struct slice bytes;
    struct blob *owner; /* not NULL: bytes lie in it, are sent without a copy, and the link holds it meanwhile;
                         * NULL: the bytes are copied */
};

struct link;

/* Takes the message. */
typedef void (*link_message_fn)(void *ctx, struct link_message *message);

/* A ROUTER bound to / a DEALER connected to `endpoint` (ipc://PATH, tcp://HOST:PORT). Returns owned, or NULL with
 * *why set to static text or zmq_strerror's. The socket of an ipc endpoint is bound only where nobody holds the
 * path any more: the caller has the directory's lock. */
struct link *link_bind(struct loop *loop, struct link_context *context, const char *endpoint,
                       link_message_fn on_message, void *ctx, const struct log *log,
                       const char **why);
struct link *link_connect(struct loop *loop, struct link_context *context, const char *endpoint,
                          link_message_fn on_message, void *ctx, const struct log *log,
                          const char **why);

/* Closes the socket: what is queued gets at most 1 s more. Safe from inside on_message. */
void link_close(struct link **link);
/* The same, and what is queued is thrown away: it was meant for a session that is over. */
void link_drop(struct link **link);

/* Sends one message. `frame` and the payloads' array are borrowed; version and oldest are filled in.
 * 0; GW_ERR_NOT_FOUND: no peer under this route any more; GW_ERR_FULL: the socket would block (a bug of the credit);
 * GW_ERR_NOMEM. On error nothing was sent. */
int link_send(struct link *link, uint32_t route, Masques__Bus__Frame *frame,
              const struct link_payload *payloads, size_t count) GW_MUST_CHECK;

/* Messages found by the once-a-second safety check although no edge had told of them; should stay 0. */
uint64_t link_missed_edges(const struct link *link);
/* The safety check; rides on the heartbeat of the owner. */
void link_check(struct link *link);

#endif
