// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/layout.h"

enum {
    TIMESTAMP,
    TRACE_ID,
    SPAN_ID,
    PARENT_SPAN_ID,
    TRACE_STATE,
    SPAN_NAME,
    SPAN_KIND,
    SERVICE_NAME,
    RESOURCE_ATTRIBUTES,
    SCOPE_NAME,
    SCOPE_VERSION,
    SPAN_ATTRIBUTES,
    DURATION,
    STATUS_CODE,
    STATUS_MESSAGE,
    EVENTS_TIMESTAMP,
    EVENTS_NAME,
    EVENTS_ATTRIBUTES,
    LINKS_TRACE_ID,
    LINKS_SPAN_ID,
    LINKS_TRACE_STATE,
    LINKS_ATTRIBUTES,
};

static const struct layout_column columns[] = {
    [TIMESTAMP] = {"Timestamp", COLUMN_TIME, FROM_RECORD},
    [TRACE_ID] = {"TraceId", COLUMN_STRING, FROM_RECORD},
    [SPAN_ID] = {"SpanId", COLUMN_STRING, FROM_RECORD},
    [PARENT_SPAN_ID] = {"ParentSpanId", COLUMN_STRING, FROM_RECORD},
    [TRACE_STATE] = {"TraceState", COLUMN_STRING, FROM_RECORD},
    [SPAN_NAME] = {"SpanName", COLUMN_LOW, FROM_RECORD},
    [SPAN_KIND] = {"SpanKind", COLUMN_LOW, FROM_RECORD},
    [SERVICE_NAME] = {"ServiceName", COLUMN_LOW, FROM_SERVICE_NAME},
    [RESOURCE_ATTRIBUTES] = {"ResourceAttributes", COLUMN_MAP, FROM_RESOURCE_ATTRIBUTES},
    [SCOPE_NAME] = {"ScopeName", COLUMN_STRING, FROM_SCOPE_NAME},
    [SCOPE_VERSION] = {"ScopeVersion", COLUMN_STRING, FROM_SCOPE_VERSION},
    [SPAN_ATTRIBUTES] = {"SpanAttributes", COLUMN_MAP, FROM_RECORD},
    [DURATION] = {"Duration", COLUMN_U64, FROM_RECORD},
    [STATUS_CODE] = {"StatusCode", COLUMN_LOW, FROM_RECORD},
    [STATUS_MESSAGE] = {"StatusMessage", COLUMN_STRING, FROM_RECORD},
    [EVENTS_TIMESTAMP] = {"Events.Timestamp", COLUMN_ARRAY_TIME, FROM_RECORD},
    [EVENTS_NAME] = {"Events.Name", COLUMN_ARRAY_LOW, FROM_RECORD},
    [EVENTS_ATTRIBUTES] = {"Events.Attributes", COLUMN_ARRAY_MAP, FROM_RECORD},
    [LINKS_TRACE_ID] = {"Links.TraceId", COLUMN_ARRAY_STRING, FROM_RECORD},
    [LINKS_SPAN_ID] = {"Links.SpanId", COLUMN_ARRAY_STRING, FROM_RECORD},
    [LINKS_TRACE_STATE] = {"Links.TraceState", COLUMN_ARRAY_STRING, FROM_RECORD},
    [LINKS_ATTRIBUTES] = {"Links.Attributes", COLUMN_ARRAY_MAP, FROM_RECORD},
};

/* Span, opentelemetry/proto/trace/v1. */
enum {
    FIELD_TRACE_ID = 1,
    FIELD_SPAN_ID = 2,
    FIELD_TRACE_STATE = 3,
    FIELD_PARENT_SPAN_ID = 4,
    FIELD_NAME = 5,
    FIELD_KIND = 6,
    FIELD_START = 7,
    FIELD_END = 8,
    FIELD_ATTRIBUTES = 9,
    FIELD_EVENTS = 11,
    FIELD_LINKS = 13,
    FIELD_STATUS = 15,
};
enum { EVENT_FIELD_TIME = 1, EVENT_FIELD_NAME = 2, EVENT_FIELD_ATTRIBUTES = 3 };
enum {
    LINK_FIELD_TRACE_ID = 1,
    LINK_FIELD_SPAN_ID = 2,
    LINK_FIELD_TRACE_STATE = 3,
    LINK_FIELD_ATTRIBUTES = 4,
};
enum { STATUS_FIELD_MESSAGE = 2, STATUS_FIELD_CODE = 3 };

/* Enums are int32 on the wire, whatever stands above. */
static struct slice kind_name(uint32_t kind)
{
    static const char *const names[] = {"Unspecified", "Internal", "Server",
                                        "Client",      "Producer", "Consumer"};
    return slice_of(kind < sizeof names / sizeof names[0] ? names[kind] : "");
}

static struct slice code_name(uint32_t code)
{
    static const char *const names[] = {"Unset", "Ok", "Error"};
    return slice_of(code < sizeof names / sizeof names[0] ? names[code] : "");
}

