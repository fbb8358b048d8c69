// SPDX-License-Identifier: Apache-2.0
/* Batches in flight: for each signal one run of records with a trailer in one segment, written with
 * one call, and stored once that is as safe as the policy says. Until then nobody sees them: the
 * segment's count and the chain's end stay where they were. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "router/store/store_internal.h"

bool flight_has(const struct store *store, unsigned signal)
{
    return store->flight.up && store->flight.runs[signal - 1].segment;
}

/* ---- writing ---- */

static void add_piece(struct flight *f, struct flight_run *run, const void *data, size_t len)
{
    /* pwritev does not write through iov_base */
    union {
        const void *in;
        void *base;
    } bytes = {data};
    f->pieces[f->piece_count++] = (struct iovec){bytes.base, len};
    run->bytes += len;
}

static void add_record(struct flight *f, struct flight_run *run, struct queued_batch *q)
{
    struct segment *s = run->segment;
    const struct store_batch *b = &q->batch;
    uint8_t *head = q->head + SEGMENT_ALIGN;
    uint64_t offset = s->end + run->bytes + run->pad;
    struct segment_record r = {.at = run->at,
                               .number = b->number,
                               .lowest_open = b->lowest_open,
                               .received_ns = b->received_ns,
                               .payload_bytes = (uint32_t)b->payload.len,
                               .sources_bytes = (uint32_t)b->sources.len,
                               .records = b->records,
                               .stream = b->stream};
    memcpy(r.incarnation, b->incarnation, sizeof r.incarnation);
    r.payload_checksum = segment_payload_checksum(s->info.seed, b->payload);
    segment_record_put(&r, b->sources, s->key, offset, head);
    add_piece(f, run, head - run->pad, run->pad + SEGMENT_RECORD_BYTES + b->sources.len);
    add_piece(f, run, b->payload.data, b->payload.len);
    s->index[s->count + run->records++] =
        (struct segment_entry){.offset = offset + SEGMENT_RECORD_BYTES + b->sources.len,
                               .checksum = r.payload_checksum,
                               .received_ns = b->received_ns,
                               .length = r.payload_bytes,
                               .records = b->records,
                               .stream = b->stream};
    q->sequence = run->at.sequence;
    run->at = position_after(run->at, b->records, b->payload.len);
    run->pad = (SEGMENT_ALIGN - run->bytes % SEGMENT_ALIGN) % SEGMENT_ALIGN;
}

static int write_run(struct store *store, struct flight_run *run)
{
    static const uint8_t zeros[SEGMENT_ALIGN];
    struct flight *f = &store->flight;
    struct segment *s = run->segment;
    uint8_t block[SEGMENT_TRAILER_BYTES];
    struct segment_trailer trailer = {.start = s->end, .next = run->at, .count = run->records};
    if (run->pad)
        add_piece(f, run, zeros, (size_t)run->pad);
    segment_trailer_put(&trailer, s->key, s->end + run->bytes, block);
    add_piece(f, run, block, sizeof block);
    int err = segment_write(s, &store->dir, f->pieces, f->piece_count, (size_t)run->bytes);
    if (!err)
        s->flying = run->records;
    run->written = !err;
    return err;
}

static int reserve_pieces(struct flight *f)
{
    size_t need = (size_t)f->list.count * 2 + 2;
    if (need <= f->pieces_cap)
        return 0;
    struct iovec *more = realloc(f->pieces, need * 2 * sizeof *more);
    if (!more)
        return GW_ERR_NOMEM;
    f->pieces = more;
    f->pieces_cap = need * 2;
    return 0;
}

static bool takes_part(const struct queued_batch *q, unsigned signal)
{
    return q->batch.signal == signal && !q->err;
}

/* The segment that the signal's batches go into; a new one, where the plan says so. */
static int choose_segment(struct store *store, unsigned signal, uint64_t file_bytes,
                          struct flight_run *run)
{
    run->file = (struct segment_file){.signal = signal, .named = true};
    if (file_bytes) {
        int err = space_roll(store, signal, file_bytes, &run->file);
        if (err)
            return err;
        run->fresh = true;
    }
    run->segment = chain_active(store_chain(store, signal));
    if (!run->segment)
        return GW_ERR_IO; /* cannot be: a plan without a segment begins one */
    run->file.fd = run->segment->fd;
    run->file.number = run->segment->info.number;
    run->at = run->segment->next;
    return 0;
}

static int write_signal(struct store *store, unsigned signal, uint32_t count, uint64_t file_bytes)
{
    struct flight *f = &store->flight;
    struct flight_run *run = &f->runs[signal - 1];
    f->piece_count = 0;
    int err = reserve_pieces(f);
    if (!err)
        err = choose_segment(store, signal, file_bytes, run);
    if (!err)
        err = segment_reserve(run->segment, count);
    if (err)
        return err;
    for (uint32_t i = 0; i < f->list.count; i++) {
        if (takes_part(&f->list.items[i], signal))
            add_record(f, run, &f->list.items[i]);
    }
    return write_run(store, run);
}

/* Takes out of the queue what flies: of each signal the batches up to the next that begins a
 * segment. Thus what a segment's header says of ids and positions is stored when it is made. */
