// SPDX-License-Identifier: Apache-2.0
/* The thread that waits for the device, so that the loop never does: runs one job at a time. What a
 * job points at is the thread's alone from syncer_start() until syncer_running() says that it is
 * over. */
#ifndef MASQUES_ROUTER_STORE_SYNCER_H
#define MASQUES_ROUTER_STORE_SYNCER_H

#include <stdbool.h>

struct syncer;

typedef void (*syncer_fn)(void *job);

/* Starts the thread, which takes no signals. Returns owned; NULL with errno set. */
struct syncer *syncer_new(void);
/* Waits for the job that runs. */
void syncer_free(struct syncer **syncer);

/* Hands a job over; none may be running. */
void syncer_start(struct syncer *syncer, syncer_fn run, void *job);
bool syncer_running(struct syncer *syncer);
/* Returns when no job is running. */
void syncer_wait(struct syncer *syncer);

/* An eventfd, readable when a job is over; borrowed. Reading it is the caller's business. */
int syncer_fd(const struct syncer *syncer);

#endif