static void fill_event(struct layout_desk *desk, struct slice bytes)
{
    struct column *c = desk->columns;
    struct slice name = {0};
    uint64_t time_ns = 0;
    struct wire_field f;
    struct wire w = wire_of(bytes);
    while (wire_next(&w, &f) == 1) {
        if (f.number == EVENT_FIELD_TIME)
            time_ns = f.value;
        else if (f.number == EVENT_FIELD_NAME)
            name = f.bytes;
        else if (f.number == EVENT_FIELD_ATTRIBUTES)
            attributes_add(&desk->attributes, f.bytes);
    }
    column_number(&c[EVENTS_TIMESTAMP], layout_time(time_ns));
    column_text(&c[EVENTS_NAME], name);
    layout_map(desk, &c[EVENTS_ATTRIBUTES]);
}

static void fill_link(struct layout_desk *desk, struct slice bytes)
{
    struct column *c = desk->columns;
    struct slice trace_id = {0}, span_id = {0}, state = {0};
    struct wire_field f;
    struct wire w = wire_of(bytes);
    while (wire_next(&w, &f) == 1) {
        if (f.number == LINK_FIELD_TRACE_ID)
            trace_id = f.bytes;
        else if (f.number == LINK_FIELD_SPAN_ID)
            span_id = f.bytes;
        else if (f.number == LINK_FIELD_TRACE_STATE)
            state = f.bytes;
        else if (f.number == LINK_FIELD_ATTRIBUTES)
            attributes_add(&desk->attributes, f.bytes);
    }
    layout_id(&c[LINKS_TRACE_ID], trace_id);
    layout_id(&c[LINKS_SPAN_ID], span_id);
    column_text(&c[LINKS_TRACE_STATE], state);
    layout_map(desk, &c[LINKS_ATTRIBUTES]);
}

/* Events and links are written as they are met, the span's attributes when all of them are known. */
static void fill_lists(struct layout_desk *desk, struct slice span)
{
    struct wire_field f;
    struct wire w = wire_of(span);
    while (wire_next(&w, &f) == 1) {
        if (f.number == FIELD_EVENTS)
            fill_event(desk, f.bytes);
        else if (f.number == FIELD_LINKS)
            fill_link(desk, f.bytes);
    }
}

struct span {
    uint64_t kind, start, end;
    struct slice trace_id, span_id, parent_span_id, trace_state, name, status;
    unsigned statuses;
    bool lists;
};

static void read_span(struct slice bytes, struct attributes *attributes, struct span *out)
{
    struct wire_field f;
    struct wire w = wire_of(bytes);
    *out = (struct span){0};
    while (wire_next(&w, &f) == 1) {
        switch (f.number) {
        case FIELD_TRACE_ID:
            out->trace_id = f.bytes;
            break;
        case FIELD_SPAN_ID:
            out->span_id = f.bytes;
            break;
        case FIELD_TRACE_STATE:
            out->trace_state = f.bytes;
            break;
        case FIELD_PARENT_SPAN_ID:
            out->parent_span_id = f.bytes;
            break;
        case FIELD_NAME:
            out->name = f.bytes;
            break;
        case FIELD_KIND:
            out->kind = f.value;
            break;
        case FIELD_START:
            out->start = f.value;
            break;
        case FIELD_END:
            out->end = f.value;
            break;
        case FIELD_ATTRIBUTES:
            attributes_add(attributes, f.bytes);
            attributes_add_run(attributes, &w, FIELD_ATTRIBUTES);
            break;
        case FIELD_STATUS:
            out->status = f.bytes;
            out->statuses++;
            break;
        case FIELD_EVENTS:
        case FIELD_LINKS:
            out->lists = true;
            break;
        default:
            break;
        }
    }
}

static void fill_status(struct column *c, const struct otlp_record *record, const struct span *span)
{
    struct otlp_view status = otlp_view_of(span->status);
    if (span->statuses > 1) /* in pieces */
        otlp_view_child(&record->record, OTLP_SPAN, FIELD_STATUS, &status);
    column_text(&c[STATUS_CODE], code_name((uint32_t)otlp_view_number(&status, STATUS_FIELD_CODE)));
    column_text(&c[STATUS_MESSAGE], otlp_view_bytes(&status, STATUS_FIELD_MESSAGE));
}

static void fill(struct layout_desk *desk, const struct otlp_record *record, uint64_t received_ns)
{
    struct column *c = desk->columns;
    struct span span;
    read_span(record->bytes, &desk->attributes, &span);
    column_number(&c[TIMESTAMP], row_time_of(span.start, received_ns));
    layout_id(&c[TRACE_ID], span.trace_id);
    layout_id(&c[SPAN_ID], span.span_id);
    layout_id(&c[PARENT_SPAN_ID], span.parent_span_id);
    column_text(&c[TRACE_STATE], span.trace_state);
    column_text(&c[SPAN_NAME], span.name);
    column_text(&c[SPAN_KIND], kind_name((uint32_t)span.kind));
    layout_map(desk, &c[SPAN_ATTRIBUTES]);
    /* A span that ends before it starts is one of a clock that was set: it took no time. */
    column_number(&c[DURATION], span.end > span.start ? span.end - span.start : 0);
    fill_status(c, record, &span);
    if (span.lists)
        fill_lists(desk, record->bytes);
}

const struct layout layout_traces = {columns, sizeof columns / sizeof columns[0], fill};
