// SPDX-License-Identifier: Apache-2.0
#include "exporters/common/delivery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_RETRY_MS 1000u /* trouble of ours with descriptors or memory may pass in a second */

struct delivery {
    struct link_message *message; /* owned: holds id, extents, note and inline payload */
    const Masques__Bus__Deliver *deliver;
    struct reader *reader;
    struct reader_place place;
    uint32_t attempt;
    delivery_finish_fn finish;
    delivery_noted_fn noted; /* may be NULL */
    void *ctx;
    uint8_t *note; /* of ours, which replaces the message's; NULL: none */
    size_t note_len;
};

struct delivery *delivery_new(struct link_message *message, struct reader *reader,
                              delivery_finish_fn finish, void *ctx)
{
    struct delivery *d = calloc(1, sizeof *d);
    if (!d) {
        link_message_free(&message);
        return NULL;
    }
    d->message = message;
    d->deliver = message->frame->deliver;
    d->reader = reader;
    d->attempt = d->deliver->attempt;
    d->finish = finish;
    d->ctx = ctx;
    return d;
}

void delivery_free(struct delivery **delivery)
{
    struct delivery *d = *delivery;
    *delivery = NULL;
    if (!d)
        return;
    link_message_free(&d->message);
    free(d->note);
    free(d);
}

const Masques__Bus__DeliveryId *delivery_id(const struct delivery *d)
{
    return d->deliver->id;
}

struct slice delivery_note(const struct delivery *d)
{
    if (d->note)
        return slice_make(d->note, d->note_len);
    return slice_make(d->deliver->progress.data, d->deliver->progress.len);
}

void delivery_on_note(struct delivery *d, delivery_noted_fn noted)
{
    d->noted = noted;
}

int delivery_progress(struct delivery *d, struct slice note)
{
    if (note.len > DELIVERY_NOTE_MAX_BYTES)
        return GW_ERR_TOO_LARGE;
    uint8_t *copy = malloc(note.len + 1);
    if (!copy)
        return GW_ERR_NOMEM;
    if (note.len)
        memcpy(copy, note.data, note.len);
    uint8_t *before = d->note;
    size_t before_len = d->note_len;
    d->note = copy;
    d->note_len = note.len;
    int rc = d->noted ? d->noted(d->ctx, d) : GW_OK;
    if (rc < 0) {
        d->note = before;
        d->note_len = before_len;
        free(copy);
    } else {
        free(before);
    }
    return rc;
}

uint32_t delivery_attempt(const struct delivery *d)
{
    return d->attempt;
}

void delivery_set_attempt(struct delivery *d, uint32_t attempt)
{
    d->attempt = attempt;
}

uint64_t delivery_records(const struct delivery *d)
{
    return d->deliver->records;
}

uint64_t delivery_bytes(const struct delivery *d)
{
    return d->deliver->bytes;
}

uint64_t delivery_digest(const struct delivery *d)
{
    return d->deliver->digest;
}

int delivery_next(struct delivery *d, struct reader_batch *batch)
{
    return reader_next(d->reader, d->deliver, d->message->payloads, d->message->payload_count,
                       &d->place, batch);
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

void delivery_finish(struct delivery *d, const struct delivery_verdict *verdict)
{
    d->finish(d->ctx, d, verdict);
}

void delivery_done(struct delivery *d)
{
    delivery_finish(d, &(struct delivery_verdict){.outcome = MASQUES__BUS__OUTCOME__DONE});
}

void delivery_retry(struct delivery *d, uint32_t after_ms, const char *error)
{
    delivery_finish(d, &(struct delivery_verdict){.outcome = MASQUES__BUS__OUTCOME__RETRY,
                                                  .after_ms = after_ms,
                                                  .error = error});
}

void delivery_unreadable(struct delivery *d, int rc)
{
    char error[128];
    bool ours = rc == GW_ERR_IO || rc == GW_ERR_NOMEM;
    snprintf(error, sizeof error, "reading the batches failed: %s",
             rc == GW_ERR_IO ? strerror(errno) : gw_strerror(rc));
    if (ours)
        delivery_retry(d, READ_RETRY_MS, error);
    else
        delivery_finish(d, &(struct delivery_verdict){.outcome = MASQUES__BUS__OUTCOME__CORRUPT,
                                                      .error = error});
}

bool delivery_id_eq(const Masques__Bus__DeliveryId *a, const Masques__Bus__DeliveryId *b)
{
    return a->first == b->first && a->last == b->last && a->signal == b->signal &&
           a->generation == b->generation && strcmp(a->exporter, b->exporter) == 0 &&
           slice_eq(slice_make(a->store.data, a->store.len), slice_make(b->store.data, b->store.len));
}
