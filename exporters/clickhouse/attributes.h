// SPDX-License-Identifier: Apache-2.0
/* The attributes of something, gathered while its fields are read, and their order by key. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_ATTRIBUTES_H
#define MASQUES_EXPORTERS_CLICKHOUSE_ATTRIBUTES_H

#include "shared/otlp/value.h"

struct attribute {
    struct slice key; /* borrowed from the batch, as is the value */
    struct otlp_value value;
};

/* Embedded; all zero is empty. */
struct attributes {
    struct attribute *list; /* as they came */
    size_t count, cap;
    bool failed; /* no memory: some are missing */
};

void attributes_fini(struct attributes *attributes);

static inline void attributes_clear(struct attributes *a)
{
    a->count = 0;
    a->failed = false;
}

/* Adds a KeyValue. */
void attributes_add(struct attributes *attributes, struct slice key_value);
/* Adds all KeyValues in field `number` of the message. */
void attributes_add_all(struct attributes *attributes, const struct otlp_view *view, uint32_t number);

/* How the keys of one list are to be written. Lists with the same keys in the same places are the rule: their order
 * is found once. Embedded; all zero fits no list. */
struct attributes_order {
    uint32_t *numbers; /* of the keys, as they came: what the owner calls them */
    uint32_t *places;  /* index into the list of the n-th key in order */
    size_t count, cap;
};

void attributes_order_fini(struct attributes_order *order);
/* Room for `count` keys; what was there is kept. False: no memory. */
bool attributes_order_reserve(struct attributes_order *order, size_t count);
/* Fills `places`: by the bytes of the keys, equal ones as they came. */
void attributes_sort(const struct attributes *attributes, struct attributes_order *order);

#endif
