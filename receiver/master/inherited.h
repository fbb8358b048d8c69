// SPDX-License-Identifier: Apache-2.0
/* Descriptors that we were started with: listening sockets of systemd (LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES, as in
 * sd_listen_fds(3)), or those that a former image of this same process has left, with the lock of the runtime directory
 * (MASQUES_HANDOVER, ours: "PID run=NUMBER lock=FD PROTOCOL=FD@ENDPOINT …"). */
#ifndef MASQUES_MASTER_INHERITED_H
#define MASQUES_MASTER_INHERITED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "receiver/master/listener.h"

#define INHERITED_VARIABLE "MASQUES_HANDOVER"
#define INHERITED_MAX 16u
#define INHERITED_NAME_BYTES 64
#define INHERITED_ENDPOINT_BYTES 300 /* an endpoint's text */

struct inherited_socket {
    int fd; /* -1: taken */
    char name[INHERITED_NAME_BYTES]; /* "" or what whoever bound it calls it: "grpc", "http", "health" */
    char endpoint[INHERITED_ENDPOINT_BYTES]; /* handed over: what it was configured as, "127.0.0.1:0" */
};

struct inherited {
    struct inherited_socket sockets[INHERITED_MAX];
    size_t count;
    bool handed_over; /* by a former image of this process */
    int lock;         /* -1: none */
    uint64_t run;     /* which run of the gateway goes on; 0: none */
};

/* Reads what is in the environment for this process, and removes it there: children inherit it no further. 0;
 * GW_ERR_INVALID with one sentence in `why`: a descriptor that is no listening stream socket, or more than fit. */
int inherited_read(struct inherited *in, char why[512]) GW_MUST_CHECK;

/* Hands out the socket for a configured endpoint: the one of that name, or the one bound to its address; of those
 * handed over, a name counts only together with the endpoint it had. -1: none. The caller owns it. */
int inherited_take(struct inherited *in, const char *protocol, const struct endpoint *endpoint);

/* Closes what nobody took. Left by ourselves, that is in order; of systemd it is GW_ERR_INVALID, and `why` says which:
 * its connections would wait for ever. */
int inherited_finish(struct inherited *in, char why[512]) GW_MUST_CHECK;

/* Puts these descriptors, the lock and the run into the environment for the image that execv(2) makes of this process, and lets
 * them through. 0; GW_ERR_NOMEM. */
int inherited_leave(const struct inherited *what) GW_MUST_CHECK;
/* Takes that back. */
void inherited_keep(const struct inherited *what);

#endif
