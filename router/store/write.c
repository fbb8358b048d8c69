// SPDX-License-Identifier: Apache-2.0
/* Batches on their way in. store_append() only plans: which batch goes where, and which one begins
 * a new segment. store_commit() carries the plan out: for each signal and segment one run of
 * records with a trailer, one write. */
#include <stdlib.h>
#include <string.h>

#include "router/store/store_internal.h"

#define PAGE_BYTES 4096u

/* ---- planning ---- */

static int check_batch(const struct store *store, const struct store_batch *b)
{
    if (!store_is_signal(b->signal) || !b->records || !b->payload.len || !b->number ||
        b->number == UINT64_MAX || b->number < b->lowest_open)
        return GW_ERR_INVALID;
    if (b->payload.len > store->max_batch || b->sources.len > STORE_SOURCES_MAX_BYTES)
        return GW_ERR_TOO_LARGE;
    return 0;
}

static int check_id(struct store *store, const struct store_batch *b)
{
    if (ids_contains(&store->ids, b->incarnation, b->number))
        return GW_ERR_EXISTS;
    if (ids_contains(&store->write.ids, b->incarnation, b->number))
        return GW_ERR_AGAIN;
    if (b->number < ids_lowest(&store->ids, b->incarnation) ||
        store->ids.runs + store->write.ids.runs >= IDS_RUNS_MAX)
        return GW_ERR_INVALID;
    return 0;
}

static int reserve_batch(struct write_queue *w)
{
    if (w->count < w->cap)
        return 0;
    uint32_t cap = w->cap ? w->cap * 2 : 64;
    struct queued_batch *more = realloc(w->batches, cap * sizeof *more);
    if (!more)
        return GW_ERR_NOMEM;
    w->batches = more;
    w->cap = cap;
    return 0;
}

