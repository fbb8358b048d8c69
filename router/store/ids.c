// SPDX-License-Identifier: Apache-2.0
#include "router/store/ids.h"

#include <stdlib.h>
#include <string.h>

#include "router/store/le.h"

#define WORKER_BYTES 32u
#define RUN_BYTES 16u

void ids_fini(struct ids *ids)
{
    for (uint32_t i = 0; i < ids->count; i++)
        free(ids->workers[i].runs);
    free(ids->workers);
    *ids = (struct ids){0};
}

void ids_clear(struct ids *ids)
{
    for (uint32_t i = 0; i < ids->count; i++) {
        ids->workers[i].count = 0;
        ids->workers[i].lowest = 0;
    }
    ids->runs = 0;
}

static struct ids_worker *find(struct ids *ids, const uint8_t *incarnation)
{
    if (ids->last < ids->count &&
        memcmp(ids->workers[ids->last].incarnation, incarnation, IDS_INCARNATION_BYTES) == 0)
        return &ids->workers[ids->last];
    for (uint32_t i = 0; i < ids->count; i++) {
        if (memcmp(ids->workers[i].incarnation, incarnation, IDS_INCARNATION_BYTES) == 0) {
            ids->last = i;
            return &ids->workers[i];
        }
    }
    return NULL;
}

static void remove_worker(struct ids *ids, struct ids_worker *w)
{
    ids->runs -= w->count;
    free(w->runs);
    *w = ids->workers[--ids->count];
}

static struct ids_worker *quietest(struct ids *ids)
{
    struct ids_worker *w = &ids->workers[0];
    for (uint32_t i = 1; i < ids->count; i++) {
        if (ids->workers[i].heard < w->heard)
            w = &ids->workers[i];
    }
    return w;
}

static struct ids_worker *find_or_make(struct ids *ids, const uint8_t *incarnation)
{
    struct ids_worker *w = find(ids, incarnation);
    if (w)
        return w;
    if (ids->count == IDS_WORKERS_MAX)
        remove_worker(ids, quietest(ids));
    if (ids->count == ids->cap) {
        uint32_t cap = ids->cap ? ids->cap * 2 : 8;
        struct ids_worker *workers = realloc(ids->workers, cap * sizeof *workers);
        if (!workers)
            return NULL;
        ids->workers = workers;
        ids->cap = cap;
    }
    ids->last = ids->count;
    w = &ids->workers[ids->count++];
    *w = (struct ids_worker){0};
    memcpy(w->incarnation, incarnation, IDS_INCARNATION_BYTES);
    return w;
}

