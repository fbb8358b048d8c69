// SPDX-License-Identifier: Apache-2.0
/* Starting one child: fork and exec of a fresh image, with the descriptors of shared/control/child.h. */
#ifndef MASQUES_MASTER_SPAWN_H
#define MASQUES_MASTER_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <masques/control.pb-c.h>

#include "shared/base/err.h"

#define SPAWN_EXTRA_MAX 8
#define SPAWN_EXIT_NO_FILES 126
#define SPAWN_EXIT_NO_PROGRAM 127

struct spawn_request {
    const char *program; /* absolute path */
    const Masques__Control__Settings *settings;
    int life;            /* the read end of the life pipe */
    bool keeps_stdout;   /* otherwise what it prints goes to stderr: stdout is for telemetry */
    int extra[SPAWN_EXTRA_MAX]; /* become CHILD_FD_FIRST and following */
    size_t extra_count;
};

/* Starts it with these descriptors and no others, stdin being /dev/null. SIGINT and SIGHUP, which a terminal sends to
 * all of us, and SIGPIPE are ignored in it from its first moment, all else is as by default. 0 with the pid and the
 * master's end of the control channel (owned by the caller); GW_ERR_IO (errno) or GW_ERR_NOMEM. A program that cannot
 * be executed ends with exit code 127, one whose descriptors cannot be placed with 126 (SPAWN_EXIT_…). */
int spawn_child(const struct spawn_request *request, pid_t *pid, int *control) GW_MUST_CHECK;

#endif
