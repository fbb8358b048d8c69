// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/subscription.h"

#include "shared/base/clock.h"
#include "shared/config/delivery.h"

static uint64_t ms(uint64_t ns)
{
    return ns / CLOCK_NS_PER_MS;
}

static uint32_t at_most(uint64_t value, uint32_t most)
{
    return value > most ? most : (uint32_t)value;
}

static void fill_retry(const struct config_delivery *d, Masques__Control__Retry *retry)
{
    masques__control__retry__init(retry);
    retry->disabled = !d->retry_enabled;
    retry->initial_ms = at_most(ms(d->initial_interval_ns), UINT32_MAX);
    retry->max_ms = at_most(ms(d->max_interval_ns), UINT32_MAX);
    retry->max_elapsed_ms = ms(d->max_elapsed_ns);
    /* Less than a millisecond is still an end. */
    if (d->max_elapsed_ns > 0 && retry->max_elapsed_ms == 0)
        retry->max_elapsed_ms = 1;
    retry->multiplier_permille = d->multiplier_permille;
    retry->jitter_permille = d->randomization_permille;
}

void subscription_fill(const struct config_exporter *exporter, Masques__Control__Subscription *subscription,
                       Masques__Control__Retry *retry)
{
    const struct config_delivery *d = &exporter->delivery;
    masques__control__subscription__init(subscription);
    subscription->name = (char *)exporter->id;
    subscription->type = (char *)exporter->kind->type;
    subscription->signals = exporter->signals;
    subscription->lossy = exporter->kind->lossy;
    subscription->max_lag_bytes = d->queue_sizer == CONFIG_SIZER_BYTES ? d->queue_size : 0;
    subscription->refuse_when_full = d->block_on_overflow;
    fill_retry(d, retry);
    subscription->retry = retry;
}

/* Whole requests are put together until the next one would make it too large. Where nothing is waited for there is no
 * least size, only a largest one. */
static uint64_t delivery_size(const struct config_batch *batch)
{
    if (batch->max_size > 0)
        return batch->max_size;
    return batch->timeout_ns > 0 ? batch->min_size : 0;
}

void subscription_wishes(const struct config_delivery *d, Masques__Control__ExporterSettings *settings)
{
    const struct config_batch *batch = &d->batch;
    settings->in_flight = at_most(d->consumers, DELIVERY_CONSUMERS_MAX);
    if (!batch->enabled)
        return;
    if (batch->sizer == CONFIG_SIZER_BYTES)
        settings->max_bytes = delivery_size(batch);
    else
        settings->max_records = at_most(delivery_size(batch), UINT32_MAX);
    /* 0 would leave it to the exporter. */
    settings->linger_ms = at_most(ms(batch->timeout_ns), UINT32_MAX);
    if (settings->linger_ms == 0)
        settings->linger_ms = 1;
}
