// SPDX-License-Identifier: Apache-2.0
/* Which directory is a gateway's runtime directory, and the names of the sockets in it: one rule for the master, which
 * makes it, and for masquesctl, which looks for it. */
#ifndef MASQUES_CONTROL_RUNTIME_PATH_H
#define MASQUES_CONTROL_RUNTIME_PATH_H

#include "shared/base/err.h"

#define RUNTIME_PATH_BYTES 96u /* with the NUL: the path of a socket in it must fit a sockaddr_un */
#define RUNTIME_CONTROL_SOCKET "control.sock" /* of the master: masques.control.MasterRequest */
#define RUNTIME_BUS_SOCKET "bus.sock"         /* of the router */
#define RUNTIME_LOCK "lock"                   /* held by the master, whose process id is in it */

/* `wanted`: the directory that was asked for, or "" for the default: as root /run/masques, otherwise
 * $XDG_RUNTIME_DIR/masques, without that /tmp/masques-UID. Nothing is created or looked at.
 * 0; GW_ERR_TOO_LARGE: `wanted` does not fit. */
int runtime_path(const char *wanted, char path[RUNTIME_PATH_BYTES]) GW_MUST_CHECK;

#endif
