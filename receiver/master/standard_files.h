// SPDX-License-Identifier: Apache-2.0
/* The descriptors 0, 1 and 2, put in order before anything else is opened; the children inherit them. */
#ifndef MASQUES_MASTER_STANDARD_FILES_H
#define MASQUES_MASTER_STANDARD_FILES_H

#include "shared/base/err.h"

/* What is closed gets a placeholder that cannot be written to, so that no socket or lock of ours takes its number and
 * gets telemetry or log lines written into it. Where stderr is a pipe or a terminal, it becomes a non-blocking
 * description of our own (that of whoever started us is not touched): one that nobody reads must not stop a process
 * of the family. 0; GW_ERR_IO (errno): a placeholder could not be opened. */
int standard_files_prepare(void) GW_MUST_CHECK;

#endif
