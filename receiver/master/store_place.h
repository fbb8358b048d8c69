// SPDX-License-Identifier: Apache-2.0
/* Where the store lies and how much it may take: in memory, beside the bus, or in the directory that the configuration
 * names. The router opens what is in it; the master only makes the place. */
#ifndef MASQUES_MASTER_STORE_PLACE_H
#define MASQUES_MASTER_STORE_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include <masques/control.pb-c.h>

#include "receiver/master/runtime_dir.h"
#include "shared/base/log.h"
#include "shared/config/config.h"

struct store_place {
    char *path; /* owned; absolute */
    int fd;     /* the directory, read-only, for local exporters; -1: not open */
    bool configured;  /* the configuration names it */
    bool in_memory;   /* on tmpfs: it ends with the machine */
    uint64_t max_bytes;
    uint64_t dead_letter_bytes;
};

/* Creates the directory where it is missing (mode 0700; a directory above it that is missing is an error, unless
 * file_storage is to create it) and opens it. Says in the log when it is to be smaller than was asked for, and when a
 * configured directory is in memory. 0; GW_ERR_IO, GW_ERR_INVALID, GW_ERR_NOMEM: one sentence in `why`;
 * store_place_close() is allowed then, too. */
int store_place_open(struct store_place *place, const struct config_store *store, const struct runtime_dir *runtime,
                     const struct log *log, char why[512]) GW_MUST_CHECK;

void store_place_close(struct store_place *place);

/* When the router syncs: never in the place that the gateway chose for itself. */
Masques__Control__Fsync store_place_fsync(const struct store_place *place, const struct config_store *store);

/* Does the store survive a power cut, perhaps but for the last interval? A configured directory on tmpfs is taken for
 * a disk. */
bool store_place_survives(const struct store_place *place, const struct config_store *store);

#endif
