// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/excerpt.h"

#include "shared/otlp/wire_out.h"

/* Field numbers, opentelemetry/proto: the same in all three signals. */
#define RESOURCE_ENTRIES 1u   /* of the request */
#define ENTRY_RESOURCE 1u     /* of Resource* */
#define ENTRY_SCOPES 2u
#define ENTRY_SCHEMA_URL 3u
#define SCOPE_SCOPE 1u        /* of Scope* */
#define SCOPE_RECORDS 2u
#define SCOPE_SCHEMA_URL 3u
#define DATA_POINTS 1u        /* of Gauge, Sum, ... */
#define LENGTH_WIDTH 4u       /* bytes: the messages may be large */

/* Which field of Metric the data are. */
static uint32_t data_number(enum otlp_message data)
{
    switch (data) {
    case OTLP_SUM:
        return 7;
    case OTLP_HISTOGRAM:
        return 9;
    case OTLP_EXPONENTIAL_HISTOGRAM:
        return 10;
    case OTLP_SUMMARY:
        return 11;
    default:
        return 5;
    }
}

static bool is_data(uint32_t number)
{
    return number == 5 || number == 7 || (number >= 9 && number <= 11);
}

static bool is_points(uint32_t number)
{
    return number == DATA_POINTS;
}

static bool is_nothing(uint32_t number)
{
    (void)number;
    return false;
}

static void put_bytes(struct wire_out *w, const uint8_t *from, size_t len)
{
    uint8_t *at = w->err == GW_OK ? wire_out_room(w, len) : NULL;
    if (!at)
        return;
    if (len)
        memcpy(at, from, len);
    wire_out_wrote(w, at + len);
}

static void put_field(struct wire_out *w, uint32_t number, struct slice bytes)
{
    uint8_t head[2 * WIRE_OUT_TAG_ROOM + 10];
    uint8_t *end = wire_out_put_varint(wire_out_put_tag(head, number, WIRE_BYTES), bytes.len);
    put_bytes(w, head, (size_t)(end - head));
    put_bytes(w, bytes.data, bytes.len);
}

/* All fields of the message as they are, but for some. */
static void put_fields(struct wire_out *w, const struct otlp_view *view, bool (*but)(uint32_t number))
{
    struct otlp_cursor c = otlp_cursor_of(view);
    struct wire_field f;
    while (otlp_cursor_next(&c, &f) == 1)
        if (!but(f.number))
            put_bytes(w, c.tag, (size_t)(c.run[c.level].at - c.tag));
}

static void open_message(struct wire_out *w, uint32_t number)
{
    if (w->err == GW_OK)
        (void)!wire_out_open(w, number, LENGTH_WIDTH);
}

static void close_message(struct wire_out *w)
{
    if (w->err == GW_OK)
        wire_out_close(w);
}

static void put_message(struct wire_out *w, uint32_t number, const struct otlp_view *view)
{
    if (!view->holder.len)
        return;
    open_message(w, number);
    put_fields(w, view, is_nothing);
    close_message(w);
}

static void put_text(struct wire_out *w, uint32_t number, struct slice text)
{
    if (text.len)
        put_field(w, number, text);
}

static void put_point(struct wire_out *w, const struct otlp_record *r)
{
    open_message(w, SCOPE_RECORDS);
    put_fields(w, &r->metric, is_data);
    open_message(w, data_number(r->data_message));
    put_fields(w, &r->data, is_points);
    put_field(w, DATA_POINTS, r->bytes);
    close_message(w);
    close_message(w);
}

int excerpt_append(enum otlp_signal signal, const struct otlp_record *r, struct buf *out)
{
    struct wire_out w;
    wire_out_init(&w, out, 0);
    open_message(&w, RESOURCE_ENTRIES);
    put_message(&w, ENTRY_RESOURCE, &r->resource);
    open_message(&w, ENTRY_SCOPES);
    put_message(&w, SCOPE_SCOPE, &r->scope);
    if (signal == OTLP_METRICS)
        put_point(&w, r);
    else
        put_field(&w, SCOPE_RECORDS, r->bytes);
    put_text(&w, SCOPE_SCHEMA_URL, r->scope_schema_url);
    close_message(&w);
    put_text(&w, ENTRY_SCHEMA_URL, r->resource_schema_url);
    close_message(&w);
    return w.err;
}
