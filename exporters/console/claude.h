// SPDX-License-Identifier: Apache-2.0
/* What a person wants to see of Claude Code's telemetry: for every event, metric and span by name, which attributes,
 * in which order and how (docs: https://code.claude.com/docs/en/monitoring-usage). Anything not listed here is shown
 * as that of any other client, without the attributes that stand on everything. */
#ifndef MASQUES_EXPORTERS_CONSOLE_CLAUDE_H
#define MASQUES_EXPORTERS_CONSOLE_CLAUDE_H

#include <stdbool.h>

#include "exporters/console/line.h"
#include "shared/otlp/signal.h"

/* True for the scopes of Claude Code. */
bool claude_is_scope(struct slice name);

/* The name without the "claude_code." that all of them have. */
struct slice claude_short_name(struct slice name);

/* True for attributes that say nothing about the single record: who and where. */
bool claude_is_common(struct slice key);

/* Writes the fields of the event, metric or span called `name` (short), each behind two spaces, read from the
 * attributes in field `number` of `record`. False: the name is not listed, nothing was written. */
bool claude_fields(struct line *l, enum otlp_signal signal, struct slice name,
                   const struct otlp_view *record, uint32_t number);

/* True: the metric counts money, `value` is written as such. */
bool claude_is_cost(struct slice name);

#endif
