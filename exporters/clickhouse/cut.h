// SPDX-License-Identifier: Apache-2.0
/* A delivery's parts (exporters/clickhouse/plan.h), and where in the delivery each of them begins. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_CUT_H
#define MASQUES_EXPORTERS_CLICKHOUSE_CUT_H

#include "exporters/clickhouse/plan.h"
#include "exporters/common/delivery.h"

/* The batch that has the first record of a part. */
struct cut_start {
    struct reader_place place;
    uint64_t record; /* its first, in the delivery */
};

struct cut {
    struct plan *plan;
    const struct plan_part *parts; /* of the plan */
    struct cut_start *starts;      /* for each part */
    size_t count, cap;
};

/* Reads the delivery from its first batch and cuts it. A record counts with the bytes that its row is made of: its own
 * and those of what stands around it. 0; an error of delivery_next(); GW_ERR_NOMEM; GW_ERR_UNSUPPORTED: a signal or
 * plan version that is not known. On an error nothing needs freeing. */
int cut_read(struct cut *cut, struct delivery *delivery, const struct plan_limits *limits) GW_MUST_CHECK;
void cut_free(struct cut *cut);

#endif
