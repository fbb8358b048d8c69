// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/attributes.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 32u
#define INSERTION_MAX 48u /* up to here moving indexes is cheaper than merging */

void attributes_fini(struct attributes *a)
{
    free(a->list);
    *a = (struct attributes){0};
}

static bool room(struct attributes *a)
{
    if (a->count < a->cap)
        return true;
    size_t cap = a->cap ? 2 * a->cap : FIRST_CAP;
    struct attribute *list = realloc(a->list, cap * sizeof *list);
    if (!list) {
        a->failed = true;
        return false;
    }
    a->list = list;
    a->cap = cap;
    return true;
}

void attributes_add(struct attributes *a, struct slice key_value)
{
    if (!room(a))
        return;
    struct attribute *next = &a->list[a->count++];
    otlp_attribute_read(key_value, &next->key, &next->value);
}

void attributes_add_all(struct attributes *a, const struct otlp_view *view, uint32_t number)
{
    struct otlp_cursor c = otlp_cursor_of(view);
    while (room(a)) {
        struct attribute *next = &a->list[a->count];
        if (!otlp_attribute_next(&c, number, &next->key, &next->value))
            return;
        a->count++;
    }
}

void attributes_order_fini(struct attributes_order *o)
{
    free(o->numbers);
    free(o->places);
    *o = (struct attributes_order){0};
}

bool attributes_order_reserve(struct attributes_order *o, size_t count)
{
    if (count <= o->cap)
        return true;
    size_t cap = count < FIRST_CAP ? FIRST_CAP : count;
    uint32_t *numbers = realloc(o->numbers, cap * sizeof *numbers);
    if (!numbers)
        return false;
    o->numbers = numbers;
    uint32_t *places = realloc(o->places, 2 * cap * sizeof *places); /* the other half is for sorting */
    if (!places)
        return false;
    o->places = places;
    o->cap = cap;
    return true;
}

/* Whether the attribute at `x` has to stand behind that at `y`, which came first. */
static bool behind(const struct attributes *a, uint32_t x, uint32_t y)
{
    struct slice k = a->list[x].key, l = a->list[y].key;
    size_t common = k.len < l.len ? k.len : l.len;
    int by_bytes = common ? memcmp(k.data, l.data, common) : 0;
    return by_bytes ? by_bytes > 0 : k.len > l.len;
}

static void insertion_sort(const struct attributes *a, uint32_t *places, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint32_t moved = places[i];
        size_t at = i;
        for (; at > 0 && behind(a, places[at - 1], moved); at--)
            places[at] = places[at - 1];
        places[at] = moved;
    }
}

/* Bottom up, from runs of INSERTION_MAX; stable. `spare` has room for as many. */
static void merge_sort(const struct attributes *a, uint32_t *places, uint32_t *spare, size_t count)
{
    for (size_t from = 0; from < count; from += INSERTION_MAX)
        insertion_sort(a, places + from, count - from < INSERTION_MAX ? count - from : INSERTION_MAX);
    for (size_t run = INSERTION_MAX; run < count; run *= 2) {
        for (size_t from = 0; from + run < count; from += 2 * run) {
            size_t to = count - from < 2 * run ? count : from + 2 * run;
            memcpy(spare, places + from, run * sizeof *spare);
            size_t left = 0, right = from + run, at = from;
            while (left < run && right < to)
                places[at++] = behind(a, spare[left], places[right]) ? places[right++] : spare[left++];
            memcpy(places + at, spare + left, (run - left) * sizeof *places);
        }
    }
}

void attributes_sort(const struct attributes *a, struct attributes_order *o)
{
    for (size_t i = 0; i < a->count; i++)
        o->places[i] = (uint32_t)i;
    if (a->count <= INSERTION_MAX) {
        insertion_sort(a, o->places, a->count);
        return;
    }
    merge_sort(a, o->places, o->places + o->cap, a->count);
}
