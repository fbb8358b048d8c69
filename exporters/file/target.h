// SPDX-License-Identifier: Apache-2.0
/* Which file a value of group_by's attribute stands for: the configured path with the value in place of its "*",
 * by the rules of the collector's fileexporter, so that the same values lead to the same files:
 *
 *   - the path is cleaned as Go's path.Clean does ("a//b/../c" is "a/c");
 *   - a value that begins with "./" or "../" begins with "/" instead;
 *   - where the result would not begin with what stands before the "*", the value is first cleaned as if it were
 *     an absolute path, and then put below what stands before the "*". So no value leads out of that directory. */
#ifndef MASQUES_EXPORTERS_FILE_TARGET_H
#define MASQUES_EXPORTERS_FILE_TARGET_H

#include "shared/base/buf.h"
#include "shared/base/err.h"

#define TARGET_PATH_BYTES 4096u /* with the NUL: PATH_MAX */

/* Appends the path, NUL-terminated, of `value` under `pattern`, which has one "*" and does not begin with it.
 * 0; GW_ERR_TOO_LARGE: the path or a name in it would be longer than the system takes; GW_ERR_INVALID: the value
 * has a NUL, or names no file but a directory; GW_ERR_NOMEM. On an error `out` is as long as before. */
int target_path(const char *pattern, struct slice value, struct buf *out) GW_MUST_CHECK;

/* Appends the path as Go's path.Clean gives it, without a NUL: no "//", no "/./", ".." only at the start of a
 * relative path, no "/" at the end; "." for nothing. */
void target_clean(struct slice path, struct buf *out);

#endif
