// SPDX-License-Identifier: Apache-2.0
/* Batches on their way in: store_append() only plans which batch goes where, and which one begins a
 * new segment. A flight carries the plan out. */
#include <stdlib.h>
#include <string.h>

#include "router/store/store_internal.h"

#define PAGE_BYTES 4096u

static int reserve(struct batch_list *list, uint32_t count)
{
    if (count <= list->cap)
        return 0;
    uint32_t cap = list->cap ? list->cap : 64;
    while (cap < count)
        cap *= 2;
    struct queued_batch *items = realloc(list->items, cap * sizeof *items);
    if (!items)
        return GW_ERR_NOMEM;
    list->items = items;
    list->cap = cap;
    return 0;
}

void batch_list_fini(struct batch_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        free(list->items[i].head);
    free(list->items);
    *list = (struct batch_list){0};
}

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

/* Where the record goes. *file_bytes > 0: into a new segment of that size; there is room. */
static int plan_place(struct store *store, unsigned signal, uint64_t record_bytes,
                      struct write_plan *plan, uint64_t *file_bytes)
{
    const struct segment *active = chain_active(store_chain(store, signal));
    *plan = store->write.plans[signal - 1];
    *file_bytes = 0;
    if (!plan->begun && active)
        *plan = (struct write_plan){true, active->end + active->flying_bytes, active->file_bytes,
                                    active->count + active->flying};
    if (plan->begun &&
        segment_file_need(plan->offset, record_bytes, plan->entries + 1) <= plan->file_bytes) {
        plan->offset += record_bytes;
        plan->entries++;
        return 0;
    }
    uint64_t head = space_header_bytes(store);
    uint64_t need = segment_file_need(head, record_bytes, 1);
    uint64_t bytes = need > store->segment_bytes ? (need + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES
                                                 : store->segment_bytes;
    int err = space_make(store, signal, bytes);
    if (err)
        return err;
    *plan = (struct write_plan){true, head + record_bytes, bytes, 1};
    *file_bytes = bytes;
    return 0;
}

static int plan_batch(struct store *store, struct queued_batch *q)
{
    struct write_queue *w = &store->write;
    const struct store_batch *b = &q->batch;
    struct write_plan plan;
    int err = plan_place(store, b->signal, segment_record_size(b->sources.len, b->payload.len),
                         &plan, &q->file_bytes);
    if (err)
        return err;
    w->plans[b->signal - 1] = plan;
    w->planned_bytes[b->signal - 1] += q->file_bytes;
    return 0;
}

void write_replan(struct store *store)
{
    struct write_queue *w = &store->write;
    memset(w->plans, 0, sizeof w->plans);
    memset(w->planned_bytes, 0, sizeof w->planned_bytes);
    for (uint32_t i = 0; i < w->list.count; i++) {
        struct queued_batch *q = &w->list.items[i];
        q->file_bytes = 0;
        if (!q->err)
            q->err = plan_batch(store, q);
    }
}

/* Alignment zeros, header (filled in later) and sources, in one piece. */
static int make_head(struct queued_batch *q)
{
    struct slice sources = q->batch.sources;
    size_t bytes = SEGMENT_ALIGN + SEGMENT_RECORD_BYTES;
    q->head = malloc(bytes + sources.len);
    if (!q->head)
        return GW_ERR_NOMEM;
    memset(q->head, 0, bytes);
    if (sources.len)
        memcpy(q->head + bytes, sources.data, sources.len);
    q->batch.sources.data = q->head + bytes;
    return 0;
}

/* All that waits or flies fits into either list, so that going from one to the other cannot fail. */
static int reserve_both(struct store *store)
{
    uint32_t count = store->write.list.count + store->flight.list.count + 1;
    int err = reserve(&store->write.list, count);
    return err ? err : reserve(&store->flight.list, count);
}

int store_append(struct store *store, const struct store_batch *batch)
{
    struct write_queue *w = &store->write;
    struct queued_batch q = {.batch = *batch};
    int err = check_batch(store, batch);
    if (!err)
        err = check_id(store, batch);
    if (!err)
        err = reserve_both(store);
    if (!err)
        err = plan_batch(store, &q);
    if (err)
        return err;
    err = make_head(&q);
    if (!err)
        err = ids_add(&w->ids, batch->incarnation, batch->number, batch->lowest_open);
    if (err) {
        free(q.head);
        write_replan(store);
        return err;
    }
    w->list.items[w->list.count++] = q;
    return 0;
}

static void forget_in(struct batch_list *list, const uint8_t *incarnation)
{
    for (uint32_t i = 0; i < list->count; i++) {
        struct queued_batch *q = &list->items[i];
        q->forgotten |=
            memcmp(q->batch.incarnation, incarnation, sizeof q->batch.incarnation) == 0;
    }
}

void store_forget_incarnation(struct store *store,
                              const uint8_t incarnation[STORE_INCARNATION_BYTES])
{
    ids_forget(&store->ids, incarnation);
    ids_forget(&store->write.ids, incarnation);
    forget_in(&store->write.list, incarnation);
    forget_in(&store->flight.list, incarnation);
}
