// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/metrics_numbers.h"

#include <string.h>

const char *const metrics_signals[TOTALS_SIGNALS] = {"logs", "metrics", "traces"};

bool metrics_is_told(const struct member *m, const char *number)
{
    for (size_t i = 0; m->beat && i < m->beat->n_numbers; i++)
        if (strcmp(m->beat->numbers[i]->name, number) == 0)
            return true;
    return false;
}

uint64_t metrics_number_now(const struct member *m, const char *number)
{
    static const struct totals nothing;
    return totals_number(&nothing, m->beat, number);
}

uint64_t metrics_sum_of_workers(const struct family *family, const char *number)
{
    uint64_t sum = 0;
    for (size_t i = 0; family_at(family, i); i++) {
        const struct member *m = family_at(family, i);
        if (m->kind == MEMBER_WORKER)
            sum += totals_number(&m->past, m->beat, number);
    }
    return sum;
}
