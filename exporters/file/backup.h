// SPDX-License-Identifier: Apache-2.0
/* Rotated files: their names, which are those of the collector (lumberjack: "data.json" becomes
 * "data-2022-09-14T05-02-14.173.json"), and which of them are too many or too old. */
#ifndef MASQUES_EXPORTERS_FILE_BACKUP_H
#define MASQUES_EXPORTERS_FILE_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/err.h"

/* The name that `path` gets when it is rotated at `ms` (wall clock, since 1970), in local time or UTC, into `out` of
 * `room` bytes. 0; GW_ERR_TOO_LARGE. */
int backup_name(const char *path, int64_t ms, bool local, char *out, size_t room) GW_MUST_CHECK;

/* Is `name` (without directories) a backup of `path`? Then *ms is the time in it, read as local time or UTC. */
bool backup_time(const char *path, const char *name, bool local, int64_t *ms);

struct backup_rules {
    uint32_t max_backups; /* 0: any number */
    uint32_t max_days;    /* 0: any age */
    bool local;
};

/* Renames the file `path` to its backup's name at `now_ms` or, where that is taken, to that of a later
 * millisecond. 0; GW_ERR_IO (errno); GW_ERR_TOO_LARGE: the name would be too long. */
int backup_make(const char *path, int64_t now_ms, bool local) GW_MUST_CHECK;

/* Removes the backups of `path` that are too many or too old at `now_ms`; what cannot be removed stays. Returns how
 * many went. */
size_t backup_prune(const char *path, int64_t now_ms, const struct backup_rules *rules);

#endif
