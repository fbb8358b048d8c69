// SPDX-License-Identifier: Apache-2.0
#include "shared/base/json_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/utf8.h"

#define LOW_BITS 0x0101010101010101u
#define HIGH_BITS 0x8080808080808080u

/* Text longer than this is written in pieces, so that the room reserved for the worst case stays
 * small. */
#define PIECE_BYTES 1024u

/* ---- strings --------------------------------------------------------------------------------- */

static inline bool plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* True if all eight bytes are plain. Subtracting finds the bytes that are below 0x20, or 0 after
 * the xor (Hacker's Delight, "Find First 0-Byte"); a borrow can only come from a byte that is
 * found itself. */
static inline bool all_plain(uint64_t word)
{
    uint64_t quote = word ^ (LOW_BITS * '"');
    uint64_t slash = word ^ (LOW_BITS * '\\');
    uint64_t found = (word - LOW_BITS * 0x20) | (quote - LOW_BITS) | (slash - LOW_BITS) | word;
    return (found & HIGH_BITS) == 0;
}

static uint8_t *put_escape(uint8_t *at, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    *at++ = '\\';
    switch (c) {
    case '"':
    case '\\':
        *at++ = c;
        return at;
    case '\n':
        *at++ = 'n';
        return at;
    case '\r':
        *at++ = 'r';
        return at;
    case '\t':
        *at++ = 't';
        return at;
    default:
        memcpy(at, "u00", 3);
        at[3] = (uint8_t)hex[c >> 4];
        at[4] = (uint8_t)hex[c & 15];
        return at + 5;
    }
}

/* One character that is not plain; `*i` moves behind it. */
static uint8_t *put_special(uint8_t *at, struct slice text, size_t *i)
{
    size_t n = utf8_sequence(slice_make(text.data + *i, text.len - *i));
    if (n == 1) {
        at = put_escape(at, text.data[*i]);
    } else if (n == 0) {
        memcpy(at, "\xef\xbf\xbd", 3);
        at += 3;
        n = 1;
    } else {
        memcpy(at, text.data + *i, n);
        at += n;
    }
    *i += n;
    return at;
}

/* The characters themselves, without quotes. */
static uint8_t *put_characters(uint8_t *at, struct slice text)
{
    size_t i = 0;
    while (i < text.len) {
        uint64_t word;
        size_t left = text.len - i;
        if (left >= sizeof word) {
            memcpy(&word, text.data + i, sizeof word);
            if (all_plain(word)) {
                memcpy(at, &word, sizeof word);
                at += sizeof word;
                i += sizeof word;
                continue;
            }
        } else if (text.len >= sizeof word) {
            /* The last word begins before i; being plain, it was copied as far as that. */
            memcpy(&word, text.data + text.len - sizeof word, sizeof word);
            if (all_plain(word)) {
                memcpy(at + left - sizeof word, &word, sizeof word);
                return at + left;
            }
        }
        while (i < text.len && plain(text.data[i]))
            *at++ = text.data[i++];
        if (i < text.len)
            at = put_special(at, text, &i);
    }
    return at;
}

/* Copies text of at least 4 bytes that is plain up to its end, or to some 8 bytes that are not. Returns how many
 * bytes it copied. Nearly all text is plain, so that this is nearly all that happens. */
static inline size_t put_plain(uint8_t *at, struct slice text)
{
    uint64_t word;
    size_t i = 0;
    if (text.len < sizeof word) { /* two halves, which overlap */
        uint32_t half[2];
        size_t second = text.len - sizeof half[1];
        memcpy(&half[0], text.data, sizeof half[0]);
        memcpy(&half[1], text.data + second, sizeof half[1]);
        if (!all_plain((uint64_t)half[1] << 32 | half[0]))
            return 0;
        memcpy(at, &half[0], sizeof half[0]);
        memcpy(at + second, &half[1], sizeof half[1]);
        return text.len;
    }
    for (; text.len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, text.data + i, sizeof word);
        if (!all_plain(word))
            return i;
        memcpy(at + i, &word, sizeof word);
    }
    /* The last word begins before i; being plain, it was copied as far as that. */
    memcpy(&word, text.data + text.len - sizeof word, sizeof word);
    if (!all_plain(word))
        return i;
    memcpy(at + text.len - sizeof word, &word, sizeof word);
    return text.len;
}

uint8_t *json_text_put_string(uint8_t *at, struct slice text)
{
    size_t copied = 0;
    *at++ = '"';
    if (text.len >= sizeof(uint32_t))
        copied = put_plain(at, text);
    at += copied;
    if (copied < text.len)
        at = put_characters(at, slice_make(text.data + copied, text.len - copied));
    *at++ = '"';
    return at;
}

static void append_piece(struct buf *out, struct slice piece)
{
    uint8_t spare[JSON_TEXT_STRING_ROOM(PIECE_BYTES)];
    size_t room = JSON_TEXT_STRING_ROOM(piece.len);
    if (out->failed)
        return;
    if (room > out->max - out->len) { /* may still fit */
        buf_append(out, spare, (size_t)(put_characters(spare, piece) - spare));
        return;
    }
    uint8_t *at = buf_reserve(out, room);
    if (at)
        out->len += (size_t)(put_characters(at, piece) - at);
}

void json_text_string(struct buf *out, struct slice text)
{
    buf_byte(out, '"');
    while (text.len) {
        size_t n = text.len < PIECE_BYTES ? text.len : PIECE_BYTES;
        /* No cut inside a character: continuation bytes go to the next piece, with what they
         * continue. */
        for (size_t back = 0; n < text.len && back < 3 && (text.data[n] & 0xc0) == 0x80; back++)
            n--;
        append_piece(out, slice_make(text.data, n));
        text.data += n;
        text.len -= n;
    }
    buf_byte(out, '"');
}

