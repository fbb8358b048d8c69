// SPDX-License-Identifier: Apache-2.0
/* Bytes that stand in text: hex (ids in OTLP/JSON) and base64 (all other bytes in JSON). */
#ifndef MASQUES_OTLP_JSON_BYTES_H
#define MASQUES_OTLP_JSON_BYTES_H

#include "shared/base/slice.h"

/* What a hex digit of any case means; -1: it is none. */
static inline int json_bytes_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Writes the text.len / 2 bytes that pairs of hex digits, of any case, mean. False: it is not
 * that (`to` may have been written to). */
bool json_bytes_hex(struct slice text, uint8_t *to);

/* The most bytes that so much base64 can mean. */
#define JSON_BYTES_BASE64_ROOM(len) ((len) / 4 * 3 + 3)

/* Writes what base64 means, in the standard or the URL-safe alphabet (RFC 4648 sections 4 and 5),
 * padded or not, and sets `*len`. `to` may lie before the text in the same buffer and overlap it.
 * False: it is not that (`to` may have been written to). */
bool json_bytes_base64(struct slice text, uint8_t *to, size_t *len);

#endif
