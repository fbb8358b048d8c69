// SPDX-License-Identifier: Apache-2.0
/* A worker put together: door, intake, uplink. main.c adds the process around it. */
#ifndef MASQUES_WORKER_WORKER_H
#define MASQUES_WORKER_WORKER_H

#include <stdbool.h>

#include <masques/control.pb-c.h>

#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/loop.h"
#include "shared/bus/link.h"

struct worker;

/* Accepts nothing yet. Everything is borrowed for the worker's life; settings must be those of a worker. Returns
 * owned; NULL: no memory. */
struct worker *worker_new(struct loop *loop, struct link_context *context,
                          const Masques__Control__Settings *settings, const struct log *log);
/* After the loop has ended. */
void worker_free(struct worker **worker);

/* Calls fn when the session with the router comes or goes: the next beat says something new. */
void worker_on_change(struct worker *worker, loop_fn fn, void *ctx);

/* Accepts from the listeners that the settings name, whose descriptors it takes. */
int worker_start(struct worker *worker) GW_MUST_CHECK;

/* Lets requests in flight finish, then stops the loop; at the latest after `within_ms` (0: no word on it) or what the
 * settings say, whichever is less. */
void worker_drain(struct worker *worker, uint32_t within_ms);

/* The master says that the router was started anew. */
void worker_router_up(struct worker *worker);

/* Fills in what the beat to the master says; borrowed from the worker until it changes. */
void worker_fill_beat(struct worker *worker, Masques__Control__Beat *beat);

#endif
