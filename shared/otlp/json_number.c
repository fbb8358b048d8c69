// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/json_number.h"

#include <stdio.h>
#include <stdlib.h>

/* An exponent is not counted beyond this: no body is long enough for digits to make up for it. */
#define EXPONENT_MAX 1000000000000
/* More digits than the nearest double can depend on (767); of what follows it only matters
 * whether it is zero. */
#define DIGITS_MAX 800u
#define EXPONENT_ROOM 32u
/* Powers of ten that a double holds exactly, and the integers that it does. */
#define EXACT_POWERS 22
#define EXACT_INTEGERS ((uint64_t)1 << 53)

/* ---- reading --------------------------------------------------------------------------------- */

static inline bool is_digit(const uint8_t *p, const uint8_t *end)
{
    return p < end && *p >= '0' && *p <= '9';
}

/* Takes in the digits at `p` and a point among them. Once 64 bits are full, further digits are
 * left out: before the point they make the exponent larger, behind it they do nothing. */
static const uint8_t *read_digits(const uint8_t *p, const uint8_t *end, struct json_number *n)
{
    bool behind = false;
    bool full = false;
    for (; p < end; p++) {
        if (*p == '.' && !behind && is_digit(p + 1, end)) {
            behind = true;
            continue;
        }
        if (!is_digit(p, end))
            break;
        uint64_t digit = (uint64_t)(*p - '0');
        if (!full && n->digits <= (UINT64_MAX - digit) / 10) {
            n->digits = n->digits * 10 + digit;
            n->exponent -= behind;
            continue;
        }
        full = true;
        n->cut |= digit != 0;
        n->exponent += !behind;
    }
    return p;
}

/* The exponent whose letter is at `p`; NULL: it has no digits. */
static const uint8_t *read_exponent(const uint8_t *p, const uint8_t *end, struct json_number *n)
{
    int64_t exponent = 0;
    p++;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (!is_digit(p, end))
        return NULL;
    for (; is_digit(p, end); p++)
        if (exponent < EXPONENT_MAX)
            exponent = exponent * 10 + (*p - '0');
    n->exponent += negative ? -exponent : exponent;
    return p;
}

size_t json_number_read(struct slice text, struct json_number *n)
{
    const uint8_t *p = text.data;
    const uint8_t *end = text.data + text.len;
    *n = (struct json_number){.negative = text.len && *p == '-'};
    p += n->negative;
    if (!is_digit(p, end) || (*p == '0' && is_digit(p + 1, end)))
        return 0;
    p = read_digits(p, end, n);
    if (p < end && *p == '.') /* nothing behind it */
        return 0;
    if (p < end && (*p == 'e' || *p == 'E'))
        p = read_exponent(p, end, n);
    if (!p)
        return 0;
    n->text = slice_make(text.data, (size_t)(p - text.data));
    return n->text.len;
}

/* ---- integers -------------------------------------------------------------------------------- */

static enum json_number_fit magnitude(const struct json_number *n, uint64_t max, uint64_t *value)
{
    uint64_t v = n->digits;
    bool fraction = n->cut;
    /* Digits are only cut off where a further one would not fit in 64 bits. */
    bool over = n->cut && n->exponent > 0;
    for (int64_t i = n->exponent; i > 0 && v && !over; i--) {
        over = v > UINT64_MAX / 10;
        v *= 10;
    }
    for (int64_t i = n->exponent; i < 0 && v; i++) {
        fraction |= v % 10 != 0;
        v /= 10;
    }
    if (over || v > max) {
        *value = max;
        return JSON_NUMBER_RANGE;
    }
    *value = v;
    return fraction ? JSON_NUMBER_FRACTION : JSON_NUMBER_EXACT;
}

enum json_number_fit json_number_signed(const struct json_number *n, int64_t min, int64_t max,
                                        int64_t *value)
{
    uint64_t size;
    uint64_t limit = n->negative ? 0 - (uint64_t)min : (uint64_t)max;
    enum json_number_fit fit = magnitude(n, limit, &size);
    *value = (int64_t)(n->negative ? 0 - size : size);
    return fit;
}

enum json_number_fit json_number_unsigned(const struct json_number *n, uint64_t max,
                                          uint64_t *value)
{
    return magnitude(n, n->negative ? 0 : max, value);
}

/* ---- doubles --------------------------------------------------------------------------------- */

/* Copies the digits that are not leading zeros, at most DIGITS_MAX and one more that stands for
 * the rest. Returns how many. */
static size_t copy_digits(const struct json_number *n, char *text)
{
    size_t used = 0;
    bool more = false;
    for (size_t i = n->negative; i < n->text.len; i++) {
        char c = (char)n->text.data[i];
        if (c == 'e' || c == 'E')
            break;
        if (c == '.' || (c == '0' && used == 0))
            continue;
        if (used < DIGITS_MAX)
            text[used++] = c;
        else
            more |= c != '0';
    }
    if (more)
        text[used++] = '1';
    return used;
}

/* The C library's own, which rounds right whatever the digits; it gets a text of bounded length
 * without a point, so that no locale comes in. */
static double slow_double(const struct json_number *n)
{
    char text[DIGITS_MAX + 1 + EXPONENT_ROOM];
    size_t used = copy_digits(n, text);
    /* n->exponent belongs to as many of these digits as n->digits has. */
    int64_t exponent = n->exponent - (int64_t)used;
    for (uint64_t v = n->digits; v; v /= 10)
        exponent++;
    snprintf(text + used, EXPONENT_ROOM, "e%lld", (long long)exponent);
    return strtod(text, NULL);
}

double json_number_double(const struct json_number *n)
{
    static const double powers[EXACT_POWERS + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    };
    double value;
    if (n->digits == 0)
        value = 0;
    else if (n->cut || n->digits > EXACT_INTEGERS || n->exponent > EXACT_POWERS ||
             n->exponent < -EXACT_POWERS)
        value = slow_double(n);
    else if (n->exponent < 0)
        value = (double)n->digits / powers[-n->exponent];
    else
        value = (double)n->digits * powers[n->exponent];
    return n->negative ? -value : value;
}
