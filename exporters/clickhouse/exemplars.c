// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/exemplars.h"

/* Of Exemplar, opentelemetry/proto/metrics/v1. */
enum {
    FIELD_TIME = 2,
    FIELD_AS_DOUBLE = 3,
    FIELD_SPAN_ID = 4,
    FIELD_TRACE_ID = 5,
    FIELD_AS_INT = 6,
    FIELD_ATTRIBUTES = 7,
};

#define TRACE_ID_BYTES 16u
#define SPAN_ID_BYTES 8u

/* Unlike elsewhere an id that is not there is written as zeros: so does the Collector. */
static void exemplar_id(struct column *c, struct slice id, size_t bytes)
{
    static const uint8_t zeros[TRACE_ID_BYTES];
    column_hex(c, id.len ? id : slice_make(zeros, bytes));
}

static void fill_exemplar(struct layout_desk *desk, struct column *c, struct slice bytes)
{
    struct slice trace_id = {0}, span_id = {0};
    uint64_t time_ns = 0, value = 0;
    struct wire_field f;
    struct wire w = wire_of(bytes);
    while (wire_next(&w, &f) == 1) {
        switch (f.number) {
        case FIELD_TIME:
            time_ns = f.value;
            break;
        case FIELD_AS_DOUBLE:
            value = f.value;
            break;
        case FIELD_AS_INT:
            value = layout_number(f.value);
            break;
        case FIELD_SPAN_ID:
            span_id = f.bytes;
            break;
        case FIELD_TRACE_ID:
            trace_id = f.bytes;
            break;
        case FIELD_ATTRIBUTES:
            attributes_add(&desk->attributes, f.bytes);
            break;
        default:
            break;
        }
    }
    layout_map(desk, &c[EXEMPLAR_ATTRIBUTES]);
    column_number(&c[EXEMPLAR_TIME], layout_time(time_ns));
    column_number(&c[EXEMPLAR_VALUE], value);
    exemplar_id(&c[EXEMPLAR_SPAN_ID], span_id, SPAN_ID_BYTES);
    exemplar_id(&c[EXEMPLAR_TRACE_ID], trace_id, TRACE_ID_BYTES);
}

void exemplars_fill(struct layout_desk *desk, struct slice point, uint32_t number, struct column *at)
{
    struct wire_field f;
    struct wire w = wire_of(point);
    while (wire_next(&w, &f) == 1)
        if (f.number == number)
            fill_exemplar(desk, at, f.bytes);
}
