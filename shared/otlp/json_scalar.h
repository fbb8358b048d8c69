// SPDX-License-Identifier: Apache-2.0
/* The half of the JSON reader (json_reader.h) that reads strings, bytes, numbers and truth
 * values. */
#ifndef MASQUES_OTLP_JSON_SCALAR_H
#define MASQUES_OTLP_JSON_SCALAR_H

#include "shared/otlp/json_reader.h"

/* Reads a value, which is not null, at which the scan stands and which is of `type`, for a field
 * that is no message. Writes the field if the value is good and not the default. GW_OK, or the
 * error that was noted. */
int json_scalar_read(struct json_reader *r, struct json_frame *f, const struct otlp_field *field,
                     enum json_type type) GW_MUST_CHECK;

/* The same for the list (the scan stands at its bracket) of a repeated one; numbers are packed. */
int json_scalar_list(struct json_reader *r, struct json_frame *f,
                     const struct otlp_field *field) GW_MUST_CHECK;

#endif
