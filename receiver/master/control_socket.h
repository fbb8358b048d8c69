// SPDX-License-Identifier: Apache-2.0
/* The unix socket `control.sock` of the runtime directory, on which masquesctl asks the master: SOCK_SEQPACKET, one
 * packet a question (masques.control.MasterRequest), one packet its answer (MasterAnswer). Only the transport: what a
 * question means is its owner's affair. Who asks must be of our own user, or root. */
#ifndef MASQUES_MASTER_CONTROL_SOCKET_H
#define MASQUES_MASTER_CONTROL_SOCKET_H

#include <masques/control.pb-c.h>

#include "shared/base/log.h"
#include "shared/base/loop.h"

#define CONTROL_SOCKET_ASKERS_MAX 16u /* connections at a time; a further one is closed at once */
#define CONTROL_SOCKET_IDLE_MS 30000u /* a connection without a question is closed after so long */

struct control_socket;
/* Somebody who has asked and waits. */
struct control_asker;

/* A question; `request` is borrowed until it returns. Exactly one control_socket_answer() must follow, in it or
 * later, unless the socket is freed before. */
typedef void (*control_socket_fn)(void *ctx, struct control_asker *asker,
                                  const Masques__Control__MasterRequest *request);

/* Binds in `directory`, of mode 0700 and ours alone, where whatever a former run has left is replaced. Returns owned;
 * NULL with one sentence in `why`. `log` borrowed. */
struct control_socket *control_socket_new(struct loop *loop, const char *directory,
                                          control_socket_fn asked, void *ctx, const struct log *log,
                                          char why[512]);
/* Closes every connection and removes the socket. */
void control_socket_free(struct control_socket **socket);

/* Answers, with our pid besides; `answer` is borrowed. The asker is not to be used any more. */
void control_socket_answer(struct control_asker *asker, const Masques__Control__MasterAnswer *answer);

#endif
