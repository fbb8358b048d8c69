// SPDX-License-Identifier: Apache-2.0
/* Growable bytes with a hard cap and a sticky failure: writers need not check, the one who sends or stores the
 * result asks buf_ok() once. After a failure nothing more is written, and len stays where it was. */
#ifndef MASQUES_BASE_BUF_H
#define MASQUES_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/err.h"
#include "shared/base/slice.h"

struct buf {
    uint8_t *data;
    size_t len; /* <= cap */
    size_t cap; /* <= max */
    size_t max; /* bytes; growing beyond it fails */
    bool failed;
    bool over; /* failed by `max`, not for want of memory */
};

/* An empty buffer that allocates nothing yet. */
static inline struct buf buf_make(size_t max)
{
    return (struct buf){.max = max};
}

/* Frees the bytes; the buffer is empty and usable again. */
void buf_free(struct buf *b);

/* Forgets content and failure, keeps the memory. */
static inline void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = b->over = false;
}

static inline bool buf_ok(const struct buf *b)
{
    return !b->failed;
}

/* 0; GW_ERR_TOO_LARGE: it would have been more than `max`; GW_ERR_NOMEM. */
static inline int buf_error(const struct buf *b)
{
    return b->over ? GW_ERR_TOO_LARGE : b->failed ? GW_ERR_NOMEM : GW_OK;
}

static inline struct slice buf_slice(const struct buf *b)
{
    return (struct slice){b->data, b->len};
}

/* buf_reserve() where there is no room yet. */
uint8_t *buf_grow(struct buf *b, size_t n);

/* Makes room for `n` more bytes behind len and returns where they go, or NULL (failure noted). The caller adds
 * to len what it wrote. */
static inline uint8_t *buf_reserve(struct buf *b, size_t n)
{
    return n <= b->cap - b->len && b->data && !b->failed ? b->data + b->len : buf_grow(b, n);
}

/* Copies. */
void buf_append(struct buf *b, const void *data, size_t n);
void buf_byte(struct buf *b, uint8_t byte);
void buf_text(struct buf *b, const char *text);
void buf_slice_append(struct buf *b, struct slice s);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Decimal, as printf would write it, but fast. */
void buf_u64(struct buf *b, uint64_t value);
void buf_i64(struct buf *b, int64_t value);

/* Lower-case hex of the bytes. */
void buf_hex(struct buf *b, struct slice bytes);

/* Standard base64 (RFC 4648 section 4), padded or not. */
void buf_base64(struct buf *b, struct slice bytes, bool padded);

/* Removes the first `n` bytes (n <= len), moving the rest to the front. */
void buf_drop_front(struct buf *b, size_t n);

#endif
