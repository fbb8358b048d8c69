// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/plan.h"

#include <stdlib.h>

/* The part of a table and day that is not full yet; days of one delivery are few, those of an attacker are not: a hash
 * table. */
struct slot {
    uint64_t key;  /* table and day */
    uint32_t part; /* index + 1; 0: free */
};

#define FIRST_SLOTS 64u

struct plan {
    struct plan_limits limits;
    struct plan_part *parts;
    size_t count, cap;
    struct slot *slots; /* a power of two of them */
    size_t slot_count, slot_used;
    uint64_t records;
};

bool plan_knows(uint32_t version)
{
    return version == PLAN_VERSION;
}

struct plan *plan_new(const struct plan_limits *limits)
{
    struct plan *p = plan_knows(limits->version) ? calloc(1, sizeof *p) : NULL;
    if (!p)
        return NULL;
    p->limits = *limits;
    p->slots = calloc(FIRST_SLOTS, sizeof *p->slots);
    p->slot_count = FIRST_SLOTS;
    if (!p->slots)
        plan_free(&p);
    return p;
}

void plan_free(struct plan **plan)
{
    struct plan *p = *plan;
    if (!p)
        return;
    free(p->parts);
    free(p->slots);
    free(p);
    *plan = NULL;
}

static uint64_t key_of(enum table_kind table, uint32_t day)
{
    return (uint64_t)day * TABLE_KINDS + table;
}

static struct slot *find(const struct plan *p, uint64_t key)
{
    size_t at = key * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    for (;; at++) {
        struct slot *s = &p->slots[at & (p->slot_count - 1)];
        if (!s->part || s->key == key)
            return s;
    }
}

static int grow_slots(struct plan *p)
{
    struct slot *old = p->slots;
    size_t old_count = p->slot_count;
    struct slot *slots = calloc(2 * old_count, sizeof *slots);
    if (!slots)
        return GW_ERR_NOMEM;
    p->slots = slots;
    p->slot_count = 2 * old_count;
    for (size_t i = 0; i < old_count; i++)
        if (old[i].part)
            *find(p, old[i].key) = old[i];
    free(old);
    return 0;
}

static bool fits(const struct plan *p, const struct plan_part *part, size_t bytes)
{
    return part->rows < p->limits.rows && part->bytes + bytes <= p->limits.bytes;
}

static struct plan_part *new_part(struct plan *p)
{
    if (p->count == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 8;
        struct plan_part *parts = realloc(p->parts, cap * sizeof *parts);
        if (!parts)
            return NULL;
        p->parts = parts;
        p->cap = cap;
    }
    return &p->parts[p->count++];
}

int plan_add(struct plan *p, enum table_kind table, uint32_t day, size_t bytes)
{
    if (2 * (p->slot_used + 1) > p->slot_count && grow_slots(p) != 0)
        return GW_ERR_NOMEM;
    struct slot *slot = find(p, key_of(table, day));
    struct plan_part *part = slot->part ? &p->parts[slot->part - 1] : NULL;
    if (!part || !fits(p, part, bytes)) {
        part = new_part(p);
        if (!part)
            return GW_ERR_NOMEM;
        *part = (struct plan_part){.table = table, .day = day, .first = p->records};
        p->slot_used += !slot->part;
        *slot = (struct slot){.key = key_of(table, day), .part = (uint32_t)p->count};
    }
    part->last = p->records++;
    part->rows++;
    part->bytes += bytes;
    return 0;
}

const struct plan_part *plan_parts(const struct plan *plan, size_t *count)
{
    *count = plan->count;
    return plan->parts;
}
