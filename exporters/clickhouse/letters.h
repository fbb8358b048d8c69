// SPDX-License-Identifier: Apache-2.0
/* The rows that tables refused, as the verdict of their delivery names them: records with their bytes. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_LETTERS_H
#define MASQUES_EXPORTERS_CLICKHOUSE_LETTERS_H

#include "exporters/clickhouse/cut.h"
#include "exporters/clickhouse/note.h"

/* Embedded; all zero is empty. */
struct letters {
    struct delivery_reject *list;
    size_t count, cap;
    struct buf bytes; /* of all */
    size_t *lens;     /* for each of the list */
};

/* Reads the rejected rows of the note again; the reasons are borrowed from it. `letters` is empty before. 0; an error of
 * delivery_next(); GW_ERR_NOMEM. To be freed in any case. */
int letters_read(struct letters *letters, struct delivery *delivery, const struct cut *cut,
                 const struct note *note) GW_MUST_CHECK;
void letters_free(struct letters *letters);

#endif
