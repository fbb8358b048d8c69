// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/layout.h"

enum {
    TIMESTAMP,
    TRACE_ID,
    SPAN_ID,
    TRACE_FLAGS,
    SEVERITY_TEXT,
    SEVERITY_NUMBER,
    SERVICE_NAME,
    BODY,
    RESOURCE_SCHEMA_URL,
    RESOURCE_ATTRIBUTES,
    SCOPE_SCHEMA_URL,
    SCOPE_NAME,
    SCOPE_VERSION,
    SCOPE_ATTRIBUTES,
    LOG_ATTRIBUTES,
    EVENT_NAME,
};

static const struct layout_column columns[] = {
    [TIMESTAMP] = {"Timestamp", COLUMN_TIME, FROM_RECORD},
    [TRACE_ID] = {"TraceId", COLUMN_STRING, FROM_RECORD},
    [SPAN_ID] = {"SpanId", COLUMN_STRING, FROM_RECORD},
    [TRACE_FLAGS] = {"TraceFlags", COLUMN_U8, FROM_RECORD},
    [SEVERITY_TEXT] = {"SeverityText", COLUMN_LOW, FROM_RECORD},
    [SEVERITY_NUMBER] = {"SeverityNumber", COLUMN_U8, FROM_RECORD},
    [SERVICE_NAME] = {"ServiceName", COLUMN_LOW, FROM_SERVICE_NAME},
    [BODY] = {"Body", COLUMN_STRING, FROM_RECORD},
    [RESOURCE_SCHEMA_URL] = {"ResourceSchemaUrl", COLUMN_LOW, FROM_RESOURCE_SCHEMA_URL},
    [RESOURCE_ATTRIBUTES] = {"ResourceAttributes", COLUMN_MAP, FROM_RESOURCE_ATTRIBUTES},
    [SCOPE_SCHEMA_URL] = {"ScopeSchemaUrl", COLUMN_LOW, FROM_SCOPE_SCHEMA_URL},
    [SCOPE_NAME] = {"ScopeName", COLUMN_STRING, FROM_SCOPE_NAME},
    [SCOPE_VERSION] = {"ScopeVersion", COLUMN_LOW, FROM_SCOPE_VERSION},
    [SCOPE_ATTRIBUTES] = {"ScopeAttributes", COLUMN_MAP, FROM_SCOPE_ATTRIBUTES},
    [LOG_ATTRIBUTES] = {"LogAttributes", COLUMN_MAP, FROM_RECORD},
    [EVENT_NAME] = {"EventName", COLUMN_STRING, FROM_RECORD},
};

/* LogRecord, opentelemetry/proto/logs/v1. */
enum {
    FIELD_TIME = 1,
    FIELD_SEVERITY_NUMBER = 2,
    FIELD_SEVERITY_TEXT = 3,
    FIELD_BODY = 5,
    FIELD_ATTRIBUTES = 6,
    FIELD_FLAGS = 8,
    FIELD_TRACE_ID = 9,
    FIELD_SPAN_ID = 10,
    FIELD_OBSERVED_TIME = 11,
    FIELD_EVENT_NAME = 12,
};

#define FLAGS_MASK 0xffu /* the low 8 bits are W3C trace flags, the others are reserved */

struct log_record {
    uint64_t time, observed_time, severity_number, flags;
    struct slice severity_text, trace_id, span_id, event_name, body;
    unsigned bodies;
};

static void read_record(struct slice bytes, struct attributes *attributes, struct log_record *out)
{
    struct wire_field f;
    struct wire w = wire_of(bytes);
    *out = (struct log_record){0};
    while (wire_next(&w, &f) == 1) {
        switch (f.number) {
        case FIELD_TIME:
            out->time = f.value;
            break;
        case FIELD_OBSERVED_TIME:
            out->observed_time = f.value;
            break;
        case FIELD_SEVERITY_NUMBER:
            out->severity_number = f.value;
            break;
        case FIELD_SEVERITY_TEXT:
            out->severity_text = f.bytes;
            break;
        case FIELD_BODY:
            out->body = f.bytes;
            out->bodies++;
            break;
        case FIELD_ATTRIBUTES:
            attributes_add(attributes, f.bytes);
            attributes_add_run(attributes, &w, FIELD_ATTRIBUTES);
            break;
        case FIELD_FLAGS:
            out->flags = f.value;
            break;
        case FIELD_TRACE_ID:
            out->trace_id = f.bytes;
            break;
        case FIELD_SPAN_ID:
            out->span_id = f.bytes;
            break;
        case FIELD_EVENT_NAME:
            out->event_name = f.bytes;
            break;
        default:
            break;
        }
    }
}

/* A body in one piece, which is the rule, is at hand already. */
static void read_body(const struct otlp_record *record, const struct log_record *log,
                      struct otlp_value *value)
{
    struct otlp_view any = otlp_view_of(log->body);
    if (log->bodies == 1)
        otlp_value_read(&any, value);
    else
        otlp_value_in(&record->record, OTLP_LOG_RECORD, FIELD_BODY, value);
}

static void fill(struct layout_desk *desk, const struct otlp_record *record, uint64_t received_ns)
{
    struct column *c = desk->columns;
    struct log_record log;
    struct otlp_value body;
    read_record(record->bytes, &desk->attributes, &log);
    read_body(record, &log, &body);
    column_number(&c[TIMESTAMP], row_time_of(log.time ? log.time : log.observed_time, received_ns));
    layout_id(&c[TRACE_ID], log.trace_id);
    layout_id(&c[SPAN_ID], log.span_id);
    column_number(&c[TRACE_FLAGS], log.flags & FLAGS_MASK);
    column_text(&c[SEVERITY_TEXT], log.severity_text);
    column_number(&c[SEVERITY_NUMBER], log.severity_number);
    column_value(&c[BODY], &body, &desk->words);
    layout_map(desk, &c[LOG_ATTRIBUTES]);
    column_text(&c[EVENT_NAME], log.event_name);
}

const struct layout layout_logs = {columns, sizeof columns / sizeof columns[0], fill};
