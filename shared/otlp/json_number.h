// SPDX-License-Identifier: Apache-2.0
/* Numbers of JSON text (RFC 8259 section 6), read exactly: whether 1e3, 1000 or 1000.0 is
 * written, it is the integer 1000, and 18446744073709551615 keeps all its digits. */
#ifndef MASQUES_OTLP_JSON_NUMBER_H
#define MASQUES_OTLP_JSON_NUMBER_H

#include "shared/base/slice.h"

struct json_number {
    struct slice text; /* borrowed */
    uint64_t digits;   /* the number without sign is digits * 10^exponent, */
    int64_t exponent;
    bool cut; /* and a little more: further digits are cut off, which are not all zero */
    bool negative;
};

/* Reads the number at the front of `text`. Returns its bytes; 0: there is none. */
size_t json_number_read(struct slice text, struct json_number *n);

enum json_number_fit {
    JSON_NUMBER_EXACT,
    JSON_NUMBER_FRACTION, /* what is behind the point was dropped */
    JSON_NUMBER_RANGE,    /* clamped to the nearest number that there is */
};

/* As an integer of min..max, where min <= 0 <= max. */
enum json_number_fit json_number_signed(const struct json_number *n, int64_t min, int64_t max,
                                        int64_t *value);

/* As an integer of 0..max. */
enum json_number_fit json_number_unsigned(const struct json_number *n, uint64_t max,
                                          uint64_t *value);

/* As the nearest double. What is too large becomes an infinity. */
double json_number_double(const struct json_number *n);

#endif
