// SPDX-License-Identifier: Apache-2.0
/* Values in words, as the tables have them (otlp_value_text_sorted()): into a column without a detour where they are
 * short. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_WORDS_H
#define MASQUES_EXPORTERS_CLICKHOUSE_WORDS_H

#include "exporters/clickhouse/native.h"
#include "shared/base/err.h"
#include "shared/base/json_text.h"
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

/* The value as text: borrowed from the batch, or valid until the next call. 0; GW_ERR_TOO_LARGE; GW_ERR_NOMEM. */
int words_of(struct words *words, const struct otlp_value *value, struct slice *text) GW_MUST_CHECK;

/* Appends the value's text behind its length. The same. */
int words_append(struct words *words, const struct otlp_value *value, struct buf *out) GW_MUST_CHECK;

/* ---- short ones ---- */

#define WORDS_INTEGER_ROOM 21u /* a length, a sign and 19 digits */

/* How many bytes words_put() writes at most; 0: the value is not for words_put(). */
static inline size_t words_room(const struct otlp_value *value)
{
    if (value->kind == OTLP_VALUE_STRING)
        return NATIVE_STRING_ROOM(value->is.bytes.len);
    return value->kind == OTLP_VALUE_INT ? WORDS_INTEGER_ROOM : 0;
}

static inline uint8_t *words_put_integer(uint8_t *at, int64_t integer)
{
    uint8_t *text = at + 1;
    if (integer < 0)
        *text++ = '-';
    text = json_text_put_u64(text, integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer);
    *at = (uint8_t)(text - at - 1);
    return text;
}

/* Writes the text behind its length at `at`. Returns the end. */
static inline uint8_t *words_put(uint8_t *at, const struct otlp_value *value)
{
    return value->kind == OTLP_VALUE_STRING ? native_put_string(at, value->is.bytes)
                                            : words_put_integer(at, value->is.integer);
}

#endif
