// SPDX-License-Identifier: Apache-2.0
/* Pieces of JSON text (RFC 8259), written straight into a buffer. Escapes and numbers look as
 * the OpenTelemetry Collector writes them, that is as Go does. */
#ifndef MASQUES_BASE_JSON_TEXT_H
#define MASQUES_BASE_JSON_TEXT_H

#include "shared/base/buf.h"

/* The most bytes that the put functions write. */
#define JSON_TEXT_STRING_ROOM(len) (6 * (len) + 2)
#define JSON_TEXT_U64_ROOM 20u
#define JSON_TEXT_DOUBLE_ROOM 32u

/* The bytes as a JSON string with its quotes. Quote, backslash and control characters are
 * escaped (\n, \r and \t by letter, the others as \u00XX); bytes that are no UTF-8 become U+FFFD
 * each, so that the result is always valid JSON. */
void json_text_string(struct buf *out, struct slice text);

/* The same, written at `at`, where JSON_TEXT_STRING_ROOM(text.len) bytes are free. Returns the
 * end. */
uint8_t *json_text_put_string(uint8_t *at, struct slice text);

/* A number in the fewest digits that read back as the same double, as Go's encoding/json prints
 * it: with an exponent (1e-7, 1.5e+21) below 1e-6 and from 1e21 on, plain between. NaN and the
 * infinities become the strings "NaN", "Infinity", "-Infinity" (proto3 JSON). */
void json_text_double(struct buf *out, double value);

/* The same, written at `at`, where JSON_TEXT_DOUBLE_ROOM bytes are free. Returns the end. */
uint8_t *json_text_put_double(uint8_t *at, double value);

/* Decimal digits, written at `at`, where JSON_TEXT_U64_ROOM bytes are free. Returns the end. */
uint8_t *json_text_put_u64(uint8_t *at, uint64_t value);

#endif
