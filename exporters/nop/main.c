// SPDX-License-Identifier: Apache-2.0
/* Takes every delivery and forgets it without reading a byte: for measuring what the rest of the way costs, and for
 * pipelines that shall go nowhere (the collector's nop exporter). */
#include "exporters/common/exporter.h"

static void *nop_open(struct exporter_host *host, const void *options, const char **why)
{
    (void)options;
    (void)why;
    return host; /* it has no state of its own */
}

static void nop_push(void *exporter, struct delivery *delivery)
{
    (void)exporter;
    delivery_done(delivery);
}

static void nop_cancel(void *exporter, struct delivery *delivery)
{
    (void)exporter;
    (void)delivery;
}

static void nop_close(void *exporter)
{
    (void)exporter;
}

int main(int argc, char **argv)
{
    static const struct exporter_ops ops = {
        .type = "nop",
        .summary = "takes every delivery and forgets it",
        .mode = MASQUES__BUS__MODE__DURABLE,
        .open = nop_open,
        .push = nop_push,
        .cancel = nop_cancel,
        .close = nop_close,
    };
    return exporter_main(argc, argv, &ops);
}
