// SPDX-License-Identifier: Apache-2.0
/* Pieces of JSON text (RFC 8259), written straight into a buffer. */
#ifndef MASQUES_BASE_JSON_TEXT_H
#define MASQUES_BASE_JSON_TEXT_H

#include "shared/base/buf.h"

/* The bytes as a JSON string with its quotes. Control characters, quote and backslash are escaped; bytes that are
 * no UTF-8 become U+FFFD, so that the result is always valid JSON. */
void json_text_string(struct buf *out, struct slice text);

/* A number that reads back as the same double (shortest of 15..17 digits). NaN and the infinities become the
 * strings "NaN", "Infinity", "-Infinity" (proto3 JSON). */
void json_text_double(struct buf *out, double value);

#endif
