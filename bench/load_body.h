// SPDX-License-Identifier: Apache-2.0
/* Request bodies of the standard record: a Claude Code api_request event, about 626 bytes as OTLP protobuf. */
#ifndef MASQUES_BENCH_LOAD_BODY_H
#define MASQUES_BENCH_LOAD_BODY_H

#include <stdbool.h>

#include "shared/base/buf.h"

/* An ExportLogsServiceRequest of `records` records; the same `seed` gives the same bytes. */
void load_body_logs(struct buf *out, unsigned records, uint64_t seed);

/* The same request as OTLP/JSON, in place. False: no memory. */
bool load_body_json(struct buf *body);

/* The same bytes as one gzip member. False: no memory. */
bool load_body_gzip(struct buf *out, struct slice body);

#endif
