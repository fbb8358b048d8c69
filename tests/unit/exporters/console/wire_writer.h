// SPDX-License-Identifier: Apache-2.0
/* Writes protobuf messages for tests: field by field into a buffer, submessages from buffers. */
#ifndef MASQUES_TESTS_WIRE_WRITER_H
#define MASQUES_TESTS_WIRE_WRITER_H

#include <string.h>

#include "shared/base/buf.h"

static inline struct buf ww_new(void)
{
    return buf_make(1u << 26);
}

static inline void ww_raw(struct buf *b, uint64_t value)
{
    while (value >= 0x80) {
        buf_byte(b, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    buf_byte(b, (uint8_t)value);
}

static inline void ww_varint(struct buf *b, uint32_t number, uint64_t value)
{
    ww_raw(b, (uint64_t)number << 3);
    ww_raw(b, value);
}

static inline void ww_fixed64(struct buf *b, uint32_t number, uint64_t value)
{
    ww_raw(b, (uint64_t)number << 3 | 1);
    for (unsigned i = 0; i < 8; i++)
        buf_byte(b, (uint8_t)(value >> (8 * i)));
}

static inline void ww_double(struct buf *b, uint32_t number, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    ww_fixed64(b, number, bits);
}

static inline void ww_bytes(struct buf *b, uint32_t number, struct slice bytes)
{
    ww_raw(b, (uint64_t)number << 3 | 2);
    ww_raw(b, bytes.len);
    buf_slice_append(b, bytes);
}

static inline void ww_text(struct buf *b, uint32_t number, const char *text)
{
    ww_bytes(b, number, slice_of(text));
}

/* A submessage; empties `sub`. */
static inline void ww_message(struct buf *b, uint32_t number, struct buf *sub)
{
    ww_bytes(b, number, buf_slice(sub));
    buf_free(sub);
}

/* ---- attributes: KeyValue {1: key, 2: AnyValue} ---- */

static inline void ww_attribute(struct buf *b, uint32_t number, const char *key, struct buf *any)
{
    struct buf pair = ww_new();
    ww_text(&pair, 1, key);
    ww_message(&pair, 2, any);
    ww_message(b, number, &pair);
}

static inline void ww_string(struct buf *b, uint32_t number, const char *key, const char *value)
{
    struct buf any = ww_new();
    ww_text(&any, 1, value);
    ww_attribute(b, number, key, &any);
}

static inline void ww_int(struct buf *b, uint32_t number, const char *key, int64_t value)
{
    struct buf any = ww_new();
    ww_varint(&any, 3, (uint64_t)value);
    ww_attribute(b, number, key, &any);
}

static inline void ww_bool(struct buf *b, uint32_t number, const char *key, bool value)
{
    struct buf any = ww_new();
    ww_varint(&any, 2, value);
    ww_attribute(b, number, key, &any);
}

static inline void ww_number(struct buf *b, uint32_t number, const char *key, double value)
{
    struct buf any = ww_new();
    ww_double(&any, 4, value);
    ww_attribute(b, number, key, &any);
}

/* ---- around the records ---- */

/* Export*ServiceRequest {1: Resource* {1: Resource {service.name}, 2: Scope* {1: scope {1: name}, 2: record}}}:
 * empties `record`. NULL: no such thing. */
static inline struct buf ww_request(const char *service, const char *scope, struct buf *record)
{
    struct buf request = ww_new(), around = ww_new(), inner = ww_new();
    if (service) {
        struct buf resource = ww_new();
        ww_string(&resource, 1, "service.name", service);
        ww_message(&around, 1, &resource);
    }
    if (scope) {
        struct buf named = ww_new();
        ww_text(&named, 1, scope);
        ww_message(&inner, 1, &named);
    }
    ww_message(&inner, 2, record);
    ww_message(&around, 2, &inner);
    ww_message(&request, 1, &around);
    return request;
}

#endif
