// SPDX-License-Identifier: Apache-2.0
/* A read-only cursor over the wire bytes of one protobuf message (protobuf.dev, "Encoding"): it
 * goes from field to field, copies nothing, allocates nothing and never reads outside the bytes
 * it was given, whatever they are. It knows no schema: shared/otlp/schema.h does. Groups (wire
 * types 3 and 4) are refused: OTLP has none. */
#ifndef MASQUES_OTLP_WIRE_H
#define MASQUES_OTLP_WIRE_H

#include <string.h>

#include "shared/base/err.h"
#include "shared/base/slice.h"

enum wire_type {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2, /* a length and that many bytes: strings, bytes, submessages, packed numbers */
    WIRE_FIXED32 = 5,
};

#define WIRE_VARINT_MAX_BYTES 10u
#define WIRE_NUMBER_MAX ((1u << 29) - 1) /* the highest field number of protobuf */

struct wire {
    const uint8_t *at; /* <= end */
    const uint8_t *end;
};

struct wire_field {
    uint32_t number;
    uint32_t type;      /* enum wire_type */
    uint64_t value;     /* of the number types; fixed32 is zero-extended */
    struct slice bytes; /* of WIRE_BYTES; borrowed from the message */
};

static inline struct wire wire_of(struct slice message)
{
    return (struct wire){message.data, message.len ? message.data + message.len : message.data};
}

static inline size_t wire_left(const struct wire *w)
{
    return (size_t)(w->end - w->at);
}

/* Little-endian numbers at `p`, of which the caller knows that they are inside. */
static inline uint64_t wire_load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

static inline uint32_t wire_load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    return v;
}

/* wire_varint() for those longer than one byte. */
int wire_varint_long(struct wire *w, uint64_t *value);

/* Reads a varint of at most 10 bytes and 64 bits and moves behind it. 0; GW_ERR_MALFORMED: it is
 * cut off, longer or larger; the cursor stays. */
static inline int wire_varint(struct wire *w, uint64_t *value)
{
    if (w->at < w->end && *w->at < 0x80) {
        *value = *w->at++;
        return GW_OK;
    }
    return wire_varint_long(w, value);
}

/* Reads a tag: field number 1..2^29-1 and one of the four wire types above. As wire_varint(). */
static inline int wire_tag(struct wire *w, uint32_t *number, uint32_t *type)
{
    const uint8_t *from = w->at;
    uint64_t tag;
    if (wire_varint(w, &tag) != GW_OK)
        return GW_ERR_MALFORMED;
    *type = (uint32_t)tag & 7;
    if (tag >> 32 || tag < 8 || *type == 3 || *type == 4 || *type > 5) {
        w->at = from;
        return GW_ERR_MALFORMED;
    }
    *number = (uint32_t)(tag >> 3);
    return GW_OK;
}

/* Reads the value behind a tag of `type` into `f->value` or `f->bytes`; the rest of `f` is left
 * alone. As wire_varint(). */
static inline int wire_value(struct wire *w, uint32_t type, struct wire_field *f)
{
    const uint8_t *from = w->at;
    switch (type) {
    case WIRE_VARINT:
        return wire_varint(w, &f->value);
    case WIRE_BYTES:
        if (wire_varint(w, &f->value) != GW_OK)
            return GW_ERR_MALFORMED;
        if (f->value > wire_left(w)) {
            w->at = from;
            return GW_ERR_MALFORMED;
        }
        f->bytes = slice_make(w->at, (size_t)f->value);
        w->at += f->value;
        return GW_OK;
    case WIRE_FIXED64:
        if (wire_left(w) < 8)
            return GW_ERR_MALFORMED;
        f->value = wire_load64(w->at);
        w->at += 8;
        return GW_OK;
    case WIRE_FIXED32:
        if (wire_left(w) < 4)
            return GW_ERR_MALFORMED;
        f->value = wire_load32(w->at);
        w->at += 4;
        return GW_OK;
    default:
        return GW_ERR_MALFORMED;
    }
}

/* Reads the next field. 1: `*f` is set, its bytes borrowed from the message; 0: the end,
 * exactly; GW_ERR_MALFORMED: no field can be read here, the cursor stands at its tag or its
 * value. */
static inline int wire_next(struct wire *w, struct wire_field *f)
{
    if (w->at == w->end)
        return 0;
    if (wire_tag(w, &f->number, &f->type) != GW_OK || wire_value(w, f->type, f) != GW_OK)
        return GW_ERR_MALFORMED;
    return 1;
}

/* The number that a value of a signed kind means. */
static inline int64_t wire_zigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static inline double wire_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
