// SPDX-License-Identifier: Apache-2.0
/* The files that are open, at most so many at a time: with group_by the one that was not used for longest is closed
 * for the next. Belongs to the writing thread. */
#ifndef MASQUES_EXPORTERS_FILE_OUTPUTS_H
#define MASQUES_EXPORTERS_FILE_OUTPUTS_H

#include <stddef.h>

#include "exporters/file/output.h"

struct outputs;

/* For `max_open` files. Returns owned; NULL: no memory. */
struct outputs *outputs_new(size_t max_open);
/* Closes all. */
void outputs_free(struct outputs **outputs);

/* The file of that path, ready to be written (output_ready(), unless something is planned in it). 0; GW_ERR_FULL: as
 * many as may be open have something planned; GW_ERR_IO with `trouble`; GW_ERR_NOMEM. */
int outputs_get(struct outputs *outputs, const char *path, const struct output_rules *rules,
                struct output **output, struct trouble *trouble) GW_MUST_CHECK;

/* All that are known, `*count` of them; borrowed until the next outputs_get(). */
struct output *const *outputs_all(const struct outputs *outputs, size_t *count);

/* Closes every file; each is opened again when it is asked for. */
void outputs_close(struct outputs *outputs);

#endif
