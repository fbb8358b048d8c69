// SPDX-License-Identifier: Apache-2.0
/* The worker's door: accepts from the listening sockets that it shares with its sibling workers, keeps the
 * connections, looks at their clocks once a second, and closes up when the worker drains. */
#ifndef MASQUES_WORKER_DOOR_H
#define MASQUES_WORKER_DOOR_H

#include "receiver/worker/intake.h"

struct door;

/* Accepts nothing yet. `intake` is borrowed for the door's life. Returns owned; NULL: no memory. */
struct door *door_new(struct intake *intake);
/* Closes all connections and listeners; not from inside the loop. */
void door_free(struct door **door);

/* Accepts from `fd`, a listening socket, non-blocking; takes the descriptor. */
int door_listen(struct door *door, int fd) GW_MUST_CHECK;

/* Accepts no more, lets requests in flight finish, and says so to clients (GOAWAY, Connection: close). `done` is
 * called once, when the last connection is gone. */
void door_drain(struct door *door, loop_fn done, void *ctx);

uint32_t door_connections(const struct door *door);

#endif
