// SPDX-License-Identifier: Apache-2.0
/* The child's side of the master: what a program does first when it was spawned, and the control channel after that.
 *
 * The master starts a child as `PROGRAM --child` with these descriptors: */
#ifndef MASQUES_CONTROL_CHILD_H
#define MASQUES_CONTROL_CHILD_H

#include <masques/control.pb-c.h>

#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/loop.h"

#define CHILD_FD_CONTROL 3  /* SOCK_SEQPACKET, one message of control.proto a packet */
#define CHILD_FD_LIFE 4     /* a pipe that the master never writes to: EOF = the master is gone */
#define CHILD_FD_SETTINGS 5 /* memfd with a masques.control.Settings */
#define CHILD_FD_FIRST 6    /* listeners, the store's directory: Settings says which */

#define CHILD_BEAT_MS 1000u

struct child;

struct child_events {
    /* Drain: finish what is in flight, then stop the loop. Called once at most. */
    void (*drain)(void *ctx, uint32_t within_ms);
    /* End at once. NULL: the loop is stopped. */
    void (*stop)(void *ctx);
    /* Fill in the beat that is about to go up: strings are borrowed until the call returns to the loop. */
    void (*fill_beat)(void *ctx, Masques__Control__Beat *beat);
    /* The router was started anew. May be NULL. */
    void (*router_up)(void *ctx);
    /* The router: a name and its pid. May be NULL. */
    void (*expect)(void *ctx, const Masques__Control__Expect *expect);
    /* The router: which exporters the configuration names from now on. Carried out when it returns: a beat says so
     * to the master, who waits for it. May be NULL. */
    void (*reconfigure)(void *ctx, const Masques__Control__Reconfigure *reconfigure);
};

/* First act of a child's main(): asks the kernel to end with the parent, checks that the parent is still there and
 * reads the settings. 0 with *settings owned by the caller (masques__control__settings__free_unpacked(s, NULL));
 * an error after having said on stderr what is wrong. Ignores SIGINT and SIGHUP. */
int child_begin(Masques__Control__Settings **settings) GW_MUST_CHECK;

/* Opens the control channel on the loop, starts the beats. When the master goes, the loop is stopped. SIGTERM of
 * the master counts as drain, a second one as stop; anybody else's is ignored, as the master has an order of ending. Returns owned; NULL: no memory. `events` and
 * `log` borrowed for the child's life: the master may give the log another level. */
struct child *child_new(struct loop *loop, const struct child_events *events, void *ctx,
                        struct log *log);
void child_free(struct child **child);

/* A beat, and then: "I do my work from now on." */
void child_ready(struct child *child, const char *detail);
/* Sends a beat now, because the state has changed. */
void child_beat(struct child *child);
/* The router: this registration is no more. 0; GW_ERR_AGAIN: the channel is full, nothing was said; GW_ERR_CLOSED. */
int child_detached(struct child *child, const char *name);
/* Says why before giving up for good (a restart would not help); the caller then ends with exit code 1. */
void child_fail(struct child *child, const char *error);

#endif
