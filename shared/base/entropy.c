// SPDX-License-Identifier: Apache-2.0
#include "shared/base/entropy.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void entropy_fill(void *bytes, size_t n)
{
    assert(n <= 256);
    ssize_t got;
    do
        got = getrandom(bytes, n, 0);
    while (got < 0 && errno == EINTR);
    if (got != (ssize_t)n)
        abort();
}

uint64_t entropy_u64(void)
{
    uint64_t value;
    entropy_fill(&value, sizeof value);
    return value;
}
