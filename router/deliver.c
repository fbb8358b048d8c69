// SPDX-License-Identifier: Apache-2.0
#include "router/deliver.h"

#include <stdlib.h>
#include <xxhash.h>

#include "router/store/le.h"

void deliver_fini(struct deliver *d)
{
    free(d->extents);
    free(d->extent_pointers);
    free(d->offsets);
    free(d->checksums);
    free(d->times);
    free(d->lengths);
    free(d->records);
    *d = (struct deliver){0};
}

/* One array more in size, or as it was. */
static bool widen(void *list, size_t count, size_t element)
{
    void **at = list;
    void *moved = realloc(*at, count * element);
    if (moved)
        *at = moved;
    return moved != NULL;
}

static int make_room(struct deliver *d, size_t count)
{
    if (count <= d->cap)
        return GW_OK;
    size_t cap = d->cap ? d->cap : 64;
    while (cap < count)
        cap *= 2;
    if (!widen(&d->extents, cap, sizeof *d->extents) ||
        !widen(&d->extent_pointers, cap, sizeof *d->extent_pointers) ||
        !widen(&d->offsets, cap, sizeof *d->offsets) ||
        !widen(&d->checksums, cap, sizeof *d->checksums) ||
        !widen(&d->times, cap, sizeof *d->times) || !widen(&d->lengths, cap, sizeof *d->lengths) ||
        !widen(&d->records, cap, sizeof *d->records))
        return GW_ERR_NOMEM;
    d->cap = cap;
    return GW_OK;
}

void deliver_id(Masques__Bus__DeliveryId *id, const struct store *store,
                const struct subscriber *sub, unsigned signal, uint64_t generation, uint64_t first,
                uint64_t last)
{
    masques__bus__delivery_id__init(id);
    id->store.data = (uint8_t *)(uintptr_t)store_uuid(store); /* packed, never written to */
    id->store.len = STORE_UUID_BYTES;
    id->generation = generation;
    id->exporter = (char *)(uintptr_t)sub->name;
    id->signal = (Masques__Bus__Signal)signal;
    id->first = first;
    id->last = last;
}

/* ---- by reference ---- */

/* Lists the batches, those of one segment together. */
static void list_extents(struct deliver *d, Masques__Bus__Deliver *said,
                         const struct store_extent *batches, size_t count)
{
    size_t segments = 0;
    Masques__Bus__Extents *run = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct store_extent *batch = &batches[i];
        if (!run || run->segment != batch->segment) {
            run = &d->extents[segments];
            masques__bus__extents__init(run);
            run->segment = batch->segment;
            run->seed = batch->seed;
            run->offset = &d->offsets[i];
            run->length = &d->lengths[i];
            run->checksum = &d->checksums[i];
            run->records = &d->records[i];
            run->received_ns = &d->times[i];
            d->extent_pointers[segments++] = run;
        }
        d->offsets[i] = batch->offset;
        d->lengths[i] = batch->length;
        d->checksums[i] = batch->checksum;
        d->records[i] = batch->records;
        d->times[i] = batch->received_ns;
        run->n_offset++;
        run->n_length++;
        run->n_checksum++;
        run->n_records++;
        run->n_received_ns++;
    }
    said->n_extents = segments;
    said->extents = d->extent_pointers;
}

static int send_extents(struct deliver *d, struct sessions *sessions, struct subscriber *sub,
                        Masques__Bus__Frame *frame, const struct store_extent *batches,
                        size_t count)
{
    list_extents(d, frame->deliver, batches, count);
    return sessions_send(sessions, sub->session, frame, NULL, 0);
}

/* ---- with its bytes ---- */

_Static_assert(STORE_GROUP_BATCHES_MAX <= BUS_FRAMES_MAX, "a group travels in one message");

/* Reads all batches, one behind the other. */
static int read_payload(struct store *store, unsigned signal, const struct store_extent *batches,
                        size_t count, struct blob *into)
{
    for (size_t i = 0; i < count; i++) {
        int err = store_read(store, signal, &batches[i], into->data + into->len);
        if (err != GW_OK)
            return err;
        into->len += batches[i].length;
    }
    return GW_OK;
}

/* One frame a batch. */
static void cut_frames(struct deliver *d, const struct store_extent *batches, size_t count,
                       struct blob *payload, struct link_payload *frames)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        d->times[i] = batches[i].received_ns;
        d->records[i] = batches[i].records;
        frames[i] = (struct link_payload){slice_make(payload->data + at, batches[i].length), payload};
        at += batches[i].length;
    }
}

static int send_inline(struct deliver *d, struct store *store, struct sessions *sessions,
                       struct subscriber *sub, unsigned signal, Masques__Bus__Frame *frame,
                       const struct store_extent *batches, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += batches[i].length;
    struct link_payload *frames = malloc(count * sizeof *frames);
    struct blob *payload = blob_new(bytes);
    int err = frames && payload ? GW_OK : GW_ERR_NOMEM;
    if (err == GW_OK)
        err = read_payload(store, signal, batches, count, payload);
    if (err == GW_OK) {
        cut_frames(d, batches, count, payload, frames);
        frame->deliver->n_received_ns = count;
        frame->deliver->received_ns = d->times;
        frame->deliver->n_batch_records = count;
        frame->deliver->batch_records = d->records;
        err = sessions_send(sessions, sub->session, frame, frames, count);
    }
    blob_drop(payload);
    free(frames);
    return err;
}

int deliver_send_letter(struct sessions *sessions, struct subscriber *sub,
                        Masques__Bus__Deliver *said, const struct dead_letter *letter,
                        struct blob *payload)
{
    uint8_t checksum[8];
    uint64_t received_ns = letter->rejected_ns;
    uint32_t records = letter->records < UINT32_MAX ? (uint32_t)letter->records : UINT32_MAX;
    struct link_payload frame_of = {slice_make(payload->data, payload->len), payload};
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    le_put_u64(checksum, letter->payload_checksum);
    said->records = letter->records;
    said->bytes = payload->len;
    said->digest = XXH3_64bits(checksum, sizeof checksum);
    said->n_received_ns = said->n_batch_records = 1;
    said->received_ns = &received_ns;
    said->batch_records = &records;
    frame.body_case = MASQUES__BUS__FRAME__BODY_DELIVER;
    frame.deliver = said;
    return sessions_send(sessions, sub->session, &frame, &frame_of, 1);
}

int deliver_send(struct deliver *d, struct store *store, struct sessions *sessions,
                 struct subscriber *sub, unsigned signal, const struct store_group *group)
{
    const struct store_extent *batches;
    size_t count;
    int err = store_group_extents(store, sub->consumer, signal, group->first, &batches, &count);
    if (err == GW_OK && count == 0)
        err = GW_ERR_NOT_FOUND;
    if (err == GW_OK)
        err = make_room(d, count);
    if (err != GW_OK)
        return err;
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Deliver said = MASQUES__BUS__DELIVER__INIT;
    Masques__Bus__DeliveryId id;
    deliver_id(&id, store, sub, signal, group->generation, group->first, group->last);
    said.id = &id;
    said.attempt = group->attempt;
    said.records = group->records;
    said.bytes = group->bytes;
    said.digest = group->digest;
    said.progress.data = (uint8_t *)(uintptr_t)group->note.data;
    said.progress.len = group->note.len;
    frame.body_case = MASQUES__BUS__FRAME__BODY_DELIVER;
    frame.deliver = &said;
    if (sub->local)
        return send_extents(d, sessions, sub, &frame, batches, count);
    return send_inline(d, store, sessions, sub, signal, &frame, batches, count);
}
