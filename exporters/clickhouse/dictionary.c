// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/dictionary.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "exporters/clickhouse/native.h"

#define FIRST_SLOTS 64u
#define KEPT_MAX_WORDS 65536u /* from block to block */
#define TEXT_MAX_BYTES ((size_t)UINT32_MAX)

void dictionary_fini(struct dictionary *d)
{
    buf_free(&d->text);
    free(d->words);
    free(d->slots);
    *d = (struct dictionary){0};
}

void dictionary_clear(struct dictionary *d)
{
    if (d->cap > KEPT_MAX_WORDS)
        dictionary_fini(d);
    buf_clear(&d->text);
    d->count = 0;
    if (d->slots)
        memset(d->slots, 0, d->slot_count * sizeof *d->slots);
}

static void place(struct dictionary *d, uint32_t number)
{
    uint32_t at = (uint32_t)d->words[number].hash & (d->slot_count - 1);
    while (d->slots[at])
        at = (at + 1) & (d->slot_count - 1);
    d->slots[at] = number + 1;
}

/* Room for one word more, with at most half of the slots in use. */
static bool grow(struct dictionary *d)
{
    if (d->count < d->cap)
        return true;
    uint32_t cap = d->cap ? 2 * d->cap : FIRST_SLOTS / 2;
    struct dictionary_word *words = realloc(d->words, cap * sizeof *words);
    if (!words)
        return false;
    d->words = words;
    uint32_t *slots = calloc(2 * (size_t)cap, sizeof *slots);
    if (!slots)
        return false;
    free(d->slots);
    d->slots = slots;
    d->slot_count = 2 * cap;
    d->cap = cap;
    for (uint32_t i = 0; i < d->count; i++)
        place(d, i);
    return true;
}

static uint32_t append(struct dictionary *d, struct slice word, uint64_t hash)
{
    d->text.max = TEXT_MAX_BYTES;
    if (!grow(d) || !native_string(&d->text, word))
        return DICTIONARY_NONE;
    d->words[d->count] = (struct dictionary_word){
        .hash = hash, .at = (uint32_t)(d->text.len - word.len), .len = (uint32_t)word.len};
    place(d, d->count);
    return d->count++;
}

static uint64_t hash_of(struct slice word)
{
    return XXH3_64bits(word.len ? word.data : (const uint8_t *)"", word.len);
}

uint32_t dictionary_add(struct dictionary *d, struct slice word)
{
    struct slice empty = {0};
    if (!d->count && append(d, empty, hash_of(empty)) == DICTIONARY_NONE)
        return DICTIONARY_NONE;
    if (!word.len)
        return 0;
    uint64_t hash = hash_of(word);
    for (uint32_t at = (uint32_t)hash & (d->slot_count - 1); d->slots[at];
         at = (at + 1) & (d->slot_count - 1)) {
        uint32_t n = d->slots[at] - 1;
        if (d->words[n].hash == hash && dictionary_is(d, n, word))
            return n;
    }
    return append(d, word, hash);
}
