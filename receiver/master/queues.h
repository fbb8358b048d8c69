// SPDX-License-Identifier: Apache-2.0
/* The queues of exporters in the router's beat, one for each exporter and signal. */
#ifndef MASQUES_MASTER_QUEUES_H
#define MASQUES_MASTER_QUEUES_H

#include <stdbool.h>
#include <stddef.h>

#include <masques/control.pb-c.h>

/* The next one from index *i on, which moves behind it; NULL: none (also when there is no beat). Signals of a newer
 * router are passed over, and so is a second queue of the same exporter and signal. */
const Masques__Control__Queue *queues_next(const Masques__Control__Beat *beat, size_t *i);

/* It is the first one of its exporter: what is told of the exporter as a whole stands there. */
bool queues_is_first(const Masques__Control__Beat *beat, const Masques__Control__Queue *queue);

/* The first one of that exporter; NULL: none. */
const Masques__Control__Queue *queues_find(const Masques__Control__Beat *beat, const char *exporter);

#endif
