// SPDX-License-Identifier: Apache-2.0
#include "shared/base/blob.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "shared/base/err.h"

struct blob *blob_new(size_t cap)
{
    if (cap > SIZE_MAX - sizeof(struct blob))
        return NULL;
    struct blob *b = malloc(sizeof *b + cap);
    if (!b)
        return NULL;
    atomic_init(&b->holders, 1);
    b->len = 0;
    b->cap = cap;
    return b;
}

int blob_grow(struct blob **b, size_t cap)
{
    if (cap > SIZE_MAX - sizeof(struct blob))
        return GW_ERR_NOMEM;
    struct blob *bigger = realloc(*b, sizeof *bigger + cap);
    if (!bigger)
        return GW_ERR_NOMEM;
    bigger->cap = cap;
    *b = bigger;
    return GW_OK;
}

struct blob *blob_hold(struct blob *b)
{
    atomic_fetch_add_explicit(&b->holders, 1, memory_order_relaxed);
    return b;
}

void blob_drop(struct blob *b)
{
    if (b && atomic_fetch_sub_explicit(&b->holders, 1, memory_order_acq_rel) == 1)
        free(b);
}
