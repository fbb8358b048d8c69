// SPDX-License-Identifier: Apache-2.0
/* One event loop a process, run turn by turn: libevent waits and calls back, then the chores are done in the order
 * in which they were added. A chore that has more to do makes the next turn come at once. Objects that callbacks
 * may still point at are freed between turns with loop_defer(). */
#ifndef MASQUES_BASE_LOOP_H
#define MASQUES_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/err.h"

struct event_base;
struct loop;

/* Done at the end of every turn. True: there is more to do, do not wait. */
typedef bool (*loop_chore_fn)(void *ctx);
typedef void (*loop_fn)(void *ctx);
typedef void (*loop_signal_fn)(void *ctx, int signum);

/* Returns owned, or NULL: no memory. Ignores SIGPIPE in the process. */
struct loop *loop_new(void);
/* Frees what was deferred, the timers and the loop; *loop becomes NULL. */
void loop_free(struct loop **loop);

/* Turns until loop_stop(). May be called again after that. */
void loop_run(struct loop *loop);
/* One turn, which waits for nothing: what is there already. Not from inside loop_run(). */
void loop_turn(struct loop *loop);
/* The turn that runs is the last one. */
void loop_stop(struct loop *loop);

/* For registering descriptors; borrowed. */
struct event_base *loop_base(struct loop *loop);

/* Milliseconds on the monotonic clock, read at most once a turn. */
uint64_t loop_now_ms(struct loop *loop);

int loop_add_chore(struct loop *loop, loop_chore_fn fn, void *ctx) GW_MUST_CHECK;
void loop_remove_chore(struct loop *loop, loop_chore_fn fn, void *ctx);

/* Calls fn(ctx) after this turn's chores; on failure of memory the call is made at once. */
void loop_defer(struct loop *loop, loop_fn fn, void *ctx);

/* Calls fn from the loop, not from the signal handler. */
int loop_on_signal(struct loop *loop, int signum, loop_signal_fn fn, void *ctx) GW_MUST_CHECK;

/* ---- timers ---- */
struct loop_timer;

/* A timer that is not set; returns owned, NULL: no memory. fn is called once each time that it runs out. */
struct loop_timer *loop_timer_new(struct loop *loop, loop_fn fn, void *ctx);
/* Sets it, or sets it anew. 0 ms: at the next turn. */
void loop_timer_set(struct loop_timer *timer, uint64_t after_ms);
void loop_timer_cancel(struct loop_timer *timer);
void loop_timer_free(struct loop_timer **timer);

#endif