static void board(struct store *store, uint32_t counts[STORE_SIGNALS],
                  uint64_t file_bytes[STORE_SIGNALS])
{
    struct write_queue *w = &store->write;
    struct flight *f = &store->flight;
    bool waits[STORE_SIGNALS] = {false};
    uint32_t kept = 0;
    for (uint32_t i = 0; i < w->list.count; i++) {
        struct queued_batch *q = &w->list.items[i];
        unsigned k = q->batch.signal - 1;
        waits[k] |= q->file_bytes && counts[k];
        if (waits[k]) {
            w->list.items[kept++] = *q;
            continue;
        }
        if (q->file_bytes && !q->err)
            file_bytes[k] = q->file_bytes;
        w->planned_bytes[k] -= q->file_bytes;
        counts[k] += !q->err;
        f->list.items[f->list.count++] = *q; /* fits: store_append() saw to it */
    }
    w->list.count = kept;
    for (unsigned k = 0; k < STORE_SIGNALS; k++)
        w->plans[k].begun &= waits[k]; /* the others follow from the segment again */
}

void flight_begin(struct store *store)
{
    struct flight *f = &store->flight;
    uint32_t counts[STORE_SIGNALS] = {0};
    uint64_t file_bytes[STORE_SIGNALS] = {0};
    memset(f->runs, 0, sizeof f->runs);
    f->dir = &store->dir;
    f->up = true;
    board(store, counts, file_bytes);
    for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++) {
        struct flight_run *run = &f->runs[signal - 1];
        if (!counts[signal - 1])
            continue;
        run->err = write_signal(store, signal, counts[signal - 1], file_bytes[signal - 1]);
        run->error = errno;
    }
}

void flight_run(struct flight *f)
{
    for (unsigned k = 0; k < STORE_SIGNALS; k++) {
        struct flight_run *run = &f->runs[k];
        if (!run->segment || run->err)
            continue;
        run->err = segment_publish(f->dir, &run->file);
        run->error = errno;
    }
}

/* ---- settling ---- */

static void add_ids(struct store *store, unsigned signal)
{
    const struct batch_list *list = &store->flight.list;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct queued_batch *q = &list->items[i];
        const struct store_batch *b = &q->batch;
        if (takes_part(q, signal) && !q->forgotten &&
            ids_add(&store->ids, b->incarnation, b->number, b->lowest_open) != 0)
            log_warn(store->log,
                     "store: no memory for a batch id: sent again, it would be stored twice");
    }
}

static void end_run(struct store *store, unsigned signal, struct flight_run *run)
{
    if (!run->err) {
        if (!run->segment)
            return;
        segment_land(run->segment);
        store_chain(store, signal)->next = run->segment->next;
        add_ids(store, signal);
        store_note_unsynced(store, run->segment, run->fresh);
        return;
    }
    const char *what = !run->segment ? "cannot create" : run->written ? "cannot sync" : "cannot write";
    store_say_trouble(store->trouble, what, signal,
                      run->segment ? run->file.number : store_chain(store, signal)->next_number,
                      run->error);
    if (!run->segment)
        return;
    log_error(store->log, "store: %s. It is closed at its last good byte", store->trouble);
    if (run->file.named)
        segment_fail(run->segment);
    else
        space_take_back(store, signal, run->file.free_number);
}

/* Those that are tried once more come before all that wait. */
static uint32_t queue_again(struct store *store)
{
    struct batch_list *from = &store->flight.list, *to = &store->write.list;
    uint32_t again = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        struct queued_batch *q = &from->items[i];
        const struct flight_run *run = &store->flight.runs[q->batch.signal - 1];
        if (q->err || !run->err)
            continue;
        if (!run->written || q->again)
            q->err = run->err;
        else
            again++;
        q->again = true;
    }
    if (!again)
        return 0;
    memmove(to->items + again, to->items, to->count * sizeof *to->items);
    to->count += again;
    uint32_t at = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        const struct queued_batch *q = &from->items[i];
        if (!q->err && store->flight.runs[q->batch.signal - 1].err)
            to->items[at++] = *q;
    }
    return again;
}

static void settle(struct store *store, store_settled_fn settled, void *ctx)
{
    struct batch_list *list = &store->flight.list;
    for (uint32_t i = 0; i < list->count; i++) {
        struct queued_batch *q = &list->items[i];
        if (!q->err && store->flight.runs[q->batch.signal - 1].err)
            continue; /* queued again */
        if (settled)
            settled(ctx, q->batch.token, q->err, q->err ? 0 : q->sequence);
        free(q->head);
    }
    list->count = 0;
}

/* The ids of what still waits. */
static void recount_ids(struct store *store)
{
    struct write_queue *w = &store->write;
    ids_clear(&w->ids);
    for (uint32_t i = 0; i < w->list.count; i++) {
        const struct queued_batch *q = &w->list.items[i];
        if (!q->forgotten && ids_add(&w->ids, q->batch.incarnation, q->batch.number,
                                     q->batch.lowest_open) != 0)
            log_warn(store->log, "store: no memory for the id of a batch that waits");
    }
}

void flight_end(struct store *store, store_settled_fn settled, void *ctx)
{
    struct flight *f = &store->flight;
    bool failed = false, stored = false;
    f->up = false;
    for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++) {
        const struct flight_run *run = &f->runs[signal - 1];
        end_run(store, signal, &f->runs[signal - 1]);
        failed |= run->err != 0;
        stored |= run->segment && !run->err;
    }
    queue_again(store);
    settle(store, settled, ctx);
    recount_ids(store);
    if (failed)
        write_replan(store);
    else if (stored)
        store->trouble[0] = '\0';
}
