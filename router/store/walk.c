// SPDX-License-Identifier: Apache-2.0
#include "router/store/walk.h"

#include "router/store/le.h"

struct walk walk_from(struct store *store, unsigned signal, struct position at)
{
    return (struct walk){.store = store, .chain = store_chain(store, signal), .at = at};
}

int walk_look(struct walk *w)
{
    if (w->at.sequence >= w->chain->next.sequence)
        return WALK_END;
    if (!w->segment || w->at.sequence >= w->segment->next.sequence ||
        w->at.sequence < w->segment->info.base.sequence) {
        w->segment = chain_find(w->chain, w->at.sequence, &w->next);
        if (!w->segment)
            return WALK_HOLE;
        int err = space_load(w->store, w->segment);
        if (err == GW_ERR_NOT_FOUND || err == GW_ERR_CORRUPT) {
            w->next = w->segment->next; /* the file is gone, or is ours no more */
            w->segment = NULL;
            return WALK_HOLE;
        }
        if (err)
            return err;
    }
    w->entry = &w->segment->index[w->at.sequence - w->segment->info.base.sequence];
    w->next = segment_entry_end(w->entry, w->at);
    return w->entry->flags & SEGMENT_QUARANTINED ? WALK_DAMAGED : WALK_BATCH;
}

void walk_digest_begin(struct store *store)
{
    XXH3_64bits_reset(store->digest);
}

void walk_digest_add(struct store *store, const struct segment_entry *entry)
{
    uint8_t sum[8];
    le_put_u64(sum, entry->checksum);
    XXH3_64bits_update(store->digest, sum, sizeof sum);
}

uint64_t walk_digest_end(struct store *store)
{
    return XXH3_64bits_digest(store->digest);
}

int walk_digest(struct store *store, unsigned signal, struct position from, uint64_t next,
                uint64_t *digest)
{
    struct walk w = walk_from(store, signal, from);
    walk_digest_begin(store);
    for (; w.at.sequence < next; w.at = w.next) {
        int found = walk_look(&w);
        if (found < 0)
            return found;
        if (found != WALK_BATCH)
            return GW_ERR_CORRUPT;
        walk_digest_add(store, w.entry);
    }
    *digest = walk_digest_end(store);
    return 0;
}

uint64_t walk_rest_digest(struct store *store, const struct cursor *cursor, unsigned signal,
                          uint64_t before)
{
    for (uint32_t i = 0; i < cursor->count; i++) {
        const struct group *g = &cursor->groups[i];
        if (g->state == GROUP_DONE || g->start.sequence >= before || g->next.sequence <= before)
            continue;
        uint64_t digest = 0;
        struct position from = {before, 0, 0};
        return walk_digest(store, signal, from, g->next.sequence, &digest) == 0 ? digest : 0;
    }
    return 0;
}
