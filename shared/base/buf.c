// SPDX-License-Identifier: Apache-2.0
#include "shared/base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 256u

void buf_free(struct buf *b)
{
    free(b->data);
    *b = buf_make(b->max);
}

static bool enlarge(struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : FIRST_BYTES;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (cap > b->max)
        cap = b->max;
    uint8_t *data = realloc(b->data, cap);
    if (!data)
        return false;
    b->data = data;
    b->cap = cap;
    return true;
}

uint8_t *buf_grow(struct buf *b, size_t n)
{
    if (b->failed)
        return NULL;
    b->over = n > b->max - b->len;
    if (b->over || !enlarge(b, b->len + n)) {
        b->failed = true;
        return NULL;
    }
    return b->data + b->len;
}

void buf_append(struct buf *b, const void *data, size_t n)
{
    if (n == 0)
        return;
    uint8_t *at = buf_reserve(b, n);
    if (!at)
        return;
    memcpy(at, data, n);
    b->len += n;
}

void buf_byte(struct buf *b, uint8_t byte)
{
    buf_append(b, &byte, 1);
}

void buf_text(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

void buf_slice_append(struct buf *b, struct slice s)
{
    buf_append(b, s.data, s.len);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    char line[512];
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(line, sizeof line, format, args);
    if (n < 0) {
        b->failed = true;
    } else if ((size_t)n < sizeof line) {
        buf_append(b, line, (size_t)n);
    } else {
        uint8_t *at = buf_reserve(b, (size_t)n + 1);
        if (at) {
            vsnprintf((char *)at, (size_t)n + 1, format, again);
            b->len += (size_t)n;
        }
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void buf_u64(struct buf *b, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_append(b, digits + at, sizeof digits - at);
}

void buf_i64(struct buf *b, int64_t value)
{
    uint64_t size = (uint64_t)value;
    if (value < 0) {
        buf_byte(b, '-');
        size = 0 - size;
    }
    buf_u64(b, size);
}

void buf_hex(struct buf *b, struct slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    if (bytes.len > SIZE_MAX / 2) {
        b->failed = true;
        return;
    }
    uint8_t *at = buf_reserve(b, bytes.len * 2);
    if (!at)
        return;
    for (size_t i = 0; i < bytes.len; i++) {
        at[2 * i] = (uint8_t)digits[bytes.data[i] >> 4];
        at[2 * i + 1] = (uint8_t)digits[bytes.data[i] & 15];
    }
    b->len += bytes.len * 2;
}

void buf_base64(struct buf *b, struct slice bytes, bool padded)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t v = (uint32_t)bytes.data[i] << 16;
        if (n > 1)
            v |= (uint32_t)bytes.data[i + 1] << 8;
        if (n > 2)
            v |= bytes.data[i + 2];
        char quad[4] = {digits[v >> 18], digits[v >> 12 & 63], digits[v >> 6 & 63],
                        digits[v & 63]};
        for (size_t k = n + 1; k < 4; k++)
            quad[k] = '=';
        buf_append(b, quad, padded ? 4 : n + 1);
    }
}

void buf_drop_front(struct buf *b, size_t n)
{
    assert(n <= b->len);
    b->len -= n;
    if (b->len)
        memmove(b->data, b->data + n, b->len);
}
