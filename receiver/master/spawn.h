// SPDX-License-Identifier: Apache-2.0
/* Starting one child: fork and exec of a fresh image, with the descriptors of shared/control/child.h. */
#ifndef MASQUES_MASTER_SPAWN_H
#define MASQUES_MASTER_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

#include <masques/control.pb-c.h>

#include "shared/base/err.h"

#define SPAWN_EXTRA_MAX 8

struct spawn_request {
    const char *program; /* absolute path */
    const Masques__Control__Settings *settings;
    int life;            /* the read end of the life pipe */
    int extra[SPAWN_EXTRA_MAX]; /* become CHILD_FD_FIRST and following */
    size_t extra_count;
};

/* Starts it. 0 with the pid and the master's end of the control channel (owned by the caller); GW_ERR_IO (errno) or
 * GW_ERR_NOMEM. A program that cannot be executed ends with exit code 127. */
int spawn_child(const struct spawn_request *request, pid_t *pid, int *control) GW_MUST_CHECK;

/* Finds a program of ours: beside the running one, then in ../libexec/masques. 0 with its path;
 * GW_ERR_NOT_FOUND with one sentence in `why`. */
int spawn_find(const char *name, char path[512], char why[512]) GW_MUST_CHECK;

#endif
