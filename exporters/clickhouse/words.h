// SPDX-License-Identifier: Apache-2.0
/* Values in words, as the tables have them (otlp_value_text_sorted()): into a column without a detour where they are
 * short. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_WORDS_H
#define MASQUES_EXPORTERS_CLICKHOUSE_WORDS_H

#include "exporters/clickhouse/native.h"
#include "shared/otlp/value.h"

/* Where values that are no strings become text; kept for the next value. Embedded. */
struct words {
    struct buf text;
    struct buf room; /* to sort in */
};

void words_init(struct words *words, size_t max_bytes);
void words_fini(struct words *words);
/* Gives back what a very long value has taken. */
void words_trim(struct words *words);

/* The value as text: borrowed from the batch, or valid until the next call. False: no memory. */
bool words_of(struct words *words, const struct otlp_value *value, struct slice *text);

/* Appends the value's text behind its length. False: no memory. */
bool words_append_slow(struct words *words, const struct otlp_value *value, struct buf *out);

static inline bool words_append(struct words *words, const struct otlp_value *value, struct buf *out)
{
    return value->kind == OTLP_VALUE_STRING ? native_string(out, value->is.bytes)
                                            : words_append_slow(words, value, out);
}

#endif
