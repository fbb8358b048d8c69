// SPDX-License-Identifier: Apache-2.0
/* A delivery without a router: stands for exporters/common/delivery.c where a test is linked. Its batches are gone as
 * soon as the next one of any delivery is read, as in life. */
#ifndef MASQUES_TESTS_CLICKHOUSE_FAKE_DELIVERY_H
#define MASQUES_TESTS_CLICKHOUSE_FAKE_DELIVERY_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/common/delivery.h"
#include "shared/base/buf.h"

#define FAKE_BATCHES 64u
#define FAKE_STORE "0123456789abcdef"

struct delivery {
    Masques__Bus__DeliveryId id;
    struct buf batches[FAKE_BATCHES];
    size_t count;
    struct reader_place place;
    struct buf note;
    unsigned notes;
    bool notes_fail;
    unsigned verdicts;
    Masques__Bus__Outcome outcome;
    bool degraded;
    uint32_t after_ms;
    char error[512];
    struct delivery_reject rejects[16];
    size_t reject_count;
    struct buf reject_bytes[16];
    char reasons[16][256];
};

#define FAKE_RECEIVED_NS UINT64_C(1795000000000000000)

static struct buf fake_read; /* what delivery_next() gave last */

static inline void fake_delivery_init(struct delivery *d, Masques__Bus__Signal signal)
{
    memset(d, 0, sizeof *d);
    masques__bus__delivery_id__init(&d->id);
    d->id.store.data = (uint8_t *)(uintptr_t)FAKE_STORE;
    d->id.store.len = sizeof FAKE_STORE - 1;
    d->id.generation = 1;
    d->id.exporter = (char *)(uintptr_t)"ch";
    d->id.signal = signal;
    d->id.first = d->id.last = 1;
    d->note = buf_make(DELIVERY_NOTE_MAX_BYTES);
}

/* An empty batch to be filled. */
static inline struct buf *fake_batch(struct delivery *d)
{
    ck_assert_uint_lt(d->count, FAKE_BATCHES);
    d->batches[d->count] = buf_make(1u << 28);
    return &d->batches[d->count++];
}

static inline void fake_delivery_fini(struct delivery *d)
{
    for (size_t i = 0; i < d->count; i++)
        buf_free(&d->batches[i]);
    for (size_t i = 0; i < d->reject_count; i++)
        buf_free(&d->reject_bytes[i]);
    buf_free(&d->note);
    buf_free(&fake_read);
}

/* The same delivery once more, as after a RETRY. */
static inline void fake_delivery_again(struct delivery *d)
{
    d->verdicts = 0;
    d->place = (struct reader_place){0};
}

const Masques__Bus__DeliveryId *delivery_id(const struct delivery *d)
{
    return &d->id;
}

struct slice delivery_note(const struct delivery *d)
{
    return buf_slice(&d->note);
}

int delivery_progress(struct delivery *d, struct slice note)
{
    if (d->notes_fail)
        return GW_ERR_NOMEM;
    buf_clear(&d->note);
    buf_slice_append(&d->note, note);
    ck_assert(buf_ok(&d->note));
    d->notes++;
    return 0;
}

int delivery_next(struct delivery *d, struct reader_batch *batch)
{
    buf_free(&fake_read);
    fake_read = buf_make(1u << 28);
    if (d->place.batch == d->count)
        return 0;
    buf_slice_append(&fake_read, buf_slice(&d->batches[d->place.batch++]));
    *batch = (struct reader_batch){.bytes = buf_slice(&fake_read), .received_ns = FAKE_RECEIVED_NS};
    return 1;
}

void delivery_rewind(struct delivery *d)
{
    d->place = (struct reader_place){0};
}

struct reader_place delivery_place(const struct delivery *d)
{
    return d->place;
}

void delivery_go_to(struct delivery *d, struct reader_place place)
{
    d->place = place;
}

void delivery_finish(struct delivery *d, const struct delivery_verdict *v)
{
    d->verdicts++;
    d->outcome = v->outcome;
    d->degraded = v->degraded;
    d->after_ms = v->after_ms;
    strncpy(d->error, v->error ? v->error : "", sizeof d->error - 1);
    for (size_t i = 0; i < v->rejected_count && i < 16; i++) {
        d->rejects[i] = v->rejected[i];
        strncpy(d->reasons[i], v->rejected[i].reason, sizeof d->reasons[i] - 1);
        buf_free(&d->reject_bytes[i]);
        d->reject_bytes[i] = buf_make(1u << 20);
        buf_slice_append(&d->reject_bytes[i], v->rejected[i].bytes);
    }
    d->reject_count = v->rejected_count;
}

void delivery_unreadable(struct delivery *d, int rc)
{
    delivery_finish(d, &(struct delivery_verdict){.outcome = rc == GW_ERR_NOMEM ? MASQUES__BUS__OUTCOME__RETRY
                                                                                : MASQUES__BUS__OUTCOME__CORRUPT,
                                                  .error = "unreadable"});
}

#endif
