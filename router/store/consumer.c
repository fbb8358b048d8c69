// SPDX-License-Identifier: Apache-2.0
#include "router/store/consumer.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_GROUPS 8u

struct store_consumer *consumer_new(uint32_t id)
{
    struct store_consumer *c = calloc(1, sizeof *c);
    if (c)
        c->id = id;
    return c;
}

static void free_note(struct group *g)
{
    free(g->note);
    g->note = NULL;
    g->note_bytes = 0;
}

void cursor_clear(struct cursor *cursor)
{
    for (uint32_t i = 0; i < cursor->count; i++)
        free_note(&cursor->groups[i]);
    free(cursor->groups);
    cursor->groups = NULL;
    cursor->count = cursor->cap = 0;
}

void consumer_free(struct store_consumer **consumer)
{
    if (*consumer) {
        for (unsigned i = 0; i < STORE_SIGNALS; i++)
            cursor_clear(&(*consumer)->cursors[i]);
    }
    free(*consumer);
    *consumer = NULL;
}

struct cursor *consumer_cursor(struct store_consumer *consumer, unsigned signal)
{
    if (signal < 1 || signal > STORE_SIGNALS || !consumer->cursors[signal - 1].active)
        return NULL;
    return &consumer->cursors[signal - 1];
}

uint64_t cursor_lost(const struct cursor *cursor)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < STORE_LOSS_END; i++)
        sum += cursor->lost[i];
    return sum;
}

void cursor_begin(struct cursor *cursor, struct position start)
{
    cursor_clear(cursor);
    cursor->active = true;
    cursor->at = cursor->next = start;
    cursor->start = start;
    /* May wrap around: only differences to it are ever used. */
    cursor->start.records -= cursor->delivered + cursor->rejected + cursor_lost(cursor);
}

struct group *cursor_find(struct cursor *cursor, uint64_t first)
{
    for (uint32_t i = 0; i < cursor->count; i++) {
        struct group *g = &cursor->groups[i];
        if (g->start.sequence == first)
            return g->state == GROUP_DONE ? NULL : g;
    }
    return NULL;
}

static bool reserve(struct cursor *cursor, uint32_t more)
{
    if (cursor->cap - cursor->count >= more)
        return true;
    uint32_t cap = cursor->cap ? cursor->cap : FIRST_GROUPS;
    while (cap - cursor->count < more)
        cap *= 2;
    struct group *groups = realloc(cursor->groups, cap * sizeof *groups);
    if (!groups)
        return false;
    cursor->groups = groups;
    cursor->cap = cap;
    return true;
}

/* The cursor passes what is done at the front. */
static void advance(struct cursor *cursor)
{
    uint32_t gone = 0;
    while (gone < cursor->count && cursor->groups[gone].state == GROUP_DONE)
        cursor->at = cursor->groups[gone++].next;
    cursor->count -= gone;
    if (gone)
        memmove(cursor->groups, cursor->groups + gone, cursor->count * sizeof *cursor->groups);
}

static void finish(struct group *g)
{
    free_note(g);
    g->state = GROUP_DONE;
}

int cursor_push(struct cursor *cursor, const struct group *group)
{
    if (group->start.sequence != cursor->next.sequence ||
        group->next.sequence <= group->start.sequence)
        return GW_ERR_INVALID;
    if (!reserve(cursor, 1))
        return GW_ERR_NOMEM;
    cursor->groups[cursor->count++] = *group;
    cursor->next = group->next;
    advance(cursor);
    return 0;
}

static uint64_t records_in(const struct group *g)
{
    return g->next.records - g->start.records;
}

bool cursor_done(struct cursor *cursor, uint64_t first, uint64_t rejected)
{
    struct group *g = cursor_find(cursor, first);
    if (!g)
        return false;
    uint64_t records = records_in(g);
    if (rejected > records)
        rejected = records;
    cursor->rejected += rejected;
    cursor->delivered += records - rejected;
    finish(g);
    advance(cursor);
    return true;
}

bool cursor_lose_group(struct cursor *cursor, uint64_t first, enum store_loss reason)
{
    struct group *g = cursor_find(cursor, first);
    if (!g)
        return false;
    cursor->lost[reason] += records_in(g);
    finish(g);
    advance(cursor);
    return true;
}

