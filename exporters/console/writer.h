// SPDX-License-Identifier: Apache-2.0
/* Writes text to an inherited descriptor from a thread of its own: a terminal that is stopped, or a pipe that nobody
 * reads, blocks that thread and nothing else. The descriptor is never made non-blocking: others share it. */
#ifndef MASQUES_EXPORTERS_CONSOLE_WRITER_H
#define MASQUES_EXPORTERS_CONSOLE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/loop.h"

#define WRITER_QUEUE_BYTES (8u * 1024 * 1024)

struct writer;

/* Starts the thread. `fd` is borrowed for the writer's life; on_progress is called on the loop when bytes were written
 * or an error came. Returns owned; NULL: no memory, descriptor or thread (errno). */
struct writer *writer_new(struct loop *loop, int fd, loop_fn on_progress, void *ctx);
/* Ends the thread, in the middle of a write if need be; what is queued is dropped. */
void writer_free(struct writer **writer);

/* Bytes that may be queued now: 0 when the queue is full. A text may be larger than that once. */
size_t writer_room(const struct writer *writer);

/* Queues the bytes of `text`, which is empty afterwards. 0; GW_ERR_NOMEM: nothing was done. */
int writer_put(struct writer *writer, struct buf *text) GW_MUST_CHECK;

/* Bytes ever queued and, of them, bytes that write(2) took: text that ended at a position is out once
 * writer_written() has reached it. */
uint64_t writer_queued(const struct writer *writer);
uint64_t writer_written(const struct writer *writer);

/* The error of the last write(2), 0 if it went well. */
int writer_errno(const struct writer *writer);
/* The errors after which nothing can be written any more (EPIPE, EBADF, EIO); the others are tried again every
 * second. */
bool writer_is_final(int error);

#endif