/* Where the record goes. *file_bytes > 0: into a new segment of that size; there is room. */
static int plan_place(struct store *store, unsigned signal, uint64_t record_bytes,
                      struct write_plan *plan, uint64_t *file_bytes)
{
    const struct segment *active = chain_active(store_chain(store, signal));
    *plan = store->write.plans[signal - 1];
    *file_bytes = 0;
    if (!plan->begun && active)
        *plan = (struct write_plan){true, active->end, active->file_bytes, active->count};
    if (plan->begun &&
        segment_file_need(plan->offset, record_bytes, plan->entries + 1) <= plan->file_bytes) {
        plan->offset += record_bytes;
        plan->entries++;
        return 0;
    }
    uint64_t head = space_header_bytes(store, store->write.count + 1);
    uint64_t need = segment_file_need(head, record_bytes, 1);
    uint64_t bytes = need > store->segment_bytes ? (need + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES
                                                 : store->segment_bytes;
    int err = space_make(store, bytes);
    if (err)
        return err;
    *plan = (struct write_plan){true, head + record_bytes, bytes, 1};
    *file_bytes = bytes;
    return 0;
}

/* Alignment zeros, header (filled in later) and sources, in one piece. */
static int write_head(struct write_queue *w, struct slice sources, size_t *head)
{
    *head = w->scratch.len;
    size_t bytes = SEGMENT_ALIGN + SEGMENT_RECORD_BYTES;
    uint8_t *at = buf_reserve(&w->scratch, bytes + sources.len);
    if (!at) {
        w->scratch.failed = false;
        return GW_ERR_NOMEM;
    }
    memset(at, 0, bytes);
    if (sources.len)
        memcpy(at + bytes, sources.data, sources.len);
    w->scratch.len += bytes + sources.len;
    return 0;
}

int store_append(struct store *store, const struct store_batch *batch)
{
    struct write_queue *w = &store->write;
    struct write_plan plan;
    struct queued_batch q = {.batch = *batch};
    int err = check_batch(store, batch);
    if (!err)
        err = check_id(store, batch);
    if (!err)
        err = reserve_batch(w);
    if (!err)
        err = plan_place(store, batch->signal,
                         segment_record_size(batch->sources.len, batch->payload.len), &plan,
                         &q.file_bytes);
    if (!err)
        err = write_head(w, batch->sources, &q.head);
    if (!err)
        err = ids_add(&w->ids, batch->incarnation, batch->number, batch->lowest_open);
    if (err)
        return err;
    w->plans[batch->signal - 1] = plan;
    w->planned_bytes += q.file_bytes;
    w->batches[w->count++] = q;
    return 0;
}

/* ---- carrying it out ---- */

/* Batches that go into one segment with one write. */
struct run {
    struct segment *segment;
    uint32_t first, end; /* of the queue; those of other signals lie between */
    uint32_t records;    /* blocks */
    size_t pieces;
    uint64_t bytes; /* so far */
    uint64_t pad;   /* bytes that the last block lacks to the boundary */
    struct position at;
};

static void begin_run(struct store *store, struct run *run, unsigned signal, uint32_t first)
{
    struct segment *active = chain_active(store_chain(store, signal));
    *run = (struct run){.segment = active, .first = first, .end = first};
    if (active)
        run->at = active->next;
}

static void add_piece(struct store *store, struct run *run, const void *data, size_t len)
{
    /* pwritev does not write through iov_base */
    union {
        const void *in;
        void *base;
    } bytes = {data};
    store->write.pieces[run->pieces++] = (struct iovec){bytes.base, len};
    run->bytes += len;
}

static void add_record(struct store *store, struct run *run, struct queued_batch *q)
{
    struct segment *s = run->segment;
    const struct store_batch *b = &q->batch;
    uint8_t *head = store->write.scratch.data + q->head + SEGMENT_ALIGN;
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
    segment_record_put(&r, slice_make(head + SEGMENT_RECORD_BYTES, b->sources.len), s->key, offset,
                       head);
    add_piece(store, run, head - run->pad, run->pad + SEGMENT_RECORD_BYTES + b->sources.len);
    add_piece(store, run, b->payload.data, b->payload.len);
    struct segment_entry entry = {.offset = offset + SEGMENT_RECORD_BYTES + b->sources.len,
                                  .checksum = r.payload_checksum,
                                  .received_ns = b->received_ns,
                                  .length = r.payload_bytes,
                                  .records = b->records,
                                  .stream = b->stream};
    s->index[s->count + run->records++] = entry; /* counts once the run is written */
    q->sequence = run->at.sequence;
    run->at = position_after(run->at, b->records, b->payload.len);
    run->pad = (SEGMENT_ALIGN - run->bytes % SEGMENT_ALIGN) % SEGMENT_ALIGN;
}

/* Everything of this signal from queue index `first` up to `end` has failed. */
static void fail_batches(struct store *store, unsigned signal, uint32_t first, uint32_t end,
                         int err)
{
    for (uint32_t i = first; i < end; i++) {
        if (store->write.batches[i].batch.signal == signal)
            store->write.batches[i].err = err;
    }
}

/* What is written counts as stored from here on. */
static void settle_run(struct store *store, unsigned signal, const struct run *run)
{
    struct segment *s = run->segment;
    for (uint32_t i = 0; i < run->records; i++) {
        struct segment_entry entry = s->index[s->count];
        segment_add(s, &entry);
    }
    store_chain(store, signal)->next = s->next;
    for (uint32_t i = run->first; i < run->end; i++) {
        const struct store_batch *b = &store->write.batches[i].batch;
        if (b->signal == signal &&
            ids_add(&store->ids, b->incarnation, b->number, b->lowest_open) != 0)
            log_warn(store->log,
                     "store: no memory for a batch id: sent again, it would be stored twice");
    }
}

static int end_run(struct store *store, unsigned signal, struct run *run, uint32_t end)
{
    static const uint8_t zeros[SEGMENT_ALIGN];
    run->end = end;
    if (!run->records)
        return 0;
    struct segment *s = run->segment;
    uint8_t block[SEGMENT_TRAILER_BYTES];
    struct segment_trailer trailer = {.start = s->end, .next = run->at, .count = run->records};
    if (run->pad)
        add_piece(store, run, zeros, (size_t)run->pad);
    segment_trailer_put(&trailer, s->key, s->end + run->bytes, block);
    add_piece(store, run, block, sizeof block);
    int err = segment_write(s, &store->dir, store->write.pieces, run->pieces, (size_t)run->bytes);
    if (err) {
        log_error(store->log,
                  "store: cannot write %s/%016llx.seg: it is closed at its last good byte",
                  dir_signal_name(signal), (unsigned long long)s->info.number);
        fail_batches(store, signal, run->first, end, err);
        return err;
    }
    settle_run(store, signal, run);
    return 0;
}

static int write_signal(struct store *store, unsigned signal)
{
    struct write_queue *w = &store->write;
    struct run run;
    int err = 0;
    uint32_t i;
    begin_run(store, &run, signal, 0);
    for (i = 0; i < w->count && !err; i++) {
        struct queued_batch *q = &w->batches[i];
        if (q->batch.signal != signal)
            continue;
        if (q->file_bytes) {
            err = end_run(store, signal, &run, i);
            if (!err)
                err = space_roll(store, signal, q->file_bytes);
            begin_run(store, &run, signal, i);
        }
        if (!err && !run.segment)
            err = GW_ERR_IO; /* cannot be: a plan without a segment begins one */
        if (!err)
            err = segment_reserve(run.segment, run.records + 1);
        if (err)
            break;
        add_record(store, &run, q);
    }
    if (!err)
        return end_run(store, signal, &run, w->count);
    /* What was put together for this run is not written either. */
    fail_batches(store, signal, run.first, w->count, err);
    return err;
}

static int reserve_pieces(struct write_queue *w)
{
    size_t need = (size_t)w->count * 2 + 2;
    if (need <= w->pieces_cap)
        return 0;
    struct iovec *more = realloc(w->pieces, need * 2 * sizeof *more);
    if (!more)
        return GW_ERR_NOMEM;
    w->pieces = more;
    w->pieces_cap = need * 2;
    return 0;
}

static void write_batches(struct store *store)
{
    struct write_queue *w = &store->write;
    int err = reserve_pieces(w);
    for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++) {
        if (!w->plans[signal - 1].begun)
            continue;
        if (err)
            fail_batches(store, signal, 0, w->count, err);
        else
            (void)!write_signal(store, signal);
    }
}

