// SPDX-License-Identifier: Apache-2.0
/* A thread for what may block: it runs one function after the other, and the loop hears when one has ended. A disk
 * that hangs holds up this thread, not the heartbeats. */
#ifndef MASQUES_EXPORTERS_FILE_DESK_H
#define MASQUES_EXPORTERS_FILE_DESK_H

#include <stdbool.h>

#include "shared/base/loop.h"

struct desk;

/* Starts the thread. Returns owned; NULL: no memory, descriptor or thread. */
struct desk *desk_new(struct loop *loop);
/* Waits for the function that runs, and ends the thread; no `done` is called any more. */
void desk_free(struct desk **desk);

bool desk_is_busy(const struct desk *desk);

/* Runs run(ctx) on the thread and then done(ctx) on the loop. Only while it is not busy; a new function may be given
 * from `done`. */
void desk_run(struct desk *desk, loop_fn run, loop_fn done, void *ctx);

#endif
