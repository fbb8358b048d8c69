// SPDX-License-Identifier: Apache-2.0
#include "shared/config/delivery.h"

#include <string.h>

#define DELIVERY(member) .offset = offsetof(struct config_delivery, member), .reloadable = true
#define ANY_TIME .max = 1000 * 24 * DURATION_HOUR_NS

/* In the order of enum config_sizer. */
static const char *const queue_sizers[] = {"items", "bytes", "requests", NULL};
static const char *const batch_sizers[] = {"items", "bytes", NULL};

static const struct option rows[] = {
    {.path = "sending_queue::enabled", .type = OPTION_BOOL, DELIVERY(queue_enabled),
     .initial = "true",
     .idle = "the store is always between receiver and exporter",
     .help = "Has no meaning here: the store is always between receiver and exporter."},
    {.path = "sending_queue::num_consumers", .type = OPTION_NUMBER, DELIVERY(consumers),
     .max = 1000000, .initial = "0",
     .help = "Deliveries at a time and signal, at most 32; 0: as many as the exporter wishes."},
    {.path = "sending_queue::sizer", .type = OPTION_CHOICE, DELIVERY(queue_sizer),
     .choices = queue_sizers, .initial = "requests",
     .help = "What `queue_size` counts; only `bytes` bound anything here."},
    {.path = "sending_queue::queue_size", .type = OPTION_COUNT, DELIVERY(queue_size),
     .max = SIZE_TIB, .initial = "0",
     .help = "With `sizer: bytes`, how much may wait for this exporter before it counts as behind; "
             "0: half of `masques::store::max_bytes`."},
    {.path = "sending_queue::block_on_overflow", .type = OPTION_BOOL, DELIVERY(block_on_overflow),
     .initial = "false",
     .help = "`true`: when the store is full, new data is refused rather than the oldest of this "
             "exporter given up."},
    {.path = "sending_queue::wait_for_result", .type = OPTION_BOOL, DELIVERY(wait_for_result),
     .initial = "false",
     .idle = "requests are answered when they are stored",
     .help = "Has no meaning here: requests are answered when they are stored."},
    {.path = "sending_queue::storage", .type = OPTION_TEXT, DELIVERY(storage),
     .max = CONFIG_ID_BYTES - 1, .initial = "",
     .help = "A `file_storage` that `service::extensions` lists: where the gateway's one store "
             "lies."},
    {.path = "sending_queue::batch::flush_timeout", .type = OPTION_DURATION,
     DELIVERY(batch.timeout_ns), ANY_TIME, .initial = "200ms",
     .help = "A delivery leaves after so long even if it is smaller than `min_size`; 0: at once."},
    {.path = "sending_queue::batch::min_size", .type = OPTION_COUNT, DELIVERY(batch.min_size),
     .max = SIZE_TIB, .initial = "8192",
     .help = "A delivery of this size leaves at once; with `max_size: 0` it is the largest, too."},
    {.path = "sending_queue::batch::max_size", .type = OPTION_COUNT, DELIVERY(batch.max_size),
     .max = SIZE_TIB, .initial = "0",
     .help = "Largest delivery, but for a single request that is larger; 0: `min_size`."},
    {.path = "sending_queue::batch::sizer", .type = OPTION_CHOICE, DELIVERY(batch.sizer),
     .choices = batch_sizers, .initial = "items",
     .help = "What the sizes of `batch` count; not written: what the queue's `sizer` says, if it "
             "is one of these."},
    {.path = "retry_on_failure::enabled", .type = OPTION_BOOL, DELIVERY(retry_enabled),
     .initial = "true", .help = "`false`: what fails once is given up, and counted as lost."},
    {.path = "retry_on_failure::initial_interval", .type = OPTION_DURATION,
     DELIVERY(initial_interval_ns), ANY_TIME, .initial = "5s", .help = "Before the first retry."},
    {.path = "retry_on_failure::randomization_factor", .type = OPTION_FACTOR,
     DELIVERY(randomization_permille), .max = 1000, .initial = "0.5",
     .help = "Each interval is longer or shorter by up to this part of it."},
    {.path = "retry_on_failure::multiplier", .type = OPTION_FACTOR, DELIVERY(multiplier_permille),
     .min = 1000, .max = 100000, .initial = "1.5",
     .help = "From one interval to the next."},
    {.path = "retry_on_failure::max_interval", .type = OPTION_DURATION, DELIVERY(max_interval_ns),
     ANY_TIME, .initial = "30s", .help = "Longest interval."},
    {.path = "retry_on_failure::max_elapsed_time", .type = OPTION_DURATION,
     DELIVERY(max_elapsed_ns), ANY_TIME, .initial = "0s",
     .help = "What could not be delivered for so long is given up; 0: never, as long as the store "
             "has room (the collector's default is `5m`)."},
};

static const struct option_set set = {"exporters::*", rows, sizeof rows / sizeof rows[0]};

const struct option_set *config_delivery_options(void)
{
    return &set;
}

/* ---- what the keys demand of each other ---- */

