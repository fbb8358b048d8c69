// SPDX-License-Identifier: Apache-2.0
/* The smallest pieces of ClickHouse's Native format: everything is little-endian, lengths are LEB128. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_NATIVE_H
#define MASQUES_EXPORTERS_CLICKHOUSE_NATIVE_H

#include <string.h>

#include "shared/base/buf.h"

#define NATIVE_VARUINT_MAX_BYTES 10u

/* Writes a VarUInt at `at`, where NATIVE_VARUINT_MAX_BYTES are free. Returns the end. */
static inline uint8_t *native_put_varuint(uint8_t *at, uint64_t value)
{
    while (value > 0x7f) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

/* memcpy() without the call, for the short strings that most are. */
static inline void native_copy(uint8_t *at, const uint8_t *from, size_t len)
{
    if (len > 64) {
        memcpy(at, from, len);
    } else if (len > 32) {
        memcpy(at, from, 32);
        memcpy(at + len - 32, from + len - 32, 32); /* overlaps */
    } else if (len >= 16) {
        memcpy(at, from, 16);
        memcpy(at + len - 16, from + len - 16, 16);
    } else if (len >= 8) {
        memcpy(at, from, 8);
        memcpy(at + len - 8, from + len - 8, 8);
    } else if (len >= 4) {
        memcpy(at, from, 4);
        memcpy(at + len - 4, from + len - 4, 4);
    } else if (len) {
        at[0] = from[0];
        at[len / 2] = from[len / 2];
        at[len - 1] = from[len - 1];
    }
}

/* The most bytes of a string with its length. */
#define NATIVE_STRING_ROOM(len) ((len) + ((len) < 0x80 ? 1u : NATIVE_VARUINT_MAX_BYTES))

/* A length and the bytes at `at`, where NATIVE_STRING_ROOM() bytes are free. Returns the end. */
static inline uint8_t *native_put_string(uint8_t *at, struct slice text)
{
    at = native_put_varuint(at, text.len);
    native_copy(at, text.data, text.len);
    return at + text.len;
}

static inline void native_varuint(struct buf *out, uint64_t value)
{
    uint8_t *at = buf_reserve(out, NATIVE_VARUINT_MAX_BYTES);
    if (at)
        out->len += (size_t)(native_put_varuint(at, value) - at);
}

/* A length and the bytes. False: no room (buf_error()). */
static inline bool native_string(struct buf *out, struct slice text)
{
    uint8_t *at = buf_reserve(out, NATIVE_STRING_ROOM(text.len));
    if (!at)
        return false;
    out->len += (size_t)(native_put_string(at, text) - at);
    return true;
}

static inline void native_put_u16(uint8_t *at, uint16_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap16(value);
#endif
    memcpy(at, &value, sizeof value);
}

static inline void native_put_u32(uint8_t *at, uint32_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap32(value);
#endif
    memcpy(at, &value, sizeof value);
}

static inline void native_put_u64(uint8_t *at, uint64_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    memcpy(at, &value, sizeof value);
}

static inline void native_u64(struct buf *out, uint64_t value)
{
    uint8_t *at = buf_reserve(out, sizeof value);
    if (!at)
        return;
    native_put_u64(at, value);
    out->len += sizeof value;
}

#endif
