// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/attributes.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 32u
#define INSERTION_MAX 48u   /* up to here moving indexes is cheaper than merging */
#define KEPT_MAX_KEYS 1024u /* of a sequence that is kept from block to block */
#define KEPT_MAX_ATTRIBUTES 16384u /* from record to record */
#define KEYS_MAX_BYTES ((size_t)1 << 30)
#define DIGEST_FACTOR UINT64_C(0x9e3779b97f4a7c15)

void attributes_fini(struct attributes *a)
{
    free(a->list);
    *a = (struct attributes){0};
}

void attributes_trim(struct attributes *a)
{
    if (a->cap > KEPT_MAX_ATTRIBUTES)
        attributes_fini(a);
    attributes_clear(a);
}

static bool room(struct attributes *a)
{
    if (a->count < a->cap)
        return true;
    size_t cap = a->cap ? 2 * a->cap : FIRST_CAP;
    bool many = cap > ATTRIBUTES_MAX;
    struct attribute *list = many ? NULL : realloc(a->list, cap * sizeof *list);
    if (!list) {
        a->fault = many ? GW_ERR_TOO_LARGE : GW_ERR_NOMEM;
        return false;
    }
    a->list = list;
    a->cap = cap;
    return true;
}

/* Keys differ in their ends and lengths more than in their beginnings. */
static inline void digest(struct attributes *a, struct slice key)
{
    uint64_t end = key.len;
    if (key.len >= sizeof end)
        end = wire_load64(key.data + key.len - sizeof end);
    else if (key.len)
        end = (uint64_t)key.data[0] << 16 | (uint64_t)key.data[key.len / 2] << 8 | key.data[key.len - 1];
    a->digest = (a->digest + (end ^ key.len << 56)) * DIGEST_FACTOR;
}

void attributes_add(struct attributes *a, struct slice key_value)
{
    if (!room(a))
        return;
    struct attribute *next = &a->list[a->count++];
    if (!otlp_attribute_plain(key_value, &next->key, &next->value))
        otlp_attribute_read(key_value, &next->key, &next->value);
    digest(a, next->key);
    a->room += words_room(&next->value);
}

void attributes_add_run(struct attributes *a, struct wire *fields, uint32_t number)
{
    const uint8_t tag = (uint8_t)(number << 3 | WIRE_BYTES);
    const uint8_t *at = fields->at;
    while (fields->end - at >= 2 && at[0] == tag && at[1] < 0x80 && at[1] <= fields->end - at - 2) {
        if (!room(a))
            return;
        struct attribute *next = &a->list[a->count];
        if (!otlp_attribute_plain(slice_make(at + 2, at[1]), &next->key, &next->value))
            return;
        a->count++;
        digest(a, next->key);
        a->room += words_room(&next->value);
        at += 2 + at[1];
        fields->at = at;
    }
}

void attributes_add_all(struct attributes *a, const struct otlp_view *view, uint32_t number)
{
    struct wire_field f;
    struct otlp_cursor c = otlp_cursor_of(view);
    while (otlp_cursor_next(&c, &f) == 1)
        if (f.number == number)
            attributes_add(a, f.bytes);
}

/* ---- keys ---- */

static void forget(struct key_order *o)
{
    free(o->places);
    free(o->numbers);
    free(o->lengths);
    buf_free(&o->keys);
    *o = (struct key_order){0};
}

void key_orders_fini(struct key_orders *orders)
{
    for (size_t i = 0; orders->orders && i < KEY_ORDERS; i++)
        forget(&orders->orders[i]);
    free(orders->orders);
    orders->orders = NULL;
}

void key_orders_clear(struct key_orders *orders)
{
    for (size_t i = 0; orders->orders && i < KEY_ORDERS; i++) {
        orders->orders[i].numbered = false;
        if (orders->orders[i].cap > KEPT_MAX_KEYS)
            forget(&orders->orders[i]);
    }
}

