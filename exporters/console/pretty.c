// SPDX-License-Identifier: Apache-2.0
#include "exporters/console/pretty.h"

#include "exporters/console/claude.h"

#define SESSION_COLUMNS 8u /* of a session id: enough to tell those of a day apart */

/* Field numbers of OTLP (proto/opentelemetry). */
#define SCOPE_NAME 1
#define RESOURCE_ATTRIBUTES 1

typedef void (*record_fn)(struct pretty *p, const struct otlp_record *r);

/* What was written of the record begins at `before`. Texts stand in a record's bytes as they are. A resource that came
 * in pieces (view.h), which no client sends, is not searched. */
static bool is_shown(const struct match *match, const struct otlp_record *r, const struct buf *out,
                     size_t before)
{
    if (!match || out->len == before)
        return true;
    struct slice lines = slice_make(out->data + before, out->len - before);
    return match_found_in_colors(match, lines) || match_found(match, r->bytes) ||
           (r->resource.levels == 0 && match_found(match, r->resource.holder));
}

int pretty_batch(enum otlp_signal signal, struct slice batch, uint64_t received_ns, bool color,
                 const struct match *match, struct buf *out)
{
    static const record_fn writers[] = {
        [OTLP_LOGS] = pretty_log,
        [OTLP_METRICS] = pretty_metric,
        [OTLP_TRACES] = pretty_span,
    };
    struct pretty p = {.received_ns = received_ns};
    struct otlp_reader reader;
    line_init(&p.line, out, color);
    otlp_reader_init(&reader, signal, batch);
    while (otlp_reader_next(&reader) && buf_ok(out)) {
        size_t before = out->len;
        writers[signal](&p, &reader.now);
        if (!is_shown(match, &reader.now, out, before))
            out->len = before;
    }
    line_fini(&p.line);
    return buf_ok(out) ? 0 : GW_ERR_NOMEM;
}

bool pretty_is_claude(const struct otlp_record *r)
{
    return claude_is_scope(otlp_view_bytes(&r->scope, SCOPE_NAME));
}

void pretty_columns(struct pretty *p, const struct otlp_record *r, uint64_t time_ns,
                    enum line_style style, const char *kind, uint32_t attributes)
{
    struct line *l = &p->line;
    struct otlp_value who;
    line_begin(l);
    line_time(l, time_ns ? time_ns : p->received_ns);
    line_to_column(l, PRETTY_KIND_COLUMN);
    line_word(l, style, kind);
    line_to_column(l, PRETTY_SOURCE_COLUMN);
    if (pretty_is_claude(r) && otlp_attribute_find(&r->record, attributes, "session.id", &who) &&
        who.kind == OTLP_VALUE_STRING) {
        struct slice id = who.is.bytes;
        id.len = id.len < SESSION_COLUMNS ? id.len : SESSION_COLUMNS;
        line_text(l, LINE_DIM, id);
    } else if (otlp_attribute_find(&r->resource, RESOURCE_ATTRIBUTES, "service.name", &who) &&
               who.kind == OTLP_VALUE_STRING) {
        line_text_max(l, LINE_DIM, who.is.bytes, PRETTY_SOURCE_MAX);
    } else {
        line_word(l, LINE_DIM, "-");
    }
    line_to_column(l, PRETTY_NAME_COLUMN);
}

void pretty_name(struct pretty *p, struct slice name)
{
    line_text_max(&p->line, LINE_BOLD, name, PRETTY_NAME_MAX);
    line_to_column(&p->line, PRETTY_FIELDS_COLUMN);
    line_limit(&p->line, LINE_FIELDS_COLUMNS);
}

void pretty_attributes(struct pretty *p, const struct otlp_view *view, uint32_t number, bool claude)
{
    struct otlp_cursor c = otlp_cursor_of(view);
    struct slice key;
    struct otlp_value value;
    bool first = true;
    while (!p->line.full && otlp_attribute_next(&c, number, &key, &value)) {
        if (claude && claude_is_common(key))
            continue;
        if (first)
            line_to_column(&p->line, 0);
        else
            line_word(&p->line, LINE_PLAIN, " ");
        first = false;
        line_attribute(&p->line, key, &value);
    }
}
