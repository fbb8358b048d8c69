// SPDX-License-Identifier: Apache-2.0
/* What GET /metrics says: the family as metrics for Prometheus. The names that dashboards for the OpenTelemetry
 * Collector know (otelcol_…) where we have what they mean, and our own (masques_…). Counters never go back while the
 * master lives: what replaced processes had counted is kept (totals.h). docs/operations.md has the table. */
#ifndef MASQUES_MASTER_METRICS_H
#define MASQUES_MASTER_METRICS_H

#include "receiver/master/family.h"
#include "receiver/master/usage.h"
#include "shared/base/buf.h"

#define METRICS_SOURCES_MAX 256u

/* What the family itself does not say. */
struct metrics_gateway {
    const char *receiver; /* its id in the configuration: "otlp", "otlp/name" */
    bool available;       /* telemetry is accepted */
    double uptime_s;      /* of the master */
    struct usage usage;   /* of all processes */
};

/* Appends the text; the order is always the same. */
void metrics_text(struct buf *out, const struct family *family, const struct metrics_gateway *gateway);

#endif