static bool widen(uint32_t **words, size_t count)
{
    uint32_t *wider = realloc(*words, count * sizeof *wider);
    if (wider)
        *words = wider;
    return wider != NULL;
}

static bool reserve(struct key_order *o, size_t count)
{
    if (count <= o->cap)
        return true;
    size_t cap = count < FIRST_CAP ? FIRST_CAP : count;
    /* The other half of the places is for sorting. */
    if (!widen(&o->places, 2 * cap) || !widen(&o->numbers, cap) || !widen(&o->lengths, cap))
        return false;
    o->cap = cap;
    return true;
}

/* memcmp() == 0 of a few bytes. */
static inline bool same_bytes(const uint8_t *a, const uint8_t *b, size_t len)
{
    uint64_t differ = 0;
    if (len < sizeof differ) {
        for (size_t i = 0; i < len; i++)
            differ |= a[i] ^ b[i];
        return !differ;
    }
    for (size_t i = 0; i + sizeof differ < len; i += sizeof differ)
        differ |= wire_load64(a + i) ^ wire_load64(b + i);
    differ |= wire_load64(a + len - sizeof differ) ^ wire_load64(b + len - sizeof differ);
    return !differ;
}

static bool is_order_of(const struct key_order *o, const struct attributes *a)
{
    const uint8_t *key = o->keys.data;
    if (!o->known || o->digest != a->digest || o->count != a->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        size_t len = a->list[i].key.len;
        if (o->lengths[i] != len)
            return false;
        if (!len) /* there may be no bytes anywhere */
            continue;
        if (!same_bytes(key, a->list[i].key.data, len))
            return false;
        key += len;
    }
    return true;
}

/* Whether the attribute at `x` has to stand behind that at `y`, which came later. */
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

static bool learn(struct key_order *o, const struct attributes *a)
{
    o->known = false;
    if (!reserve(o, a->count))
        return false;
    o->keys.max = KEYS_MAX_BYTES;
    buf_clear(&o->keys);
    for (size_t i = 0; i < a->count; i++) {
        buf_slice_append(&o->keys, a->list[i].key);
        o->lengths[i] = (uint32_t)a->list[i].key.len;
        o->places[i] = (uint32_t)i;
    }
    if (a->count)
        merge_sort(a, o->places, o->places + o->cap, a->count);
    o->count = a->count;
    o->digest = a->digest;
    o->numbered = false;
    o->known = buf_ok(&o->keys);
    return o->known;
}

static bool number(struct key_order *o, const struct attributes *a, struct dictionary *words)
{
    for (size_t n = 0; n < o->count; n++) {
        o->numbers[n] = dictionary_add(words, a->list[o->places[n]].key);
        if (o->numbers[n] == DICTIONARY_NONE)
            return false;
    }
    o->numbered = true;
    return true;
}

/* Where the order is, or where it is to be. */
static struct key_order *place(struct key_orders *orders, const struct attributes *a, bool *found)
{
    size_t at = a->digest >> 32;
    struct key_order *o, *unused = NULL;
    *found = true;
    for (size_t i = 0; i < KEY_ORDERS_PLACES; i++) {
        o = &orders->orders[(at + i) & (KEY_ORDERS - 1)];
        if (is_order_of(o, a))
            return o;
        if (!o->known && !unused)
            unused = o;
    }
    *found = false;
    return unused ? unused : &orders->orders[(at + orders->turn++ % KEY_ORDERS_PLACES) & (KEY_ORDERS - 1)];
}

const struct key_order *key_orders_find(struct key_orders *orders, const struct attributes *a,
                                        struct dictionary *words)
{
    bool found;
    if (!orders->orders)
        orders->orders = calloc(KEY_ORDERS, sizeof *orders->orders);
    if (!orders->orders)
        return NULL;
    struct key_order *o = place(orders, a, &found);
    if (!found && !learn(o, a))
        return NULL;
    return o->numbered || number(o, a, words) ? o : NULL;
}
