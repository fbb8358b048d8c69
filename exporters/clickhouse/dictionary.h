// SPDX-License-Identifier: Apache-2.0
/* The distinct strings of a column, each with a number: what ClickHouse calls the dictionary of a LowCardinality
 * column. Number 0 is the empty string, as its default value has to be. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_DICTIONARY_H
#define MASQUES_EXPORTERS_CLICKHOUSE_DICTIONARY_H

#include "shared/base/buf.h"

struct dictionary_word {
    uint64_t hash;
    uint32_t at;  /* of its bytes in `text`, behind its length */
    uint32_t len; /* bytes */
};

/* Embedded; all zero is empty. */
struct dictionary {
    struct buf text; /* the strings one after the other, each behind its length: as Native has them */
    struct dictionary_word *words;
    uint32_t count; /* of words; 0 before the first dictionary_add() */
    uint32_t cap;
    uint32_t *slots; /* number + 1 of a word, 0: free; a power of two of them */
    uint32_t slot_count;
};

#define DICTIONARY_NONE UINT32_MAX

void dictionary_fini(struct dictionary *dictionary);
/* Empties it; keeps the memory, if it is not very much. */
void dictionary_clear(struct dictionary *dictionary);

/* The number of the string, which is copied when it is new. DICTIONARY_NONE: no memory. */
uint32_t dictionary_add(struct dictionary *dictionary, struct slice word);

/* Whether word number `n` (< count) is this one. */
static inline bool dictionary_is(const struct dictionary *d, uint32_t n, struct slice word)
{
    const struct dictionary_word *w = &d->words[n];
    return w->len == word.len && (!w->len || memcmp(d->text.data + w->at, word.data, w->len) == 0);
}

#endif
