// SPDX-License-Identifier: Apache-2.0
/* A batch as one line of OTLP JSON, as the OpenTelemetry Collector's file exporter writes it:
 * fields in the order of its structs; what is zero left out, but members of a oneof and optional
 * fields shown whenever they are present, and `resource`, `scope`, `body`, `value`, `status`,
 * `positive` and `negative` always; 64-bit integers as strings, enums as numbers, trace and span
 * ids in lower-case hex (left out when all zero), bytes in base64; no spaces. NaN and the
 * infinities are written as proto3 JSON has them. Unknown fields have no name, so they are left
 * out.
 *
 * Straight from the wire bytes: no tree, no recursion, no memory but the buffer's. */
#ifndef MASQUES_OTLP_JSON_OUT_H
#define MASQUES_OTLP_JSON_OUT_H

#include "shared/base/buf.h"
#include "shared/otlp/signal.h"

/* Appends the JSON object of `batch` to `out`, without a newline. The batch, borrowed, has
 * passed otlp_walk() or is a concatenation of such (with other bytes the JSON is incomplete, but
 * nothing worse happens).
 * 0; GW_ERR_NOMEM: `out` is full or has failed before, its content is cut off; GW_ERR_INVALID: no
 * such signal; GW_ERR_TOO_LARGE: nested deeper than OTLP_DEPTH_MAX; GW_ERR_MALFORMED: bytes that no
 * walk let pass. */
int otlp_json_out(enum otlp_signal signal, struct slice batch, struct buf *out) GW_MUST_CHECK;

#endif
