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

static inline void native_varuint(struct buf *out, uint64_t value)
{
    uint8_t *at = buf_reserve(out, NATIVE_VARUINT_MAX_BYTES);
    if (at)
        out->len += (size_t)(native_put_varuint(at, value) - at);
}

/* A length and the bytes. False: no memory. */
static inline bool native_string(struct buf *out, struct slice text)
{
    uint8_t *at = buf_reserve(out, NATIVE_VARUINT_MAX_BYTES + text.len);
    if (!at)
        return false;
    uint8_t *end = native_put_varuint(at, text.len);
    if (text.len)
        memcpy(end, text.data, text.len);
    out->len += (size_t)(end - at) + text.len;
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
