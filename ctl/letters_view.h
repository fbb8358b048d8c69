// SPDX-License-Identifier: Apache-2.0
/* The router's list of dead letters, as a table or as JSON. */
#ifndef MASQUES_CTL_LETTERS_VIEW_H
#define MASQUES_CTL_LETTERS_VIEW_H

#include "ctl/router.h"

/* Appends a table, a line a letter; times in UTC. */
void letters_view_table(const struct router_answers *answers, struct buf *out);

/* Appends a JSON list (without a newline), an object a letter. */
void letters_view_json(const struct router_answers *answers, struct buf *out);

#endif