int cursor_note(struct cursor *cursor, uint64_t first, const uint8_t *note, uint32_t bytes)
{
    struct group *g = cursor_find(cursor, first);
    if (!g)
        return GW_ERR_NOT_FOUND;
    uint8_t *copy = malloc(bytes ? bytes : 1);
    if (!copy)
        return GW_ERR_NOMEM;
    if (bytes)
        memcpy(copy, note, bytes);
    free(g->note);
    g->note = copy;
    g->note_bytes = bytes;
    return 0;
}

/* Cuts the group at index i in two at `at`; the second half waits under the given digest. Room is
 * reserved. */
static void cut(struct cursor *cursor, uint32_t i, struct position at, uint64_t digest)
{
    struct group *g = &cursor->groups[i];
    memmove(g + 2, g + 1, (cursor->count - i - 1) * sizeof *g);
    cursor->count++;
    free_note(g); /* speaks of the whole */
    g[1] = *g;
    g[1].start = at;
    g[1].digest = digest;
    g[1].maybe_twice = g->maybe_twice || g->attempts > 0;
    g[1].attempts = 0;
    g[1].state = GROUP_WAITING;
    g->next = at;
}

bool cursor_lose(struct cursor *cursor, struct position before, uint64_t digest,
                 enum store_loss reason, cursor_retired_fn retired, void *ctx, uint64_t *records)
{
    *records = 0;
    if (before.sequence <= cursor->at.sequence)
        return true;
    if (!reserve(cursor, 1))
        return false;
    for (uint32_t i = 0; i < cursor->count; i++) {
        struct group *g = &cursor->groups[i];
        if (g->start.sequence >= before.sequence)
            break;
        if (g->state == GROUP_DONE)
            continue;
        if (retired)
            retired(ctx, g);
        if (g->next.sequence > before.sequence)
            cut(cursor, i, before, digest);
        *records += records_in(g);
        finish(g);
    }
    if (before.sequence > cursor->next.sequence) {
        *records += before.records - cursor->next.records;
        cursor->groups[cursor->count++] =
            (struct group){.start = cursor->next, .next = before, .state = GROUP_DONE};
        cursor->next = before;
    }
    cursor->lost[reason] += *records;
    advance(cursor);
    return true;
}

static bool pieces_cover(const struct group *g, const struct group_piece *pieces, uint32_t count)
{
    uint64_t at = g->start.sequence;
    for (uint32_t i = 0; i < count; i++) {
        if (pieces[i].next.sequence <= at)
            return false;
        at = pieces[i].next.sequence;
    }
    return count && at == g->next.sequence;
}

int cursor_replace(struct cursor *cursor, uint64_t first, const struct group_piece *pieces,
                   uint32_t count, enum store_loss reason, cursor_retired_fn retired, void *ctx)
{
    struct group *g = cursor_find(cursor, first);
    if (!g)
        return GW_ERR_NOT_FOUND;
    if (!pieces_cover(g, pieces, count))
        return GW_ERR_INVALID;
    uint32_t i = (uint32_t)(g - cursor->groups);
    if (!reserve(cursor, count))
        return GW_ERR_NOMEM;
    if (retired)
        retired(ctx, &cursor->groups[i]);
    for (uint32_t p = 0; p < count; p++, i++) {
        if (p + 1 < count)
            cut(cursor, i, pieces[p].next, 0);
        g = &cursor->groups[i];
        if (p + 1 == count && count == 1)
            free_note(g);
        g->digest = pieces[p].digest;
        if (!pieces[p].lost) {
            g->maybe_twice = g->maybe_twice || g->attempts > 0;
            g->attempts = 0;
            g->state = GROUP_WAITING;
            continue;
        }
        cursor->lost[reason] += records_in(g);
        finish(g);
    }
    advance(cursor);
    return 0;
}

void cursor_pending(const struct cursor *cursor, struct position end, struct position *pending)
{
    *pending = (struct position){end.sequence - cursor->at.sequence,
                                 end.records - cursor->at.records, end.bytes - cursor->at.bytes};
    for (uint32_t i = 0; i < cursor->count; i++) {
        const struct group *g = &cursor->groups[i];
        if (g->state != GROUP_DONE)
            continue;
        pending->sequence -= g->next.sequence - g->start.sequence;
        pending->records -= records_in(g);
        pending->bytes -= g->next.bytes - g->start.bytes;
    }
}
