// SPDX-License-Identifier: Apache-2.0
#include "shared/config/processor.h"

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define BATCH(member) .offset = offsetof(struct processor_batch, member), .reloadable = true
#define LIMITER(member) .offset = offsetof(struct processor_limiter, member)
#define ANY_TIME .max = 1000 * 24 * DURATION_HOUR_NS

static const struct option batch_rows[] = {
    {.path = "timeout", .type = OPTION_DURATION, BATCH(batch.timeout_ns), ANY_TIME,
     .initial = "200ms",
     .help = "A delivery leaves after so long even if it is smaller than `send_batch_size`; 0: at "
             "once."},
    {.path = "send_batch_size", .type = OPTION_COUNT, BATCH(batch.min_size), .max = UINT32_MAX,
     .initial = "8192",
     .help = "A delivery of so many records leaves at once; with `send_batch_max_size: 0` it is "
             "the largest, too."},
    {.path = "send_batch_max_size", .type = OPTION_COUNT, BATCH(batch.max_size), .max = UINT32_MAX,
     .initial = "0",
     .help = "Most records of a delivery, but for a single request that has more; 0: "
             "`send_batch_size`."},
    {.path = "metadata_keys", .type = OPTION_NO_LIST, .initial = "[]", .reloadable = true,
     .help = "Must be empty: headers of requests are not kept with what they carry."},
    {.path = "metadata_cardinality_limit", .type = OPTION_NUMBER,
     BATCH(metadata_cardinality_limit), .max = UINT32_MAX, .initial = "1000",
     .idle = "there are no metadata_keys to be counted",
     .help = "Has no meaning without `metadata_keys`."},
};

static const struct option limiter_rows[] = {
    {.path = "check_interval", .type = OPTION_DURATION, LIMITER(check_interval_ns), ANY_TIME,
     .initial = "0s",
     .help = "Must be written and more than 0, as in the collector; memory is counted at every "
             "request, not at intervals."},
    {.path = "limit_mib", .type = OPTION_MIB, LIMITER(limit_bytes), .max = SIZE_TIB, .initial = "0",
     .help = "Lowers `masques::limits::ledger` where that is not written."},
    {.path = "spike_limit_mib", .type = OPTION_MIB, LIMITER(spike_limit_bytes), .max = SIZE_TIB,
     .initial = "0", .idle = "requests are refused at limit_mib itself",
     .help = "Has no meaning here: requests are refused at `limit_mib` itself."},
    {.path = "limit_percentage", .type = OPTION_NUMBER, LIMITER(limit_percentage), .max = 100,
     .initial = "0", .help = "Has no meaning here, and is warned of where `limit_mib` is not there."},
    {.path = "spike_limit_percentage", .type = OPTION_NUMBER, LIMITER(spike_limit_percentage),
     .max = 100, .initial = "0", .idle = "requests are refused at the limit itself",
     .help = "Has no meaning here."},
    {.path = "min_gc_interval_when_soft_limited", .type = OPTION_DURATION,
     LIMITER(soft_gc_interval_ns), ANY_TIME, .initial = "10s",
     .idle = "there is no garbage collector here", .help = "Has no meaning here."},
    {.path = "min_gc_interval_when_hard_limited", .type = OPTION_DURATION,
     LIMITER(hard_gc_interval_ns), ANY_TIME, .initial = "0s",
     .idle = "there is no garbage collector here", .help = "Has no meaning here."},
};

static const struct option_set batch_set = {"processors::batch", batch_rows, COUNT(batch_rows)};
static const struct option_set limiter_set = {"processors::memory_limiter", limiter_rows,
                                              COUNT(limiter_rows)};

const struct option_set *processor_batch_options(void)
{
    return &batch_set;
}

const struct option_set *processor_limiter_options(void)
{
    return &limiter_set;
}

static int read_batch(struct reader *r, const struct yaml_entry *entry, struct processor *p)
{
    struct config_batch *batch = &p->batch.batch;
    options_default(batch_set.rows, batch_set.count, &p->batch);
    batch->enabled = true;
    batch->sizer = CONFIG_SIZER_ITEMS;
    int rc = read_options(r, entry->value, &batch_set, &p->batch);
    if (rc == 0 && batch->max_size > 0 && batch->max_size < batch->min_size)
        rc = read_error(r, entry->key,
                        "send_batch_max_size must be greater or equal to send_batch_size");
    return rc;
}

static int read_limiter(struct reader *r, const struct yaml_entry *entry, struct processor *p)
{
    struct processor_limiter *l = &p->limiter;
    options_default(limiter_set.rows, limiter_set.count, l);
    int rc = read_options(r, entry->value, &limiter_set, l);
    if (rc < 0)
        return rc;
    if (l->check_interval_ns == 0)
        return read_error(r, entry->key, "check_interval must be greater than zero");
    if (l->soft_gc_interval_ns < l->hard_gc_interval_ns)
        return read_error(r, entry->key,
                          "min_gc_interval_when_soft_limited should be larger than "
                          "min_gc_interval_when_hard_limited");
    if (l->limit_bytes == 0 && l->limit_percentage == 0)
        return read_error(r, entry->key, "limit_mib or limit_percentage must be greater than zero");
    if (l->limit_bytes > 0 && l->limit_bytes <= l->spike_limit_bytes)
        return read_error(r, entry->key, "spike_limit_mib must be smaller than limit_mib");
    if (l->limit_percentage > 0 && l->limit_percentage <= l->spike_limit_percentage)
        return read_error(r, entry->key,
                          "spike_limit_percentage must be smaller than limit_percentage");
    return 0;
}

int processor_read(struct reader *r, const struct yaml_entry *entry, struct processor *p)
{
    return p->is_batch ? read_batch(r, entry, p) : read_limiter(r, entry, p);
}
