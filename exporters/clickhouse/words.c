// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/words.h"

#include "shared/base/json_text.h"

#define KEPT_MAX_BYTES ((size_t)1 << 20)

void words_init(struct words *w, size_t max_bytes)
{
    w->text = buf_make(max_bytes);
    w->room = buf_make(max_bytes);
}

void words_fini(struct words *w)
{
    buf_free(&w->text);
    buf_free(&w->room);
}

void words_trim(struct words *w)
{
    if (w->text.cap > KEPT_MAX_BYTES)
        buf_free(&w->text);
    if (w->room.cap > KEPT_MAX_BYTES)
        buf_free(&w->room);
}

bool words_of(struct words *w, const struct otlp_value *value, struct slice *text)
{
    if (value->kind == OTLP_VALUE_STRING) {
        *text = value->is.bytes;
        return true;
    }
    buf_clear(&w->text);
    otlp_value_text_sorted(value, &w->room, &w->text);
    *text = buf_slice(&w->text);
    return buf_ok(&w->text);
}

/* An integer, whose text is so short that its length is one byte. */
static bool append_integer(int64_t integer, struct buf *out)
{
    uint8_t *at = buf_reserve(out, 2 + JSON_TEXT_U64_ROOM);
    uint8_t *text = at + 1;
    if (!at)
        return false;
    if (integer < 0)
        *text++ = '-';
    text = json_text_put_u64(text, integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer);
    *at = (uint8_t)(text - at - 1);
    out->len += (size_t)(text - at);
    return true;
}

bool words_append_slow(struct words *w, const struct otlp_value *value, struct buf *out)
{
    struct slice text;
    if (value->kind == OTLP_VALUE_INT)
        return append_integer(value->is.integer, out);
    return words_of(w, value, &text) && native_string(out, text);
}
