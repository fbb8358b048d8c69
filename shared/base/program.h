// SPDX-License-Identifier: Apache-2.0
/* Where the programs of the family stand: all of them in one folder, or those that nobody starts by hand in
 * ../libexec/masques of it. */
#ifndef MASQUES_BASE_PROGRAM_H
#define MASQUES_BASE_PROGRAM_H

#include "shared/base/err.h"

/* Finds a program of ours: in `directory`, or, where that is NULL, beside the running one, then in
 * ../libexec/masques. 0 with its path; GW_ERR_NOT_FOUND with one sentence in `why`. */
int program_find(const char *directory, const char *name, char path[512], char why[512])
    GW_MUST_CHECK;

#endif
