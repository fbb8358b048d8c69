// SPDX-License-Identifier: Apache-2.0
/* Reading a walked batch record by record, and attributes and values inside of it: what
 * exporters need. Everything is borrowed from the batch; nothing is allocated but in buffers of the
 * caller. No field order is assumed, and submessages in pieces are read as one (shared/otlp/view.h). */
#ifndef MASQUES_OTLP_VALUE_H
#define MASQUES_OTLP_VALUE_H

#include "shared/base/buf.h"
#include "shared/otlp/view.h"

/* ---- values ---------------------------------------------------------------------------------- */

enum otlp_value_kind {
    OTLP_VALUE_EMPTY, /* no member is set: legal, and not the same as an empty string */
    OTLP_VALUE_STRING,
    OTLP_VALUE_BOOL,
    OTLP_VALUE_INT,
    OTLP_VALUE_DOUBLE,
    OTLP_VALUE_ARRAY,
    OTLP_VALUE_KVLIST,
    OTLP_VALUE_BYTES,
};

struct otlp_value {
    enum otlp_value_kind kind;
    union {
        struct slice bytes;     /* STRING, BYTES */
        bool boolean;           /* BOOL */
        int64_t integer;        /* INT */
        double number;          /* DOUBLE */
        struct otlp_view items; /* ARRAY: field 1 AnyValue; KVLIST: field 1 KeyValue */
    } is;
};

/* Reads an AnyValue. The last member set wins. */
void otlp_value_read(const struct otlp_view *any, struct otlp_value *out);

/* Reads the AnyValue in field `number` of `message` (LogRecord: 5). False: absent; `*out` is
 * then EMPTY. */
bool otlp_value_in(const struct otlp_view *view, enum otlp_message message, uint32_t number,
                   struct otlp_value *out);

/* Reads a KeyValue of the usual shape: a short key and one short scalar, each once and in this order,
 * and nothing else. False says nothing: take otlp_attribute_read(). */
static inline bool otlp_attribute_plain(struct slice attribute, struct slice *key,
                                        struct otlp_value *value)
{
    enum { KEY = 0x0a, VALUE = 0x12, STRING = 0x0a, BOOL = 0x10, INT = 0x18, DOUBLE = 0x21 };
    const uint8_t *p = attribute.data;
    const size_t frame = 4; /* tags and lengths of key and value */
    if (attribute.len < frame || p[0] != KEY || p[1] >= 0x80 || p[1] > attribute.len - frame)
        return false;
    const uint8_t *v = p + 2 + p[1];
    const uint8_t *end = p + attribute.len;
    if (v[0] != VALUE || v[1] >= 0x80 || v[1] != end - v - 2)
        return false;
    *key = slice_make(p + 2, p[1]);
    v += 2;
    if (end - v < 2) {
        value->kind = OTLP_VALUE_EMPTY;
        return v == end;
    }
    if (v[0] == STRING) {
        value->kind = OTLP_VALUE_STRING;
        value->is.bytes = slice_make(v + 2, v[1]);
        return v[1] == end - v - 2;
    }
    if (v[0] == DOUBLE && end - v == 1 + 8) {
        value->kind = OTLP_VALUE_DOUBLE;
        value->is.number = wire_double(wire_load64(v + 1));
        return true;
    }
    if ((v[0] != INT && v[0] != BOOL) || end[-1] >= 0x80 || end - v > 9) /* less than 64 bits */
        return false;
    uint64_t number = 0;
    for (const uint8_t *at = end - 1; at > v; at--) {
        if (at < end - 1 && *at < 0x80)
            return false;
        number = number << 7 | (*at & 0x7f);
    }
    value->kind = v[0] == INT ? OTLP_VALUE_INT : OTLP_VALUE_BOOL;
    if (v[0] == INT)
        value->is.integer = (int64_t)number;
    else
        value->is.boolean = number != 0;
    return true;
}

/* Reads a KeyValue. */
void otlp_attribute_read(struct slice attribute, struct slice *key, struct otlp_value *value);

/* The next KeyValue in field `number` of the message that `c` runs over. False: no more. */
bool otlp_attribute_next(struct otlp_cursor *c, uint32_t number, struct slice *key,
                         struct otlp_value *value);

/* The first attribute named `key` in field `number` of `view` (Resource: 1, LogRecord: 6, Span:
 * 9, ...). False: there is none; `*out` is then EMPTY. */
bool otlp_attribute_find(const struct otlp_view *view, uint32_t number, const char *key,
                         struct otlp_value *out);

/* The value in words, as the Collector's AsString and its ClickHouse exporter have it: a string
 * as it is, numbers and booleans in digits and words, bytes in base64, arrays and lists as plain
 * JSON ({"a":[1,"b",null]}: the sender's order, doubled keys kept), an empty value as nothing.
 * Appends to `out`, whose failure is sticky. */
void otlp_value_text(const struct otlp_value *value, struct buf *out);

/* The same with the keys of lists sorted by their bytes, equal ones as they came: equal lists are
 * equal text, as a database wants it and as the Collector's AsString has it. `room` is memory to
 * sort in, whatever was in it; the caller keeps it for the next value. When it cannot grow, `out`
 * fails. */
void otlp_value_text_sorted(const struct otlp_value *value, struct buf *room, struct buf *out);

/* ---- records --------------------------------------------------------------------------------- */

/* One record and what stands around it. Views of absent messages are empty. */
struct otlp_record {
    struct otlp_view resource;       /* Resource */
    struct slice resource_schema_url;
    struct otlp_view scope;          /* InstrumentationScope */
    struct slice scope_schema_url;
    struct otlp_view metric;         /* Metric; metrics only, like the next two */
    struct otlp_view data;           /* Gauge, Sum, ... */
    enum otlp_message data_message;  /* OTLP_GAUGE, ... */
    struct otlp_view record;         /* LogRecord, Span, or a data point */
    enum otlp_message record_message;
    struct slice bytes;              /* the record's bytes, without its tag and length */
    uint64_t index;                  /* of the record in the batch, from 0 */
    /* Rising numbers: whoever keeps something per resource, scope or metric sees here when it
     * changes. */
    uint32_t resource_index;
    uint32_t scope_index;
    uint32_t metric_index;
};

struct otlp_reader {
    enum otlp_signal signal;
    uint32_t level; /* lists open */
    struct {
        struct otlp_cursor cursor; /* over the message that holds the list */
        uint32_t number;           /* the list's field */
    } lists[4];
    struct otlp_record now;
};

/* Starts reading `batch`, which must live as long as the reader and has passed otlp_walk(). */
void otlp_reader_init(struct otlp_reader *r, enum otlp_signal signal, struct slice batch);

/* Goes to the next record, in the order of the batch: `r->now` is set. False: no more.
 * Resources, scopes and metrics without a record are passed over. */
bool otlp_reader_next(struct otlp_reader *r);

#endif