/* ---- numbers --------------------------------------------------------------------------------- */

static unsigned digits_of(uint64_t value)
{
    static const uint64_t powers[] = {0, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
                                      1000000000, 10000000000, 100000000000, 1000000000000,
                                      10000000000000, 100000000000000, 1000000000000000,
                                      10000000000000000, 100000000000000000, 1000000000000000000,
                                      UINT64_C(10000000000000000000)};
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned guess = bits * 1233 >> 12; /* log10(2) */
    return guess + 1 - (value < powers[guess]);
}

uint8_t *json_text_put_u64(uint8_t *at, uint64_t value)
{
    static const char pairs[] = "0001020304050607080910111213141516171819"
                                "2021222324252627282930313233343536373839"
                                "4041424344454647484950515253545556575859"
                                "6061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    uint8_t *end = at + digits_of(value);
    uint8_t *from = end;
    while (value >= 100) {
        from -= 2;
        memcpy(from, pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10)
        memcpy(at, pairs + 2 * value, 2);
    else
        *at = (uint8_t)('0' + value);
    return end;
}

/* A decimal number: 0.<digits> * 10^point. */
struct decimal {
    char digits[24];
    int count; /* no zero at either end, except for the number 0 */
    int point;
};

/* Up to 15 digits survive any double, so the first number of fraction digits at which the
 * decimal reads back as the value gives the shortest form. Both operands of the division are
 * exact, hence the quotient is what a reader of the decimal gets. */
static bool short_decimal(double value, struct decimal *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21};
    if (value < 1e-6)
        return false;
    for (int k = 0; k < (int)(sizeof powers / sizeof powers[0]); k++) {
        double scaled = value * powers[k];
        if (scaled >= 1e15)
            return false;
        uint64_t whole = (uint64_t)(scaled + 0.5);
        if ((double)whole / powers[k] == value) {
            uint8_t *digits = (uint8_t *)out->digits;
            out->count = (int)(json_text_put_u64(digits, whole) - digits);
            out->point = out->count - k;
            while (out->count > 1 && out->digits[out->count - 1] == '0')
                out->count--;
            return true;
        }
    }
    return false;
}

/* Adds one unit in the last place of d.ddde+xx. False: it would carry over the first digit. */
static bool next_up(char *text, int digits)
{
    for (int i = digits; i > 0; i--) { /* position 1 is the point */
        int at = i == 1 ? 0 : i;
        if (text[at] < '9') {
            text[at]++;
            return true;
        }
        text[at] = '0';
    }
    return false;
}

/* The slow way, for all that short_decimal() cannot do: more and more digits until the value
 * comes back. */
static void long_decimal(double value, struct decimal *out)
{
    char text[40];
    int exponent;
    /* The gap below a power of two is half as wide as the one above, so the nearest decimal may
     * lie outside while its upper neighbour reads back. */
    bool lopsided = frexp(value, &exponent) == 0.5;
    int digits = value < 2.3e-308 ? 1 : 15; /* subnormal numbers hold fewer digits */
    for (;; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, value);
        if (digits == 17 || strtod(text, NULL) == value)
            break;
        if (lopsided && next_up(text, digits) && strtod(text, NULL) == value)
            break;
    }
    out->digits[0] = text[0];
    for (int i = 1; i < digits; i++)
        out->digits[i] = text[i + 1];
    const char *mark = strchr(text, 'e');
    out->point = (mark ? (int)strtol(mark + 1, NULL, 10) : 0) + 1;
    out->count = digits;
    while (out->count > 1 && out->digits[out->count - 1] == '0')
        out->count--;
}

static uint8_t *put_bytes(uint8_t *at, const char *text, int n)
{
    memcpy(at, text, (size_t)n);
    return at + n;
}

static uint8_t *put_zeros(uint8_t *at, int n)
{
    memset(at, '0', (size_t)n);
    return at + n;
}

static uint8_t *put_exponent_form(uint8_t *at, const struct decimal *d)
{
    int exponent = d->point - 1;
    at = put_bytes(at, d->digits, 1);
    if (d->count > 1) {
        *at++ = '.';
        at = put_bytes(at, d->digits + 1, d->count - 1);
    }
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    return json_text_put_u64(at, (uint64_t)(exponent < 0 ? -exponent : exponent));
}

static uint8_t *put_plain_form(uint8_t *at, const struct decimal *d)
{
    if (d->point <= 0) {
        at = put_bytes(at, "0.", 2);
        at = put_zeros(at, -d->point);
        return put_bytes(at, d->digits, d->count);
    }
    if (d->point >= d->count)
        return put_zeros(put_bytes(at, d->digits, d->count), d->point - d->count);
    at = put_bytes(at, d->digits, d->point);
    *at++ = '.';
    return put_bytes(at, d->digits + d->point, d->count - d->point);
}

uint8_t *json_text_put_double(uint8_t *at, double value)
{
    if (isnan(value))
        return put_bytes(at, "\"NaN\"", 5);
    if (isinf(value))
        return value < 0 ? put_bytes(at, "\"-Infinity\"", 11) : put_bytes(at, "\"Infinity\"", 10);
    if (signbit(value)) {
        *at++ = '-';
        value = -value;
    }
    if (value == 0)
        return put_bytes(at, "0", 1);
    struct decimal d;
    if (!short_decimal(value, &d))
        long_decimal(value, &d);
    return value < 1e-6 || value >= 1e21 ? put_exponent_form(at, &d) : put_plain_form(at, &d);
}

void json_text_double(struct buf *out, double value)
{
    uint8_t text[JSON_TEXT_DOUBLE_ROOM];
    buf_append(out, text, (size_t)(json_text_put_double(text, value) - text));
}
