// SPDX-License-Identifier: Apache-2.0
/* The collector's processors `batch` and `memory_limiter`. Neither is a stage of its own here: the
 * first says how the exporters of its pipelines want their deliveries, the second how much memory
 * requests may take. */
#ifndef MASQUES_CONFIG_PROCESSOR_H
#define MASQUES_CONFIG_PROCESSOR_H

#include "shared/config/config.h"
#include "shared/config/read.h"

struct processor_batch {
    struct config_batch batch;
    uint32_t metadata_cardinality_limit; /* without a meaning, as there are no metadata_keys */
};

struct processor_limiter {
    uint64_t check_interval_ns;
    uint64_t soft_gc_interval_ns;
    uint64_t hard_gc_interval_ns;
    uint64_t limit_bytes; /* 0: none */
    uint64_t spike_limit_bytes;
    uint32_t limit_percentage; /* 0: none */
    uint32_t spike_limit_percentage;
};

struct processor {
    char id[CONFIG_ID_BYTES];
    bool is_batch; /* which of the two it is */
    struct place at;
    struct processor_batch batch;
    struct processor_limiter limiter;
};

/* Reads what is configured as a processor (its id is set) from its map; the reader's trail names
 * it. 0; GW_ERR_INVALID: said; GW_ERR_NOMEM. */
int processor_read(struct reader *r, const struct yaml_entry *entry,
                   struct processor *p) GW_MUST_CHECK;

const struct option_set *processor_batch_options(void);   /* struct processor_batch */
const struct option_set *processor_limiter_options(void); /* struct processor_limiter */

#endif
