// SPDX-License-Identifier: Apache-2.0
/* The router's list of exporters, as a table or as JSON. */
#ifndef MASQUES_CTL_EXPORTERS_VIEW_H
#define MASQUES_CTL_EXPORTERS_VIEW_H

#include "ctl/router.h"

/* Appends a table: a line an exporter and signal. `pending_only`: only lines of durable exporters with something that
 * waits. */
void exporters_view_table(const struct router_answers *answers, bool pending_only, struct buf *out);

/* Appends a JSON list (without a newline), an object an exporter. */
void exporters_view_json(const struct router_answers *answers, struct buf *out);

#endif
