// SPDX-License-Identifier: Apache-2.0
/* Goes over JSON text (RFC 8259) from value to value, strictly: no comments, no trailing commas,
 * no bare NaN. The caller says what it expects next; nothing is allocated, nothing recurses, and
 * nothing is read outside the text. */
#ifndef MASQUES_OTLP_JSON_SCAN_H
#define MASQUES_OTLP_JSON_SCAN_H

#include "shared/otlp/json_number.h"
#include "shared/otlp/json_string.h"

/* How deep objects and lists may nest in a value that is passed over. */
#define JSON_SCAN_NESTING_MAX 256u

struct json_scan {
    const uint8_t *at; /* after a failure: the byte at fault, or the end */
    const uint8_t *end;
    const char *why; /* after a failure: static text */
};

/* What a value begins like. */
enum json_type {
    JSON_NO_VALUE,
    JSON_NULL,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_OBJECT,
    JSON_ARRAY,
};

static inline struct json_scan json_scan_of(struct slice text)
{
    return (struct json_scan){.at = text.data, .end = text.len ? text.data + text.len : text.data};
}

void json_scan_space_long(struct json_scan *s);

/* Passes over white space. */
static inline void json_scan_space(struct json_scan *s)
{
    if (s->at < s->end && *s->at <= ' ')
        json_scan_space_long(s);
}

/* Passes over white space and tells what is there. JSON_NO_VALUE: a failure. */
enum json_type json_scan_type(struct json_scan *s);

/* Each of these stands at the first byte of what it reads, and moves behind it.
 * GW_OK; GW_ERR_MALFORMED: a failure. */
int json_scan_literal(struct json_scan *s, enum json_type type) GW_MUST_CHECK;
int json_scan_number(struct json_scan *s, struct json_number *n) GW_MUST_CHECK;
int json_scan_string(struct json_scan *s, struct json_string *string) GW_MUST_CHECK;

/* Reads the key of a member and its colon. As above. */
int json_scan_key(struct json_scan *s, struct json_string *key) GW_MUST_CHECK;

/* json_scan_more() when there is no comma. */
int json_scan_more_long(struct json_scan *s, uint8_t close, bool *first);

/* Between the parts of an object (`close` is '}') or list (']'): moves over a comma, unless this
 * is before the first part (`*first`, which is cleared), and over white space. 1: a part follows;
 * 0: it was closed; GW_ERR_MALFORMED: a failure. */
static inline int json_scan_more(struct json_scan *s, uint8_t close, bool *first)
{
    if (!*first && s->at < s->end && *s->at == ',') {
        s->at++;
        json_scan_space(s);
        return 1;
    }
    return json_scan_more_long(s, close, first);
}

/* Passes over one value, whatever it is. GW_OK; GW_ERR_MALFORMED; GW_ERR_TOO_LARGE: it nests
 * deeper than JSON_SCAN_NESTING_MAX. */
int json_scan_skip(struct json_scan *s) GW_MUST_CHECK;

#endif
