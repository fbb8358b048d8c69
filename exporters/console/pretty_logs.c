// SPDX-License-Identifier: Apache-2.0
#include "exporters/console/claude.h"
#include "exporters/console/pretty.h"

/* Field numbers of LogRecord (proto/opentelemetry). */
#define TIME 1
#define SEVERITY_NUMBER 2
#define SEVERITY_TEXT 3
#define BODY 5
#define ATTRIBUTES 6
#define TRACE_ID 9
#define SPAN_ID 10
#define OBSERVED_TIME 11
#define EVENT_NAME 12

#define SEVERITY_COLUMNS 6u

/* Severity numbers 1-4 are TRACE, 5-8 DEBUG, ... (OTLP logs data model). */
static const struct {
    const char *word;
    enum line_style style;
} severities[] = {
    {"TRACE", LINE_DIM},   {"DEBUG", LINE_DIM}, {"INFO", LINE_GREEN},
    {"WARN", LINE_YELLOW}, {"ERROR", LINE_RED}, {"FATAL", LINE_RED},
};

static void columns(struct pretty *p, const struct otlp_record *r, bool event)
{
    uint64_t severity = otlp_view_number(&r->record, SEVERITY_NUMBER);
    struct slice text = otlp_view_bytes(&r->record, SEVERITY_TEXT);
    uint64_t time_ns = otlp_view_number(&r->record, TIME);
    if (!time_ns)
        time_ns = otlp_view_number(&r->record, OBSERVED_TIME);
    if (severity >= 1 && severity <= 24) {
        size_t i = (size_t)(severity - 1) / 4;
        pretty_columns(p, r, time_ns, severities[i].style, severities[i].word, ATTRIBUTES);
    } else if (text.len && text.len <= SEVERITY_COLUMNS) {
        char word[SEVERITY_COLUMNS + 1] = "";
        memcpy(word, text.data, text.len);
        pretty_columns(p, r, time_ns, LINE_PLAIN, word, ATTRIBUTES);
    } else {
        pretty_columns(p, r, time_ns, LINE_GREEN, event ? "event" : "log", ATTRIBUTES);
    }
}

/* An event's name stands in its own field or, older, in an attribute. */
static struct slice event_name(const struct otlp_record *r)
{
    struct slice name = otlp_view_bytes(&r->record, EVENT_NAME);
    struct otlp_value value;
    if (!name.len && otlp_attribute_find(&r->record, ATTRIBUTES, "event.name", &value) &&
        value.kind == OTLP_VALUE_STRING)
        name = value.is.bytes;
    return name;
}

/* The body, which for Claude Code only repeats the name. */
static void body(struct pretty *p, const struct otlp_record *r, struct slice name)
{
    struct line *l = &p->line;
    struct otlp_value value;
    if (!otlp_value_in(&r->record, OTLP_LOG_RECORD, BODY, &value) || value.kind == OTLP_VALUE_EMPTY)
        return;
    if (value.kind == OTLP_VALUE_STRING && name.len &&
        slice_eq(claude_short_name(value.is.bytes), claude_short_name(name)))
        return;
    line_limit(l, PRETTY_BODY_MAX);
    line_value(l, LINE_PLAIN, &value);
    line_limit(l, LINE_FIELDS_COLUMNS);
}

void pretty_log(struct pretty *p, const struct otlp_record *r)
{
    struct line *l = &p->line;
    bool claude = pretty_is_claude(r);
    struct slice name = event_name(r);
    columns(p, r, name.len > 0);
    if (name.len)
        pretty_name(p, claude ? claude_short_name(name) : name);
    line_limit(l, LINE_FIELDS_COLUMNS);
    if (!claude || !claude_fields(l, OTLP_LOGS, claude_short_name(name), &r->record, ATTRIBUTES)) {
        body(p, r, name);
        pretty_attributes(p, &r->record, ATTRIBUTES, claude);
    }
    struct slice trace = otlp_view_bytes(&r->record, TRACE_ID);
    if (!claude && trace.len) {
        line_to_column(l, 0);
        line_id(l, "trace", trace);
        line_to_column(l, 0);
        line_id(l, "span", otlp_view_bytes(&r->record, SPAN_ID));
    }
    line_end(l);
}
