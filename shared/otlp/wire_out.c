// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/wire_out.h"

#define SHORT_BYTES 0x80u /* a message below this has a length of one byte, always */

static size_t capacity(uint32_t width)
{
    return ((size_t)1 << 7 * width) - 1;
}

static uint32_t width_for(size_t size)
{
    return size <= capacity(1) ? 1 : size <= capacity(2) ? 2 : 4;
}

void wire_out_init(struct wire_out *w, struct buf *out, size_t max_bytes)
{
    if (max_bytes == 0 || max_bytes > WIRE_OUT_MAX_BYTES)
        max_bytes = WIRE_OUT_MAX_BYTES;
    w->out = out;
    w->end = max_bytes < SIZE_MAX - out->len ? out->len + max_bytes : SIZE_MAX;
    w->err = GW_OK;
    w->depth = 1;
    w->levels[0] = (struct wire_out_level){out->len, w->end, 0};
}

static int fail(struct wire_out *w, int err)
{
    if (w->err == GW_OK)
        w->err = err;
    return err;
}

/* Gives the length of level `i` `width` bytes. All behind it moves, open messages too. */
static int widen(struct wire_out *w, uint32_t i, uint32_t width)
{
    struct buf *out = w->out;
    size_t shift = width - w->levels[i].width;
    if (out->len > w->end || shift > w->end - out->len)
        return fail(w, GW_ERR_TOO_LARGE);
    if (!buf_reserve(out, shift))
        return fail(w, GW_ERR_NOMEM);
    uint8_t *content = out->data + w->levels[i].start;
    memmove(content + shift, content, out->len - w->levels[i].start);
    out->len += shift;
    w->levels[i].width = width;
    for (uint32_t k = i; k < w->depth; k++)
        w->levels[k].start += shift;
    return GW_OK;
}

static void set_limit(struct wire_out *w, uint32_t i)
{
    size_t own = w->levels[i].start + capacity(w->levels[i].width);
    size_t around = w->levels[i - 1].limit;
    w->levels[i].limit = own < around ? own : around;
}

uint8_t *wire_out_make_room(struct wire_out *w, size_t n)
{
    struct buf *out = w->out;
    for (;;) {
        if (out->len > w->end || n > w->end - out->len) {
            fail(w, GW_ERR_TOO_LARGE);
            return NULL;
        }
        if (out->len + n <= w->levels[w->depth - 1].limit)
            break;
        /* Widening one message makes those around it longer, hence another look. */
        for (uint32_t i = 1; i < w->depth; i++) {
            uint32_t wanted = width_for(out->len + n - w->levels[i].start);
            if (wanted > w->levels[i].width && widen(w, i, wanted) != GW_OK)
                return NULL;
            set_limit(w, i);
        }
    }
    uint8_t *at = buf_reserve(out, n);
    if (!at)
        fail(w, GW_ERR_NOMEM);
    return at;
}

int wire_out_open(struct wire_out *w, uint32_t number, uint32_t width)
{
    uint8_t *at = wire_out_room(w, WIRE_OUT_TAG_ROOM + width);
    if (!at)
        return w->err;
    at = wire_out_put_tag(at, number, WIRE_BYTES);
    wire_out_wrote(w, at + width);
    struct wire_out_level *level = &w->levels[w->depth++];
    level->start = w->out->len;
    level->width = width;
    set_limit(w, w->depth - 1);
    return GW_OK;
}

void wire_out_close(struct wire_out *w)
{
    struct wire_out_level *level = &w->levels[--w->depth];
    uint8_t *content = w->out->data + level->start;
    size_t size = w->out->len - level->start;
    if (size < SHORT_BYTES) {
        uint32_t spare = level->width - 1;
        if (spare)
            memmove(content - spare, content, size);
        w->out->len -= spare;
        content[-(ptrdiff_t)level->width] = (uint8_t)size;
        return;
    }
    uint8_t *at = content - level->width;
    for (uint32_t i = 1; i < level->width; i++, size >>= 7)
        *at++ = (uint8_t)(size | 0x80);
    *at = (uint8_t)size;
}

void wire_out_cut(struct wire_out *w, size_t from, size_t to)
{
    struct buf *out = w->out;
    size_t start = w->levels[w->depth - 1].start;
    memmove(out->data + start + from, out->data + start + to, out->len - start - to);
    out->len -= to - from;
}
