// SPDX-License-Identifier: Apache-2.0
/* The file that tells a script or a test where the gateway listens, written once it accepts:
 * {"pid":1,"grpc":"127.0.0.1:4317","http":"127.0.0.1:4318","health":"127.0.0.1:13133","bus":"ipc://…"} */
#ifndef MASQUES_MASTER_READY_FILE_H
#define MASQUES_MASTER_READY_FILE_H

#include "receiver/master/listener.h"

/* Removes what a former run has left, which would name its addresses, and tries whether a file can be written there.
 * 0; GW_ERR_IO with one sentence in `why`. */
int ready_file_clear(const char *path, char why[512]) GW_MUST_CHECK;

/* Writes it whole or not at all (a temporary file beside it, renamed). 0; GW_ERR_IO (errno). */
int ready_file_write(const char *path, const struct listener *listeners, size_t count,
                     const char *bus) GW_MUST_CHECK;

#endif
