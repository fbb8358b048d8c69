// SPDX-License-Identifier: Apache-2.0
#include "shared/config/duration.h"

#include <stdbool.h>
#include <string.h>

/* One more than INT64_MAX: the size of the most negative duration. */
#define SIZE_LIMIT (UINT64_C(1) << 63)

struct unit {
    const char *name;
    uint64_t ns;
};

static const struct unit units[] = {
    {"ns", 1},
    {"us", 1000},
    {"\xc2\xb5s", 1000}, /* U+00B5 micro sign */
    {"\xce\xbcs", 1000}, /* U+03BC Greek mu */
    {"ms", 1000000},
    {"s", 1000000000},
    {"m", 60000000000},
    {"h", 3600000000000},
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static void skip(struct slice *text, size_t n)
{
    text->data += n;
    text->len -= n;
}

/* The whole part of a number. */
static int take_whole(struct slice *text, uint64_t *value)
{
    *value = 0;
    while (text->len && is_digit(*text->data)) {
        uint64_t digit = (uint64_t)(*text->data - '0');
        if (*value > (SIZE_LIMIT - digit) / 10)
            return GW_ERR_TOO_LARGE;
        *value = *value * 10 + digit;
        skip(text, 1);
    }
    return 0;
}

/* The digits behind the point as value / scale. Digits that no longer count are read and dropped,
 * as Go does. */
static void take_fraction(struct slice *text, uint64_t *value, double *scale)
{
    bool full = false;
    *value = 0;
    *scale = 1;
    while (text->len && is_digit(*text->data)) {
        uint64_t digit = (uint64_t)(*text->data - '0');
        if (!full && *value <= (SIZE_LIMIT - 1 - digit) / 10) {
            *value = *value * 10 + digit;
            *scale *= 10;
        } else {
            full = true;
        }
        skip(text, 1);
    }
}

static const struct unit *take_unit(struct slice *text)
{
    size_t n = 0;
    while (n < text->len && text->data[n] != '.' && !is_digit(text->data[n]))
        n++;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (slice_is(slice_make(text->data, n), units[i].name)) {
            skip(text, n);
            return &units[i];
        }
    }
    return NULL;
}

/* One "12.5ms", added to the sum. */
static int take_part(struct slice *text, uint64_t *sum)
{
    uint64_t whole, fraction = 0;
    double scale = 1;
    size_t before = text->len;
    int rc = take_whole(text, &whole);
    if (rc < 0)
        return rc;
    size_t digits = before - text->len;
    if (text->len && *text->data == '.') {
        skip(text, 1);
        before = text->len;
        take_fraction(text, &fraction, &scale);
        digits += before - text->len;
    }
    const struct unit *unit = digits ? take_unit(text) : NULL;
    if (!unit)
        return GW_ERR_MALFORMED;
    if (whole > SIZE_LIMIT / unit->ns)
        return GW_ERR_TOO_LARGE;
    /* Both terms are at most 2^63, so that no sum below wraps. */
    uint64_t part = whole * unit->ns;
    part += (uint64_t)((double)fraction * ((double)unit->ns / scale));
    if (part > SIZE_LIMIT || *sum > SIZE_LIMIT - part)
        return GW_ERR_TOO_LARGE;
    *sum += part;
    return 0;
}

int duration_parse(struct slice text, int64_t *ns)
{
    bool negative = text.len && *text.data == '-';
    if (negative || (text.len && *text.data == '+'))
        skip(&text, 1);
    if (text.len == 0)
        return GW_ERR_MALFORMED;
    uint64_t sum = 0;
    if (!slice_is(text, "0")) {
        while (text.len) {
            int rc = take_part(&text, &sum);
            if (rc < 0)
                return rc;
        }
    }
    if (!negative && sum == SIZE_LIMIT)
        return GW_ERR_TOO_LARGE;
    *ns = negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return 0;
}

/* value / 10^digits, without zeros at the end. */
static void print_decimal(uint64_t value, unsigned digits, struct buf *out)
{
    uint64_t scale = 1;
    for (unsigned i = 0; i < digits; i++)
        scale *= 10;
    buf_u64(out, value / scale);
    uint64_t rest = value % scale;
    if (rest == 0)
        return;
    buf_byte(out, '.');
    while (rest) {
        scale /= 10;
        buf_byte(out, (uint8_t)('0' + rest / scale));
        rest %= scale;
    }
}

void duration_print(int64_t ns, struct buf *out)
{
    uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    if (ns < 0)
        buf_byte(out, '-');
    if (size == 0) {
        buf_text(out, "0s");
    } else if (size < (uint64_t)DURATION_US_NS) {
        buf_u64(out, size);
        buf_text(out, "ns");
    } else if (size < (uint64_t)DURATION_MS_NS) {
        print_decimal(size, 3, out);
        buf_text(out, "\xc2\xb5s");
    } else if (size < (uint64_t)DURATION_S_NS) {
        print_decimal(size, 6, out);
        buf_text(out, "ms");
    } else {
        uint64_t minutes = size / (uint64_t)DURATION_MIN_NS;
        if (minutes >= 60) {
            buf_u64(out, minutes / 60);
            buf_byte(out, 'h');
        }
        if (minutes) {
            buf_u64(out, minutes % 60);
            buf_byte(out, 'm');
        }
        print_decimal(size % (uint64_t)DURATION_MIN_NS, 9, out);
        buf_byte(out, 's');
    }
}
