// SPDX-License-Identifier: Apache-2.0
#include "router/store/chain.h"

#include <stdlib.h>
#include <string.h>

void chain_fini(struct chain *chain)
{
    for (uint32_t i = 0; i < chain->count; i++)
        segment_free(&chain->segments[i]);
    free(chain->segments);
    chain->segments = NULL;
    chain->count = chain->cap = 0;
}

int chain_reserve(struct chain *chain)
{
    if (chain->count < chain->cap)
        return 0;
    uint32_t cap = chain->cap ? chain->cap * 2 : 16;
    struct segment **segments = realloc(chain->segments, cap * sizeof(struct segment *));
    if (!segments)
        return GW_ERR_NOMEM;
    chain->segments = segments;
    chain->cap = cap;
    return 0;
}

void chain_push(struct chain *chain, struct segment *segment)
{
    chain->segments[chain->count++] = segment;
    chain->next_number = segment->info.number + 1;
    chain->file_bytes += segment->file_bytes;
}

struct segment *chain_pop(struct chain *chain)
{
    struct segment *newest = chain->segments[--chain->count];
    chain->file_bytes -= newest->file_bytes;
    return newest;
}

void chain_resized(struct chain *chain, uint64_t from, uint64_t to)
{
    chain->file_bytes += to - from;
}

struct segment *chain_shift(struct chain *chain)
{
    if (!chain->count)
        return NULL;
    struct segment *oldest = chain->segments[0];
    chain->count--;
    chain->file_bytes -= oldest->file_bytes;
    memmove(chain->segments, chain->segments + 1, chain->count * sizeof(struct segment *));
    return oldest;
}

struct segment *chain_newest(const struct chain *chain)
{
    return chain->count ? chain->segments[chain->count - 1] : NULL;
}

struct segment *chain_active(const struct chain *chain)
{
    struct segment *newest = chain_newest(chain);
    return newest && !newest->sealed ? newest : NULL;
}

struct position chain_oldest(const struct chain *chain)
{
    return chain->count ? chain->segments[0]->info.base : chain->next;
}

struct segment *chain_find(const struct chain *chain, uint64_t sequence, struct position *resume)
{
    uint32_t low = 0, high = chain->count; /* the first segment that ends behind `sequence` */
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (chain->segments[mid]->next.sequence <= sequence)
            low = mid + 1;
        else
            high = mid;
    }
    *resume = chain->next;
    if (low == chain->count)
        return NULL;
    struct segment *s = chain->segments[low];
    *resume = s->info.base;
    return s->info.base.sequence <= sequence ? s : NULL;
}
