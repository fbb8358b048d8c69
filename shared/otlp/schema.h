// SPDX-License-Identifier: Apache-2.0
/* What OTLP consists of, as one constant table: every message that can be reached from the three
 * Export*ServiceRequests, and every field of them. The wire walk, the JSON writer and the JSON
 * reader are driven by it, so that no two of them can disagree. Field numbers:
 * proto/opentelemetry; JSON names and rules: OTLP specification, "JSON Protobuf Encoding"; order
 * of writing: that of the OpenTelemetry Collector, whose JSON lists fields as its structs do.
 *
 * string_value_strindex and key_strindex are left out on purpose: outside profiles they count as
 * absent. */
#ifndef MASQUES_OTLP_SCHEMA_H
#define MASQUES_OTLP_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "shared/otlp/signal.h"

/* The highest field number of OTLP; every number is 1..OTLP_NUMBER_MAX. */
#define OTLP_NUMBER_MAX 16u

enum otlp_message {
    OTLP_NO_MESSAGE,
    OTLP_LOGS_REQUEST,
    OTLP_RESOURCE_LOGS,
    OTLP_SCOPE_LOGS,
    OTLP_LOG_RECORD,
    OTLP_TRACES_REQUEST,
    OTLP_RESOURCE_SPANS,
    OTLP_SCOPE_SPANS,
    OTLP_SPAN,
    OTLP_EVENT,
    OTLP_LINK,
    OTLP_STATUS,
    OTLP_METRICS_REQUEST,
    OTLP_RESOURCE_METRICS,
    OTLP_SCOPE_METRICS,
    OTLP_METRIC,
    OTLP_GAUGE,
    OTLP_SUM,
    OTLP_HISTOGRAM,
    OTLP_EXPONENTIAL_HISTOGRAM,
    OTLP_SUMMARY,
    OTLP_NUMBER_POINT,
    OTLP_HISTOGRAM_POINT,
    OTLP_EXPONENTIAL_HISTOGRAM_POINT,
    OTLP_BUCKETS,
    OTLP_SUMMARY_POINT,
    OTLP_QUANTILE,
    OTLP_EXEMPLAR,
    OTLP_RESOURCE,
    OTLP_ENTITY_REF,
    OTLP_SCOPE,
    OTLP_KEY_VALUE,
    OTLP_ANY_VALUE,
    OTLP_ARRAY_VALUE,
    OTLP_KEY_VALUE_LIST,
    OTLP_MESSAGES, /* how many there are */
};

/* What a field means: its wire type follows from it, and its form in JSON. */
enum otlp_kind {
    OTLP_UNKNOWN, /* no such field */
    OTLP_STRING,  /* UTF-8 */
    OTLP_BYTES,   /* base64 in JSON */
    OTLP_TRACE_ID, /* 16 bytes; hex in JSON */
    OTLP_SPAN_ID,  /* 8 bytes; hex in JSON */
    OTLP_BOOL,
    OTLP_ENUM,  /* a number in JSON, as are the other 32-bit kinds */
    OTLP_UINT32,
    OTLP_SINT32, /* zigzag */
    OTLP_INT64,  /* 64-bit integers are decimal strings in JSON */
    OTLP_UINT64,
    OTLP_FIXED32,
    OTLP_FIXED64,
    OTLP_SFIXED64,
    OTLP_DOUBLE,
    OTLP_MESSAGE,
    OTLP_KINDS,
};

enum otlp_field_flag {
    OTLP_REPEATED = 1, /* scalars: packed, but unpacked must be read too */
    OTLP_ALWAYS = 2,   /* a submessage that JSON shows even if it is absent: {} */
    OTLP_OPTIONAL = 4, /* shown whenever present, even if zero: also every member of a oneof */
};

/* The enums of OTLP: which names a field of OTLP_ENUM may have (shared/otlp/name.h). */
enum otlp_enum {
    OTLP_NO_ENUM,
    OTLP_SEVERITY_NUMBER,
    OTLP_SPAN_KIND,
    OTLP_STATUS_CODE,
    OTLP_TEMPORALITY,
    OTLP_ENUMS,
};

struct otlp_field {
    uint8_t kind;     /* enum otlp_kind */
    uint8_t wire;     /* the wire type of one value */
    uint8_t flags;    /* enum otlp_field_flag */
    uint8_t oneof;    /* members of one oneof share a number > 0 */
    uint8_t child;    /* enum otlp_message, where kind is OTLP_MESSAGE */
    uint8_t names;    /* enum otlp_enum, where kind is OTLP_ENUM */
    uint8_t name_len; /* bytes of name */
    uint8_t key_len;  /* bytes of key */
    const char *name; /* as in the .proto files: "time_unix_nano" */
    const char *key;  /* as JSON wants it after another field: ,"timeUnixNano": */
};

struct otlp_schema {
    const char *name;         /* as in the .proto files: "LogRecord" */
    uint8_t highest;          /* the highest field number */
    uint8_t count;            /* fields */
    bool record;              /* one of these is one record of its signal */
    const struct otlp_field *fields; /* by number, 0..highest; OTLP_UNKNOWN where none */
    const uint8_t *order;     /* `count` field numbers, in the order in which JSON is written */
};

/* The table, by enum otlp_message. */
extern const struct otlp_schema otlp_schemas[OTLP_MESSAGES];

/* The message that a request of `signal` is; OTLP_NO_MESSAGE if there is no such signal. */
enum otlp_message otlp_schema_request(enum otlp_signal signal);

/* The field with that number, or NULL when `message` has none. Constant time. */
static inline const struct otlp_field *otlp_schema_field(enum otlp_message message, uint32_t number)
{
    const struct otlp_schema *schema = &otlp_schemas[message];
    if (number > schema->highest || schema->fields[number].kind == OTLP_UNKNOWN)
        return NULL;
    return &schema->fields[number];
}

/* The bytes of the name in `field->key`: without comma, quotes and colon. */
static inline const char *otlp_schema_json_name(const struct otlp_field *field, size_t *len)
{
    *len = (size_t)field->key_len - 4;
    return field->key + 2;
}

#endif
