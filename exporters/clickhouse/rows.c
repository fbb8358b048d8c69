// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/rows.h"

#define BATCH_MAX_BYTES ((size_t)1 << 31)

void rows_init(struct rows *r, struct delivery *delivery, const struct cut *cut, size_t part)
{
    *r = (struct rows){.delivery = delivery,
                       .signal = (enum otlp_signal)delivery_id(delivery)->signal,
                       .part = cut->parts[part],
                       .alone = cut->count == 1,
                       .place = cut->starts[part].place,
                       .copy = buf_make(BATCH_MAX_BYTES),
                       .record = cut->starts[part].record};
}

void rows_fini(struct rows *r)
{
    buf_free(&r->copy);
}

/* The next batch. 1; 0: no more; an error. */
static int next_batch(struct rows *r)
{
    struct reader_batch batch;
    delivery_go_to(r->delivery, r->place);
    int rc = delivery_next(r->delivery, &batch);
    if (rc <= 0)
        return rc;
    r->place = delivery_place(r->delivery);
    r->batch = batch.bytes;
    r->received_ns = batch.received_ns;
    r->batch_first = r->record;
    r->in_batch = true;
    r->kept = false;
    r->moves++;
    otlp_reader_init(&r->reader, r->signal, r->batch);
    return 1;
}

static bool belongs(const struct rows *r)
{
    const struct otlp_record *now = &r->reader.now;
    uint64_t record = r->record - 1;
    if (r->alone)
        return true;
    return record >= r->part.first && record <= r->part.last && row_table(now) == r->part.table &&
           row_day(row_time_ns(now, r->received_ns)) == r->part.day;
}

int rows_next(struct rows *r)
{
    while (r->row < r->part.rows) {
        if (!r->in_batch) {
            int rc = next_batch(r);
            if (rc <= 0)
                return rc;
        }
        if (!otlp_reader_next(&r->reader)) {
            r->in_batch = false;
            continue;
        }
        r->record++;
        if (belongs(r)) {
            r->row++;
            return 1;
        }
    }
    return 0;
}

int rows_pause(struct rows *r)
{
    if (!r->in_batch || r->kept)
        return 0;
    buf_clear(&r->copy);
    buf_slice_append(&r->copy, r->batch);
    if (!buf_ok(&r->copy))
        return GW_ERR_NOMEM;
    r->kept = true;
    r->batch = buf_slice(&r->copy);
    r->moves++;
    otlp_reader_init(&r->reader, r->signal, r->batch);
    for (uint64_t i = r->batch_first; i < r->record; i++)
        if (!otlp_reader_next(&r->reader))
            return GW_ERR_CORRUPT;
    return 0;
}
