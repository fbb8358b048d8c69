// SPDX-License-Identifier: Apache-2.0
/* The file that tells a script or a test where the gateway listens, written once it accepts:
 * {"pid":1,"grpc":"127.0.0.1:4317","http":"127.0.0.1:4318","health":"127.0.0.1:13133","bus":"ipc://…"} */
#ifndef MASQUES_MASTER_READY_FILE_H
#define MASQUES_MASTER_READY_FILE_H

#include "receiver/master/listener.h"

/* Writes it whole or not at all (a temporary file beside it, renamed). 0; GW_ERR_IO (errno); GW_ERR_NOMEM. */
int ready_file_write(const char *path, const struct listener *listeners, size_t count,
                     const char *bus) GW_MUST_CHECK;

#endif
