// SPDX-License-Identifier: Apache-2.0
#include "router/store/walk.h"
#include "shared/base/clock.h"
#include "shared/base/entropy.h"

#define LOADED_MAX 48u /* sealed segments with index and descriptor in memory */
#define PAGE_BYTES 4096u

uint64_t space_used(const struct store *store)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < STORE_SIGNALS; i++)
        bytes += store->chains[i].file_bytes;
    return bytes;
}

uint64_t space_header_bytes(const struct store *store)
{
    const struct ids *waiting = &store->write.ids;
    uint64_t workers = store->ids.count + waiting->count + 1;
    uint64_t more = store->write.list.count + store->flight.list.count + 1;
    return SEGMENT_SNAPSHOT_OFFSET +
           segment_align(8 + workers * 32 + (store->ids.runs + more) * 16);
}

/* The newest segment of each signal stays until the next one has its header: it carries the
 * accepted ids. */
static int begin_segment(struct store *store, unsigned signal, uint64_t file_bytes,
                         struct segment_file *file)
{
    struct chain *chain = store_chain(store, signal);
    int err = chain_reserve(chain);
    if (err)
        return err;
    while (space_used(store) + store->pool.bytes + file_bytes > store->max_bytes &&
           store->pool.count > 1 && pool_shrink(&store->pool, &store->dir))
        ;
    struct segment_header info = {.number = chain->next_number,
                                  .generation = store->generation,
                                  .base = chain->next,
                                  .seed = entropy_u64(),
                                  .created_ns = clock_wall_ns(),
                                  .signal = (uint8_t)signal};
    struct buf snapshot = buf_make(IDS_SNAPSHOT_MAX_BYTES);
    ids_snapshot_put(&store->ids, &snapshot);
    struct segment *segment = NULL;
    uint64_t free_number = 0;
    err = buf_ok(&snapshot) ? segment_create(&store->dir, &store->pool, &info, buf_slice(&snapshot),
                                             file_bytes, &segment, &free_number)
                            : GW_ERR_NOMEM;
    buf_free(&snapshot);
    if (err)
        return err;
    chain_push(chain, segment);
    *file = (struct segment_file){
        .fd = segment->fd, .signal = signal, .number = info.number, .free_number = free_number};
    return 0;
}

/* Sealed segments in memory stay few, whoever reads them or nobody: the one not used for longest goes. */
static void make_room(struct store *store, const struct segment *keep)
{
    struct segment *oldest = NULL;
    uint32_t loaded = 0;
    for (unsigned i = 0; i < STORE_SIGNALS; i++) {
        const struct chain *chain = &store->chains[i];
        for (uint32_t k = 0; k < chain->count; k++) {
            struct segment *s = chain->segments[k];
            if (!s->sealed || s->fd < 0 || s == keep)
                continue;
            loaded++;
            if (!oldest || s->used < oldest->used)
                oldest = s;
        }
    }
    if (loaded >= LOADED_MAX)
        segment_unload(oldest);
}

int space_seal(struct store *store, struct segment *s)
{
    make_room(store, s);
    s->used = ++store->tick;
    uint64_t before = s->file_bytes;
    int err = segment_seal(s, &store->dir);
    chain_resized(store_chain(store, s->info.signal), before, s->file_bytes);
    if (err)
        log_warn(store->log, "store: segment %llx of %s has no footer",
                 (unsigned long long)s->info.number, dir_signal_name(s->info.signal));
    return err;
}

int space_roll(struct store *store, unsigned signal, uint64_t file_bytes,
               struct segment_file *file)
{
    struct segment *active = chain_active(store_chain(store, signal));
    if (active && space_seal(store, active) == 0)
        store_note_unsynced(store, active, false);
    return begin_segment(store, signal, file_bytes, file);
}

void space_take_back(struct store *store, unsigned signal, uint64_t free_number)
{
    struct segment *s = chain_pop(store_chain(store, signal));
    segment_discard(&s, &store->dir, free_number);
}

/* All consumers are behind the segment's last batch. */
static bool consumed(const struct store *store, unsigned signal, const struct segment *s)
{
    for (uint32_t i = 0; i < store->consumer_count; i++) {
        const struct cursor *cursor = &store->consumers[i]->cursors[signal - 1];
        if (cursor->active && cursor->at.sequence < s->next.sequence)
            return false;
    }
    return true;
}

void space_free_oldest(struct store *store, unsigned signal)
{
    struct chain *chain = store_chain(store, signal);
    struct segment *s = chain_shift(chain);
    char name[DIR_FILE_NAME_BYTES];
    dir_file_name(s->info.number, name);
    /* A file that cannot be moved away is found at the next start, consumed by everybody. */
    if (pool_give(&store->pool, &store->dir, store->dir.signals[chain->signal - 1], name,
                  s->file_bytes) != 0)
        log_warn(store->log, "store: cannot give back %s/%s", dir_signal_name(chain->signal), name);
    segment_free(&s);
}

bool space_in_use(const struct store *store, unsigned signal)
{
    return store->write.plans[signal - 1].begun || flight_has(store, signal);
}

bool space_has_heir(const struct store *store, unsigned signal)
{
    bool unborn = flight_has(store, signal) && store->flight.runs[signal - 1].fresh;
    return store->chains[signal - 1].count > 1u + unborn;
}

int space_turn_over(struct store *store, unsigned signal)
{
    struct segment_file file;
    uint64_t bytes = segment_file_need(space_header_bytes(store), 0, 0);
    int err = space_roll(store, signal, bytes, &file);
    if (err)
        return err;
    err = segment_publish(&store->dir, &file);
    if (!err)
        store_note_unsynced(store, chain_newest(store_chain(store, signal)), true);
    else if (file.named)
        segment_fail(chain_newest(store_chain(store, signal)));
    else
        space_take_back(store, signal, file.free_number);
    return err;
}

void space_lowest(const struct store *store, uint64_t lowest[STORE_SIGNALS])
{
    for (unsigned k = 0; k < STORE_SIGNALS; k++) {
        lowest[k] = UINT64_MAX;
        for (uint32_t i = 0; i < store->consumer_count; i++) {
            const struct cursor *cursor = &store->consumers[i]->cursors[k];
            if (cursor->active && cursor->at.sequence < lowest[k])
                lowest[k] = cursor->at.sequence;
        }
    }
}

/* By what the journal says, and by what it does not say yet (a new consumer). */
static bool may_release(const struct store *store, unsigned signal, const struct segment *s)
{
    return s->next.sequence <= store->released[signal - 1] && consumed(store, signal, s);
}

void space_release(struct store *store)
{
    for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++) {
        struct chain *chain = store_chain(store, signal);
        struct segment *newest = chain_newest(chain);
        if (newest && newest->file_bytes > store->segment_bytes &&
            newest->next.sequence > newest->info.base.sequence && !space_in_use(store, signal) &&
            may_release(store, signal, newest) && space_turn_over(store, signal) != 0)
            continue;
        while (space_has_heir(store, signal) && may_release(store, signal, chain->segments[0]))
            space_free_oldest(store, signal);
    }
}

int space_load(struct store *store, struct segment *segment)
{
    segment->used = ++store->tick;
    if (segment->loaded && segment->fd >= 0)
        return 0;
    make_room(store, segment);
    return segment_load(segment, &store->dir);
}
