// SPDX-License-Identifier: Apache-2.0
/* What this exporter remembers about a file, with the file: which run of the gateway opened it first (append: false
 * empties it once a run, whatever is restarted meanwhile), up to where its messages are known to be whole, and what
 * of it the process that writes it has found when it opened it first: only that can tell of what an earlier one did.
 * Kept in the extended attribute "user.masques.file"; where the file system has none, in ".NAME.masques" beside the
 * file, with its inode:
 *
 *   1 <run, hex> <writer, hex> <found> <whole> <emptied: 0 or 1> <device> <inode>
 *
 * A mark of another inode, or one that cannot be read, is none. */
#ifndef MASQUES_EXPORTERS_FILE_MARK_H
#define MASQUES_EXPORTERS_FILE_MARK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "shared/base/err.h"

struct mark {
    uint64_t run;
    uint64_t writer; /* random, one a process */
    uint64_t found;  /* bytes that were there before that process */
    uint64_t whole;  /* bytes from the start that are whole messages */
    bool emptied;   /* false: that run was about to empty it */
};

/* The mark of the open file `fd` of that path and status. 0; GW_ERR_NOT_FOUND: it has none. */
int mark_read(int fd, const char *path, const struct stat *st, struct mark *mark) GW_MUST_CHECK;

/* Sets it. 0; GW_ERR_IO (errno): there is no place for it. */
int mark_write(int fd, const char *path, const struct stat *st,
               const struct mark *mark) GW_MUST_CHECK;

#endif