static void settle(struct store *store, store_settled_fn settled, void *ctx)
{
    struct write_queue *w = &store->write;
    for (uint32_t i = 0; i < w->count && settled; i++) {
        const struct queued_batch *q = &w->batches[i];
        settled(ctx, q->batch.token, q->err, q->err ? 0 : q->sequence);
    }
    w->count = 0;
    w->planned_bytes = 0;
    memset(w->plans, 0, sizeof w->plans);
    buf_clear(&w->scratch);
    ids_clear(&w->ids);
}

/* The queue into the file, and into a new file when the time has come or the old one cannot be
 * written. */
static int write_journal(struct store *store)
{
    struct journal *j = &store->journal;
    int err = journal_flush(j);
    if (!err && !journal_full(j))
        return 0;
    int rewritten = journal_rewrite(j, store_snapshot, store, false);
    if (!rewritten)
        return 0;
    if (j->broken)
        return rewritten;
    j->bound += JOURNAL_ROOM_BYTES; /* the old file still serves: try again later */
    return err;
}

int store_commit(struct store *store, store_settled_fn settled, void *ctx)
{
    if (store->write.count)
        write_batches(store);
    int err = write_journal(store);
    if (!err)
        space_release(store);
    if (store->write.count)
        settle(store, settled, ctx);
    return err;
}

void store_forget_incarnation(struct store *store,
                              const uint8_t incarnation[STORE_INCARNATION_BYTES])
{
    ids_forget(&store->ids, incarnation);
}
