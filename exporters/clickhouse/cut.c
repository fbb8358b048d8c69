// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/cut.h"

#include <stdlib.h>

/* An exponential histogram's counts are a byte each on the wire, mostly, and eight in a row: plan version 1. */
#define EXPONENTIAL_FACTOR 8u

/* Field numbers of Metric, opentelemetry/proto. */
#define METRIC_NAME 1u
#define METRIC_DESCRIPTION 2u
#define METRIC_UNIT 3u

/* Bytes of what stands around a record, kept while it is the same. */
struct around {
    bool known;
    uint32_t resource_index, scope_index, metric_index;
    size_t resource, scope, metric;
};

static size_t message_bytes(const struct otlp_view *view)
{
    struct otlp_cursor c = otlp_cursor_of(view);
    struct wire_field f;
    size_t bytes = 0;
    if (view->levels == 0)
        return view->holder.len;
    while (otlp_cursor_next(&c, &f) == 1)
        bytes += f.type == WIRE_BYTES ? f.bytes.len : sizeof(uint64_t);
    return bytes;
}

static size_t metric_bytes(const struct otlp_view *metric)
{
    return otlp_view_bytes(metric, METRIC_NAME).len + otlp_view_bytes(metric, METRIC_DESCRIPTION).len +
           otlp_view_bytes(metric, METRIC_UNIT).len;
}

static size_t part_bytes(struct around *a, const struct otlp_record *r)
{
    bool other = !a->known || a->resource_index != r->resource_index;
    if (other)
        a->resource = message_bytes(&r->resource) + r->resource_schema_url.len;
    other |= a->scope_index != r->scope_index;
    if (other)
        a->scope = message_bytes(&r->scope) + r->scope_schema_url.len;
    other |= a->metric_index != r->metric_index;
    if (other)
        a->metric = metric_bytes(&r->metric);
    a->known = true;
    a->resource_index = r->resource_index;
    a->scope_index = r->scope_index;
    a->metric_index = r->metric_index;
    size_t own = r->bytes.len;
    if (r->record_message == OTLP_EXPONENTIAL_HISTOGRAM_POINT)
        own *= EXPONENTIAL_FACTOR;
    return own + a->resource + a->scope + a->metric;
}

/* The plan has perhaps one part more: it begins in the batch at `start`. */
static int note_start(struct cut *cut, const struct cut_start *start)
{
    size_t count;
    cut->parts = plan_parts(cut->plan, &count);
    if (count == cut->count)
        return 0;
    if (cut->count == cut->cap) {
        size_t cap = cut->cap ? 2 * cut->cap : 8;
        struct cut_start *more = realloc(cut->starts, cap * sizeof *more);
        if (!more)
            return GW_ERR_NOMEM;
        cut->starts = more;
        cut->cap = cap;
    }
    cut->starts[cut->count++] = *start;
    return 0;
}

static int cut_batch(struct cut *cut, enum otlp_signal signal, const struct reader_batch *batch,
                     struct cut_start *start)
{
    struct around around = {.known = false};
    struct otlp_reader reader;
    uint64_t records = 0;
    int rc = 0;
    otlp_reader_init(&reader, signal, batch->bytes);
    for (; rc == 0 && otlp_reader_next(&reader); records++) {
        const struct otlp_record *r = &reader.now;
        uint32_t day = row_day(row_time_ns(r, batch->received_ns));
        rc = plan_add(cut->plan, row_table(r), day, part_bytes(&around, r));
        if (rc == 0)
            rc = note_start(cut, start);
    }
    start->record += records;
    return rc;
}

int cut_read(struct cut *cut, struct delivery *delivery, const struct plan_limits *limits)
{
    enum otlp_signal signal = (enum otlp_signal)delivery_id(delivery)->signal;
    struct cut_start start = {.record = 0};
    struct reader_batch batch;
    *cut = (struct cut){.count = 0};
    if (!otlp_signal_known((int)signal) || !plan_knows(limits->version))
        return GW_ERR_UNSUPPORTED;
    cut->plan = plan_new(limits);
    int rc = cut->plan ? 0 : GW_ERR_NOMEM;
    delivery_rewind(delivery);
    while (rc == 0) {
        start.place = delivery_place(delivery);
        rc = delivery_next(delivery, &batch);
        if (rc <= 0)
            break;
        rc = cut_batch(cut, signal, &batch, &start);
    }
    if (rc < 0)
        cut_free(cut);
    return rc;
}

void cut_free(struct cut *cut)
{
    plan_free(&cut->plan);
    free(cut->starts);
    *cut = (struct cut){.count = 0};
}
