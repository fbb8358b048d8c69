// SPDX-License-Identifier: Apache-2.0
/* The part of the metrics that goes by the OpenTelemetry Collector's names, as its default reader writes them: without
 * unit and _total. */
#ifndef MASQUES_MASTER_METRICS_OTELCOL_H
#define MASQUES_MASTER_METRICS_OTELCOL_H

#include "receiver/master/metrics.h"

void metrics_otelcol(struct buf *out, const struct family *family, const struct metrics_gateway *gateway);

#endif
