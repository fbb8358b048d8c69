// SPDX-License-Identifier: Apache-2.0
/* A batch as lines for people, one a record:
 *
 *   20:42:49.151  event   2026fb6a      api_request               claude-opus-5-5  in 123  out 37  $0.0037  63ms
 *   20:42:49.178  metric  2026fb6a      cost.usage                +$0.0073  claude-opus-5-5  main
 *   22:13:20.123  WARN    checkout      payment declined  code=402 retry=false
 *
 * time, severity or signal, who (session of Claude Code, else service.name), name, and what matters of the rest. */
#ifndef MASQUES_EXPORTERS_CONSOLE_PRETTY_H
#define MASQUES_EXPORTERS_CONSOLE_PRETTY_H

#include "exporters/console/line.h"
#include "exporters/console/match.h"
#include "shared/otlp/signal.h"
#include "shared/otlp/value.h"

/* The columns where things begin. */
#define PRETTY_KIND_COLUMN 14u
#define PRETTY_SOURCE_COLUMN 22u
#define PRETTY_NAME_COLUMN 36u
#define PRETTY_FIELDS_COLUMN 62u
#define PRETTY_SOURCE_MAX 24u
#define PRETTY_NAME_MAX 80u
#define PRETTY_BODY_MAX 240u

/* What the lines of one batch have in common. */
struct pretty {
    struct line line;
    uint64_t received_ns; /* for records that say no time themselves */
};

/* Appends the lines of `batch` (which has passed otlp_walk()) to `out`: those of records that `match` (borrowed; NULL:
 * all) is found in, be it in their lines, or in a text of the record or its resource that found no room there.
 * 0; GW_ERR_NOMEM: `out` is cut off. */
int pretty_batch(enum otlp_signal signal, struct slice batch, uint64_t received_ns, bool color,
                 const struct match *match, struct buf *out) GW_MUST_CHECK;

/* ---- one record each; for pretty_batch() ---- */

void pretty_log(struct pretty *p, const struct otlp_record *r);
void pretty_metric(struct pretty *p, const struct otlp_record *r);
void pretty_span(struct pretty *p, const struct otlp_record *r);

/* True: the record is Claude Code's. */
bool pretty_is_claude(const struct otlp_record *r);

/* The columns of every line: time (0: when the batch was received), kind, and who speaks. `attributes` is the number
 * of the record's attribute field. */
void pretty_columns(struct pretty *p, const struct otlp_record *r, uint64_t time_ns,
                    enum line_style style, const char *kind, uint32_t attributes);
/* The name, and the fields' column after it. */
void pretty_name(struct pretty *p, struct slice name);
/* key=value for all attributes in field `number`, within the columns that are left; those on every record of Claude
 * Code are left out for it. */
void pretty_attributes(struct pretty *p, const struct otlp_view *view, uint32_t number, bool claude);

#endif
