// SPDX-License-Identifier: Apache-2.0
/* The attributes of something, gathered while its fields are read, and what is known of their keys. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_ATTRIBUTES_H
#define MASQUES_EXPORTERS_CLICKHOUSE_ATTRIBUTES_H

#include "exporters/clickhouse/dictionary.h"
#include "exporters/clickhouse/words.h"
#include "shared/otlp/value.h"

/* Of one map. A record has a few dozen; one of 64 MiB that consists of the smallest attributes would take gigabytes. */
#define ATTRIBUTES_MAX (512u * 1024)

struct attribute {
    struct slice key; /* borrowed from the batch, as is the value */
    struct otlp_value value;
};

/* Embedded; all zero is empty. */
struct attributes {
    struct attribute *list; /* as they came */
    size_t count, cap;
    size_t room;     /* of all values that are short in words (words_room()) */
    uint64_t digest; /* of the keys, in a few steps: equal for equal ones, mostly not for others */
    int fault;       /* GW_ERR_NOMEM, GW_ERR_TOO_LARGE (ATTRIBUTES_MAX): some are missing */
};

void attributes_fini(struct attributes *attributes);

static inline void attributes_clear(struct attributes *a)
{
    a->count = a->room = 0;
    a->digest = 0;
    a->fault = GW_OK;
}

/* The same, and gives back what very many attributes have taken. */
void attributes_trim(struct attributes *attributes);

/* Adds a KeyValue. */
void attributes_add(struct attributes *attributes, struct slice key_value);
/* Adds the KeyValues of the usual shape that follow at `fields` in field `number` (< 16), and moves behind them. */
void attributes_add_run(struct attributes *attributes, struct wire *fields, uint32_t number);
/* Adds all KeyValues in field `number` of the message. */
void attributes_add_all(struct attributes *attributes, const struct otlp_view *view, uint32_t number);

/* ---- keys ---- */

/* A sequence of keys that came before: how it is sorted, and the numbers of the keys in a dictionary. Records of one
 * kind have the same keys in the same places, so both are found once for all of them. */
struct key_order {
    size_t count, cap;
    uint32_t *places;  /* index into the list of the n-th key in order: by the bytes, equal ones as they came */
    uint32_t *numbers; /* of the n-th key in order */
    uint32_t *lengths; /* of the keys, as they came, and their bytes one behind the other */
    struct buf keys;
    uint64_t digest;
    bool known;    /* there is a sequence here */
    bool numbered; /* numbers are of the dictionary as it is */
};

#define KEY_ORDERS 64u     /* kinds of records that are remembered; a power of two */
#define KEY_ORDERS_PLACES 4u /* of them, next to each other, one kind may be in */

/* Embedded; all zero is empty. */
struct key_orders {
    struct key_order *orders; /* KEY_ORDERS of them; NULL before the first is asked for */
    uint32_t turn;            /* which place is given to the next new kind */
};

void key_orders_fini(struct key_orders *orders);
/* The dictionary was emptied. Sequences of very many keys are forgotten. */
void key_orders_clear(struct key_orders *orders);
/* The order of the attributes' keys, which are in `words` then. Borrowed until the next call; NULL: no memory. */
const struct key_order *key_orders_find(struct key_orders *orders, const struct attributes *attributes,
                                        struct dictionary *words);

#endif
