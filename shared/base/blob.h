// SPDX-License-Identifier: Apache-2.0
/* Shared immutable bytes: filled once by their maker, then only read and counted. Holding and dropping are safe
 * from any thread (a ZeroMQ I/O thread drops its share when the bytes are on the wire). */
#ifndef MASQUES_BASE_BLOB_H
#define MASQUES_BASE_BLOB_H

#include <stddef.h>
#include <stdint.h>

struct blob {
    _Atomic uint32_t holders;
    size_t len; /* bytes in use, <= cap; the maker sets it */
    size_t cap;
    uint8_t data[];
};

/* A blob of room for `cap` bytes, len 0, held once by the caller; NULL: no memory. */
struct blob *blob_new(size_t cap);

/* Grows `*b`, which nobody else may hold, to `cap` bytes of room (it may move). 0; GW_ERR_NOMEM: unchanged. */
int blob_grow(struct blob **b, size_t cap);

/* One more holder. Returns `b`. */
struct blob *blob_hold(struct blob *b);

/* One holder less; the last one frees. NULL is fine. */
void blob_drop(struct blob *b);

#endif
