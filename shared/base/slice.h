// SPDX-License-Identifier: Apache-2.0
/* A borrowed view of bytes: who made it says how long the bytes live. */
#ifndef MASQUES_BASE_SLICE_H
#define MASQUES_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *data; /* may be NULL when len is 0 */
    size_t len;
};

/* The bytes of a literal or other NUL-terminated string, without the NUL. */
static inline struct slice slice_of(const char *text)
{
    return (struct slice){(const uint8_t *)text, strlen(text)};
}

static inline struct slice slice_make(const void *data, size_t len)
{
    return (struct slice){data, len};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_is(struct slice a, const char *text)
{
    return slice_eq(a, slice_of(text));
}

#endif