/* Index of the first run that ends at or behind `number`; count when there is none. */
static uint32_t run_at(const struct ids_worker *w, uint64_t number)
{
    uint32_t low = 0, high = w->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (w->runs[mid].last < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool ids_contains(struct ids *ids, const uint8_t *incarnation, uint64_t number)
{
    struct ids_worker *w = find(ids, incarnation);
    if (!w)
        return false;
    uint32_t i = run_at(w, number);
    return i < w->count && w->runs[i].first <= number;
}

uint64_t ids_lowest(struct ids *ids, const uint8_t *incarnation)
{
    struct ids_worker *w = find(ids, incarnation);
    return w ? w->lowest : 0;
}

static void drop_below(struct ids *ids, struct ids_worker *w, uint64_t lowest)
{
    if (lowest <= w->lowest)
        return;
    w->lowest = lowest;
    uint32_t gone = run_at(w, lowest);
    if (gone) {
        w->count -= gone;
        ids->runs -= gone;
        memmove(w->runs, w->runs + gone, w->count * sizeof *w->runs);
    }
    if (w->count && w->runs[0].first < lowest)
        w->runs[0].first = lowest;
}

static int insert_run(struct ids *ids, struct ids_worker *w, uint32_t i, struct ids_run run)
{
    if (ids->runs >= IDS_RUNS_MAX)
        return GW_ERR_FULL;
    if (w->count == w->cap) {
        uint32_t cap = w->cap ? w->cap * 2 : 4;
        struct ids_run *runs = realloc(w->runs, cap * sizeof *runs);
        if (!runs)
            return GW_ERR_NOMEM;
        w->runs = runs;
        w->cap = cap;
    }
    memmove(w->runs + i + 1, w->runs + i, (w->count - i) * sizeof *w->runs);
    w->runs[i] = run;
    w->count++;
    ids->runs++;
    return 0;
}

static void remove_run(struct ids *ids, struct ids_worker *w, uint32_t i)
{
    w->count--;
    ids->runs--;
    memmove(w->runs + i, w->runs + i + 1, (w->count - i) * sizeof *w->runs);
}

/* Adds first..last, joining the runs that it touches or covers. */
static int add_run(struct ids *ids, struct ids_worker *w, struct ids_run run)
{
    uint32_t i = run_at(w, run.first ? run.first - 1 : 0);
    if (i == w->count || w->runs[i].first > run.last + 1)
        return insert_run(ids, w, i, run);
    struct ids_run *into = &w->runs[i];
    if (run.first < into->first)
        into->first = run.first;
    if (run.last > into->last)
        into->last = run.last;
    while (i + 1 < w->count && w->runs[i + 1].first <= w->runs[i].last + 1) {
        if (w->runs[i + 1].last > w->runs[i].last)
            w->runs[i].last = w->runs[i + 1].last;
        remove_run(ids, w, i + 1);
    }
    return 0;
}

int ids_add(struct ids *ids, const uint8_t *incarnation, uint64_t number, uint64_t lowest_open)
{
    struct ids_worker *w = find_or_make(ids, incarnation);
    if (!w)
        return GW_ERR_NOMEM;
    w->heard = ++ids->tick;
    drop_below(ids, w, lowest_open);
    if (number < w->lowest)
        return 0;
    return add_run(ids, w, (struct ids_run){number, number});
}

void ids_forget(struct ids *ids, const uint8_t *incarnation)
{
    struct ids_worker *w = find(ids, incarnation);
    if (w)
        remove_worker(ids, w);
}

void ids_snapshot_put(const struct ids *ids, struct buf *out)
{
    size_t bytes = 8 + (size_t)ids->count * WORKER_BYTES + (size_t)ids->runs * RUN_BYTES;
    uint8_t *at = buf_reserve(out, bytes);
    if (!at)
        return;
    out->len += bytes;
    le_put_u32(at, ids->count);
    le_put_u32(at + 4, 0);
    at += 8;
    for (uint32_t i = 0; i < ids->count; i++) {
        const struct ids_worker *w = &ids->workers[i];
        memcpy(at, w->incarnation, IDS_INCARNATION_BYTES);
        le_put_u64(at + 16, w->lowest);
        le_put_u32(at + 24, w->count);
        le_put_u32(at + 28, 0);
        at += WORKER_BYTES;
        for (uint32_t r = 0; r < w->count; r++, at += RUN_BYTES) {
            le_put_u64(at, w->runs[r].first);
            le_put_u64(at + 8, w->runs[r].last);
        }
    }
}

static int add_worker_runs(struct ids *ids, struct ids_worker *w, const uint8_t *at, uint32_t runs)
{
    for (uint32_t r = 0; r < runs; r++, at += RUN_BYTES) {
        struct ids_run run = {le_get_u64(at), le_get_u64(at + 8)};
        if (run.first > run.last || run.last == UINT64_MAX)
            return GW_ERR_MALFORMED;
        if (run.first < w->lowest)
            run.first = w->lowest;
        int err = run.first <= run.last ? add_run(ids, w, run) : 0;
        if (err)
            return err;
    }
    return 0;
}

int ids_snapshot_add(struct ids *ids, struct slice snapshot)
{
    if (snapshot.len < 8)
        return GW_ERR_MALFORMED;
    uint32_t workers = le_get_u32(snapshot.data);
    struct slice rest = {snapshot.data + 8, snapshot.len - 8};
    for (uint32_t i = 0; i < workers; i++) {
        if (rest.len < WORKER_BYTES)
            return GW_ERR_MALFORMED;
        uint32_t runs = le_get_u32(rest.data + 24);
        if (runs > (rest.len - WORKER_BYTES) / RUN_BYTES)
            return GW_ERR_MALFORMED;
        struct ids_worker *w = find_or_make(ids, rest.data);
        if (!w)
            return GW_ERR_NOMEM;
        w->heard = ++ids->tick;
        drop_below(ids, w, le_get_u64(rest.data + 16));
        int err = add_worker_runs(ids, w, rest.data + WORKER_BYTES, runs);
        if (err)
            return err;
        size_t used = WORKER_BYTES + (size_t)runs * RUN_BYTES;
        rest = slice_make(rest.data + used, rest.len - used);
    }
    return 0;
}
