// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/division.h"

uint32_t division_next(const struct division *d)
{
    uint32_t left = d->rows - d->position;
    return d->span && d->span < left ? d->span : left;
}

void division_taken(struct division *d)
{
    d->position += division_next(d);
    while (d->span && d->span < d->rows / 2 && d->position % (2 * d->span) == 0)
        d->span *= 2;
}

bool division_halve(struct division *d)
{
    uint32_t next = division_next(d), span = 1;
    if (next < 2)
        return false;
    while (2 * span < next)
        span *= 2;
    d->span = span;
    return true;
}

void division_reject(struct division *d, uint32_t rows)
{
    d->position += rows;
}
