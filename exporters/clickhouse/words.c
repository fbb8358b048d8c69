// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/words.h"

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

int words_of(struct words *w, const struct otlp_value *value, struct slice *text)
{
    if (value->kind == OTLP_VALUE_STRING) {
        *text = value->is.bytes;
        return GW_OK;
    }
    buf_clear(&w->text);
    otlp_value_text_sorted(value, &w->room, &w->text);
    *text = buf_slice(&w->text);
    return buf_error(&w->text);
}

int words_append(struct words *w, const struct otlp_value *value, struct buf *out)
{
    struct slice text = {0};
    size_t room = words_room(value);
    uint8_t *at = room ? buf_reserve(out, room) : NULL;
    if (at) {
        out->len += (size_t)(words_put(at, value) - at);
        return GW_OK;
    }
    int rc = room ? GW_OK : words_of(w, value, &text);
    if (!room && rc == GW_OK)
        native_string(out, text);
    return rc == GW_OK ? buf_error(out) : rc;
}
