// SPDX-License-Identifier: Apache-2.0
/* Strings of JSON text (RFC 8259 section 7): found and measured first, then copied out once the
 * reader knows what they are for. Nothing is allocated. */
#ifndef MASQUES_OTLP_JSON_STRING_H
#define MASQUES_OTLP_JSON_STRING_H

#include "shared/base/err.h"
#include "shared/base/slice.h"

struct json_string {
    struct slice raw; /* between the quotes, escapes and all; borrowed from the text */
    size_t len;       /* bytes that it means; <= raw.len */
    bool escapes;     /* it has some; without them the raw bytes are what it means */
    bool lone;        /* a surrogate without its other half; it means U+FFFD */
    bool ascii;       /* all raw bytes are */
};

/* Reads the string whose first character (behind the quote) is at the front of `text`. Returns
 * the bytes up to and with the closing quote; GW_ERR_MALFORMED: `*why` says it in words (static),
 * and out->raw.len is where. Bytes that are no UTF-8 are no error here. */
int64_t json_string_read(struct slice text, struct json_string *out,
                         const char **why) GW_MUST_CHECK;

/* Writes the `s->len` bytes that the string means. */
void json_string_put(const struct json_string *s, uint8_t *to);

/* Writes the same, each byte that is no UTF-8 as '?'. False: the string was damaged, in this way
 * or by a lone surrogate. */
bool json_string_put_utf8(const struct json_string *s, uint8_t *to);

/* What the string means: its raw bytes, or if it has escapes, what is put into `spare` (of `size`
 * bytes). NULL data: it is longer than that. */
struct slice json_string_text(const struct json_string *s, uint8_t *spare, size_t size);

#endif
