// SPDX-License-Identifier: Apache-2.0
/* Writes protobuf messages inside each other from front to back, when the length of a message is
 * known only at its end. A message starts with room for a length of 1, 2 or 4 bytes; before
 * something is written that would outgrow it, the room is made larger, while what has to move
 * for that is still short. So every byte is written once and moved a few times at most, however
 * deep it lies. A length is the shortest one or, in a message of 128 bytes or more, perhaps padded
 * (protobuf.dev, "Encoding": a varint may be longer than needed).
 *
 * Places in a message are offsets from its first byte: they stay right when the message moves. */
#ifndef MASQUES_OTLP_WIRE_OUT_H
#define MASQUES_OTLP_WIRE_OUT_H

#include "shared/base/buf.h"
#include "shared/otlp/wire.h"

/* Open messages, the outermost (which has no length) being 1: OTLP_DEPTH_MAX messages and a list
 * of packed numbers. */
#define WIRE_OUT_DEPTH_MAX 101u
/* What a length of 4 bytes can say. */
#define WIRE_OUT_MAX_BYTES ((1u << 28) - 1)
#define WIRE_OUT_TAG_ROOM 2u /* bytes; field numbers are 1..2047 */

struct wire_out_level {
    size_t start; /* of the content, in the buffer */
    size_t limit; /* where this message or one around it outgrows its length */
    uint32_t width; /* bytes of the length; 0: the outermost */
};

struct wire_out {
    struct buf *out; /* borrowed */
    size_t end;      /* the buffer may be filled as far as this */
    int err;         /* why there was no room: GW_ERR_TOO_LARGE, GW_ERR_NOMEM; else GW_OK */
    uint32_t depth;  /* levels in use, >= 1 */
    struct wire_out_level levels[WIRE_OUT_DEPTH_MAX];
};

/* Starts the outermost message behind what `out` holds, which is borrowed until the end. It may
 * have `max_bytes`, at most WIRE_OUT_MAX_BYTES (0: that many). */
void wire_out_init(struct wire_out *w, struct buf *out, size_t max_bytes);

/* wire_out_room() when there is none. */
uint8_t *wire_out_make_room(struct wire_out *w, size_t n);

/* Makes room for `n` more bytes of the innermost message and returns where they go; the caller
 * moves w->out->len behind what it wrote. NULL: `w->err` says why; nothing was written. */
static inline uint8_t *wire_out_room(struct wire_out *w, size_t n)
{
    struct buf *out = w->out;
    size_t limit = w->levels[w->depth - 1].limit;
    if (out->len <= limit && n <= limit - out->len && n <= out->cap - out->len)
        return out->data + out->len;
    return wire_out_make_room(w, n);
}

/* Takes note that the bytes before `at` are written. */
static inline void wire_out_wrote(struct wire_out *w, const uint8_t *at)
{
    w->out->len = (size_t)(at - w->out->data);
}

/* Bytes of the innermost message so far. */
static inline size_t wire_out_size(const struct wire_out *w)
{
    return w->out->len - w->levels[w->depth - 1].start;
}

/* Starts a message in field `number` (1..2047), of which about as many bytes are expected as a
 * length of `width` bytes (1, 2, 4) can say. GW_OK, or `w->err`. At most WIRE_OUT_DEPTH_MAX may
 * be open. */
int wire_out_open(struct wire_out *w, uint32_t number, uint32_t width);

/* Ends the innermost message, which is not the outermost. Cannot fail. */
void wire_out_close(struct wire_out *w);

/* Takes the bytes `from` to `to` out of the innermost message. */
void wire_out_cut(struct wire_out *w, size_t from, size_t to);

/* Write at `at`, where there is room, and return the end. */
static inline uint8_t *wire_out_put_varint(uint8_t *at, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

static inline uint8_t *wire_out_put_tag(uint8_t *at, uint32_t number, uint32_t type)
{
    return wire_out_put_varint(at, number << 3 | type);
}

static inline uint8_t *wire_out_put_fixed64(uint8_t *at, uint64_t value)
{
    for (uint32_t i = 0; i < 64; i += 8)
        *at++ = (uint8_t)(value >> i);
    return at;
}

static inline uint8_t *wire_out_put_fixed32(uint8_t *at, uint32_t value)
{
    for (uint32_t i = 0; i < 32; i += 8)
        *at++ = (uint8_t)(value >> i);
    return at;
}

#endif
