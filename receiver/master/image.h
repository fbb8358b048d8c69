// SPDX-License-Identifier: Apache-2.0
/* Our own program file, as a path that still names it after an upgrade: /proc/self/exe does not. */
#ifndef MASQUES_MASTER_IMAGE_H
#define MASQUES_MASTER_IMAGE_H

#include <sys/types.h>

#include "shared/base/err.h"

#define IMAGE_PATH_BYTES 4096

/* To be called at start, before anything can have been replaced: the absolute path under which we were started, links
 * kept as they are, so that a link that is pointed at the next version leads there. argv[0] where it is a path or is
 * found in $PATH and is the file that runs, else the file that runs. 0; GW_ERR_NOT_FOUND. */
int image_path(const char *argv0, char path[IMAGE_PATH_BYTES]) GW_MUST_CHECK;

/* Starts `path validate [--config config]` as a child with our standard descriptors and no others. 0 with its pid, to
 * be waited for by the caller; GW_ERR_IO (errno). One that cannot be executed ends with exit code 127. */
int image_validate(const char *path, const char *config, pid_t *pid) GW_MUST_CHECK;

#endif