/* The value under two keys, or NULL where one of them is not written. */
static const struct yaml_node *written(const struct yaml_node *map, const char *key,
                                       const char *inner)
{
    const struct yaml_node *node = map ? yaml_find(map, key) : NULL;
    node = node && inner ? yaml_find(node, inner) : node;
    return node && node->kind != YAML_NULL ? node : NULL;
}

static int wrong(struct reader *r, const struct yaml_node *node, const char *path, const char *what)
{
    size_t before = trail_push(&r->trail, slice_of(path));
    int rc = report_error(r->report, node->at, r->trail.text, "%s", what);
    trail_cut(&r->trail, before);
    return rc;
}

static int in_vain(struct reader *r, const struct yaml_node *node, const char *path,
                   const char *what)
{
    size_t before = trail_push(&r->trail, slice_of(path));
    int rc = report_warning(r->report, node->at, r->trail.text, "%s", what);
    trail_cut(&r->trail, before);
    return rc;
}

static int settle_batch(struct reader *r, const struct yaml_node *queue, struct config_delivery *d)
{
    const struct yaml_node *batch = queue ? yaml_find(queue, "batch") : NULL;
    d->batch.enabled = batch != NULL;
    if (!batch)
        return 0;
    if (batch->kind == YAML_MAP && !written(batch, "sizer", NULL) &&
        written(queue, "sizer", NULL) && d->queue_sizer != CONFIG_SIZER_REQUESTS)
        d->batch.sizer = d->queue_sizer;
    if (d->batch.max_size == 0 || d->batch.max_size >= d->batch.min_size)
        return 0;
    const struct yaml_node *node = written(batch, "max_size", NULL);
    return wrong(r, node ? node : batch, "sending_queue::batch",
                 "max_size must be at least min_size (which is 8192 where it is not written), or 0");
}

/* What of the queue has an effect only together with something else is said, where it asks for
 * something in vain. */
static int settle_queue(struct reader *r, const struct yaml_node *queue,
                        const struct config_delivery *d)
{
    const struct yaml_node *node;
    int rc = 0;
    if ((node = written(queue, "wait_for_result", NULL)) && d->wait_for_result && d->storage[0])
        return wrong(r, node, "sending_queue::wait_for_result",
                     "is not supported together with storage");
    if ((node = written(queue, "queue_size", NULL)) && d->queue_size > 0 &&
        d->queue_sizer != CONFIG_SIZER_BYTES)
        rc = in_vain(r, node, "sending_queue::queue_size",
                     "has no effect with this sizer: the bytes of masques::store bound what waits, "
                     "or queue_size with \"sizer: bytes\"");
    if (rc == 0 && (node = written(queue, "num_consumers", NULL)) &&
        d->consumers > DELIVERY_CONSUMERS_MAX)
        rc = in_vain(r, node, "sending_queue::num_consumers",
                     "at most 32 deliveries are made at a time");
    return rc;
}

static int settle_retry(struct reader *r, const struct yaml_node *exporter,
                        const struct config_delivery *d)
{
    const struct yaml_node *node = written(exporter, "retry_on_failure", "max_elapsed_time");
    if (!node || !d->retry_enabled || d->max_elapsed_ns == 0)
        return 0;
    if (d->max_elapsed_ns < d->initial_interval_ns)
        return wrong(r, node, "retry_on_failure", "max_elapsed_time must not be less than initial_interval");
    if (d->max_elapsed_ns < d->max_interval_ns)
        return wrong(r, node, "retry_on_failure", "max_elapsed_time must not be less than max_interval");
    return 0;
}

/* An exporter that holds nothing back has no use for what says how long to wait for it. */
static int settle_lossy(struct reader *r, const struct yaml_node *exporter,
                        const struct config_delivery *d)
{
    static const char why[] = "has no effect: this exporter holds nothing back; what it is too late "
                              "for, it misses";
    const struct yaml_node *node;
    int rc = 0;
    if ((node = written(exporter, "sending_queue", "queue_size")) && d->queue_size > 0 &&
        d->queue_sizer == CONFIG_SIZER_BYTES)
        rc = in_vain(r, node, "sending_queue::queue_size", why);
    if (rc == 0 && d->block_on_overflow &&
        (node = written(exporter, "sending_queue", "block_on_overflow")))
        rc = in_vain(r, node, "sending_queue::block_on_overflow", why);
    if (rc == 0 && (node = written(exporter, "retry_on_failure", NULL)) && node->count > 0)
        rc = in_vain(r, node, "retry_on_failure", why);
    return rc;
}

int delivery_settle(struct reader *r, const struct yaml_node *exporter, bool lossy,
                    struct config_delivery *delivery)
{
    const struct yaml_node *queue = written(exporter, "sending_queue", NULL);
    int rc = settle_batch(r, queue, delivery);
    if (rc == 0)
        rc = settle_queue(r, queue, delivery);
    if (rc == 0 && lossy)
        rc = settle_lossy(r, exporter, delivery);
    return rc < 0 ? rc : settle_retry(r, exporter, delivery);
}
