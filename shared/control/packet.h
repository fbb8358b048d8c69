// SPDX-License-Identifier: Apache-2.0
/* Messages of control.proto as packets on a SOCK_SEQPACKET pair. Never blocks: a packet that the other end does not
 * read in time is dropped and said so, since every beat repeats what the last one said. */
#ifndef MASQUES_CONTROL_PACKET_H
#define MASQUES_CONTROL_PACKET_H

#include <protobuf-c/protobuf-c.h>

#include "shared/base/err.h"

#define PACKET_MAX_BYTES (128u * 1024)

/* Sends one message. 0; GW_ERR_AGAIN: the channel is full; GW_ERR_TOO_LARGE; GW_ERR_CLOSED: the other end is gone. */
int packet_send(int fd, const ProtobufCMessage *message) GW_MUST_CHECK;

/* Receives one message, owned by the caller (protobuf_c_message_free_unpacked). 0; GW_ERR_AGAIN: none there;
 * GW_ERR_CLOSED: the other end is gone; GW_ERR_MALFORMED; GW_ERR_TOO_LARGE: over PACKET_MAX_BYTES, thrown away;
 * GW_ERR_NOMEM. */
int packet_receive(int fd, const ProtobufCMessageDescriptor *type, ProtobufCMessage **message)
    GW_MUST_CHECK;

/* A memfd that holds the message, at offset 0, closed on exec (the spawner dups it into place). Returns the
 * descriptor, owned by the caller, or a negative error with errno set. */
int packet_memfd(const char *name, const ProtobufCMessage *message) GW_MUST_CHECK;

/* Reads such a descriptor whole. As packet_receive. */
int packet_from_fd(int fd, const ProtobufCMessageDescriptor *type, ProtobufCMessage **message)
    GW_MUST_CHECK;

#endif
