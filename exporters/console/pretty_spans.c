// SPDX-License-Identifier: Apache-2.0
#include "exporters/console/claude.h"
#include "exporters/console/pretty.h"

#include "shared/base/clock.h"

/* Field numbers of Span, Span.Event, Span.Link and Status (proto/opentelemetry). */
#define TRACE_ID 1
#define SPAN_ID 2
#define PARENT_ID 4
#define NAME 5
#define KIND 6
#define START 7
#define END 8
#define ATTRIBUTES 9
#define EVENTS 11
#define LINKS 13
#define STATUS 15
#define EVENT_TIME 1
#define EVENT_NAME 2
#define EVENT_ATTRIBUTES 3
#define LINK_TRACE_ID 1
#define LINK_SPAN_ID 2
#define LINK_ATTRIBUTES 4
#define STATUS_MESSAGE 2
#define STATUS_CODE 3

#define STATUS_OK 1u
#define STATUS_ERROR 2u

/* Span.SpanKind; internal is what is not worth a word. */
static const char *const kinds[] = {"", "", "server", "client", "producer", "consumer"};

static double milliseconds(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns >= from_ns ? (double)(to_ns - from_ns) / CLOCK_NS_PER_MS
                            : -(double)(from_ns - to_ns) / CLOCK_NS_PER_MS;
}

static void status(struct line *l, const struct otlp_view *span)
{
    struct otlp_view view;
    if (!otlp_view_child(span, OTLP_SPAN, STATUS, &view))
        return;
    uint64_t code = otlp_view_number(&view, STATUS_CODE);
    struct slice message = otlp_view_bytes(&view, STATUS_MESSAGE);
    if (code != STATUS_OK && code != STATUS_ERROR)
        return;
    line_to_column(l, 0);
    line_word(l, code == STATUS_OK ? LINE_GREEN : LINE_RED, code == STATUS_OK ? "ok" : "error");
    if (message.len) {
        line_word(l, LINE_PLAIN, ": ");
        line_text(l, LINE_PLAIN, message);
    }
}

static void ids(struct line *l, struct slice trace, struct slice span, struct slice parent)
{
    static const char *const words[] = {"trace", "span", "parent"};
    const struct slice all[] = {trace, span, parent};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (!all[i].len)
            continue;
        line_to_column(l, 0);
        line_id(l, words[i], all[i]);
    }
}

/* An event or link, on a line of its own under the span's. */
static void begin_below(struct line *l, const char *kind)
{
    line_end(l);
    line_begin(l);
    line_to_column(l, PRETTY_KIND_COLUMN);
    line_word(l, LINE_DIM, kind);
    line_to_column(l, PRETTY_SOURCE_COLUMN);
}

static void event(struct pretty *p, struct slice bytes, uint64_t start_ns, bool claude)
{
    struct otlp_view view = otlp_view_of(bytes);
    uint64_t time_ns = otlp_view_number(&view, EVENT_TIME);
    begin_below(&p->line, "event");
    if (time_ns && start_ns) {
        double after = milliseconds(start_ns, time_ns);
        line_word(&p->line, LINE_DIM, after < 0 ? "-" : "+");
        line_duration_ms(&p->line, LINE_DIM, after < 0 ? -after : after);
    }
    line_to_column(&p->line, PRETTY_NAME_COLUMN);
    pretty_name(p, otlp_view_bytes(&view, EVENT_NAME));
    pretty_attributes(p, &view, EVENT_ATTRIBUTES, claude);
}

static void span_link(struct pretty *p, struct slice bytes, bool claude)
{
    struct otlp_view view = otlp_view_of(bytes);
    begin_below(&p->line, "link");
    line_to_column(&p->line, PRETTY_NAME_COLUMN);
    line_limit(&p->line, LINE_FIELDS_COLUMNS);
    line_id(&p->line, "trace", otlp_view_bytes(&view, LINK_TRACE_ID));
    line_to_column(&p->line, 0);
    line_id(&p->line, "span", otlp_view_bytes(&view, LINK_SPAN_ID));
    pretty_attributes(p, &view, LINK_ATTRIBUTES, claude);
}

void pretty_span(struct pretty *p, const struct otlp_record *r)
{
    struct line *l = &p->line;
    const struct otlp_view *span = &r->record;
    bool claude = pretty_is_claude(r);
    uint64_t start_ns = otlp_view_number(span, START);
    uint64_t end_ns = otlp_view_number(span, END);
    uint64_t kind = otlp_view_number(span, KIND);
    struct slice name = otlp_view_bytes(span, NAME);
    if (claude)
        name = claude_short_name(name);
    pretty_columns(p, r, start_ns, LINE_MAGENTA, "span", ATTRIBUTES);
    pretty_name(p, name);
    if (end_ns)
        line_duration_ms(l, LINE_PLAIN, milliseconds(start_ns, end_ns));
    else
        line_word(l, LINE_YELLOW, "unended");
    if (kind < sizeof kinds / sizeof kinds[0] && kinds[kind][0]) {
        line_to_column(l, 0);
        line_word(l, LINE_PLAIN, kinds[kind]);
    }
    status(l, span);
    bool listed = claude && claude_fields(l, OTLP_TRACES, name, span, ATTRIBUTES);
    ids(l, otlp_view_bytes(span, TRACE_ID), otlp_view_bytes(span, SPAN_ID),
        otlp_view_bytes(span, PARENT_ID));
    if (!listed)
        pretty_attributes(p, span, ATTRIBUTES, claude);

    struct otlp_cursor c = otlp_cursor_of(span);
    struct wire_field f;
    while (otlp_cursor_next(&c, &f) == 1) {
        if (f.type == WIRE_BYTES && f.number == EVENTS)
            event(p, f.bytes, start_ns, claude);
        else if (f.type == WIRE_BYTES && f.number == LINKS)
            span_link(p, f.bytes, claude);
    }
    line_end(l);
}
