// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/queues.h"

#include <string.h>

#include "receiver/master/totals.h"

static bool same_exporter(const Masques__Control__Queue *a, const Masques__Control__Queue *b)
{
    return strcmp(a->exporter, b->exporter) == 0;
}

static bool counts(const Masques__Control__Beat *beat, size_t i)
{
    const Masques__Control__Queue *q = beat->queues[i];
    if (q->signal < 1 || q->signal > TOTALS_SIGNALS)
        return false;
    for (size_t k = 0; k < i; k++)
        if (beat->queues[k]->signal == q->signal && same_exporter(beat->queues[k], q))
            return false;
    return true;
}

const Masques__Control__Queue *queues_next(const Masques__Control__Beat *beat, size_t *i)
{
    while (beat && *i < beat->n_queues) {
        size_t at = (*i)++;
        if (counts(beat, at))
            return beat->queues[at];
    }
    return NULL;
}

const Masques__Control__Queue *queues_find(const Masques__Control__Beat *beat, const char *exporter)
{
    const Masques__Control__Queue *q;
    for (size_t i = 0; (q = queues_next(beat, &i)) != NULL;)
        if (strcmp(q->exporter, exporter) == 0)
            return q;
    return NULL;
}

bool queues_is_first(const Masques__Control__Beat *beat, const Masques__Control__Queue *queue)
{
    return queues_find(beat, queue->exporter) == queue;
}
