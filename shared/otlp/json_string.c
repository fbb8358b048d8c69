// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/json_string.h"

#include "shared/base/utf8.h"
#include "shared/otlp/json_bytes.h"

#define LOW_BITS 0x0101010101010101u
#define HIGH_BITS 0x8080808080808080u

#define UNICODE_ESCAPE_BYTES 6u /* \uXXXX */
#define REPLACEMENT 0xfffdu

/* ---- escapes --------------------------------------------------------------------------------- */

/* The code unit of the \uXXXX at the front of `text`; -1: there is none. */
static int32_t code_unit(struct slice text)
{
    if (text.len < UNICODE_ESCAPE_BYTES || text.data[0] != '\\' || text.data[1] != 'u')
        return -1;
    int32_t unit = 0;
    for (size_t i = 2; i < UNICODE_ESCAPE_BYTES; i++) {
        int digit = json_bytes_digit(text.data[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* The character of the escape at the front of `text` (which begins with a backslash) and the
 * bytes of the escape; 0 bytes: it is none. A surrogate without its other half is U+FFFD. */
static size_t escape(struct slice text, uint32_t *character, bool *lone)
{
    static const uint8_t letters[128] = {
        ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
        ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
    };
    if (text.len < 2 || text.data[1] > 0x7f)
        return 0;
    if (letters[text.data[1]]) {
        *character = letters[text.data[1]];
        return 2;
    }
    int32_t unit = code_unit(text);
    if (unit < 0)
        return 0;
    *character = (uint32_t)unit;
    if (unit < 0xd800 || unit > 0xdfff)
        return UNICODE_ESCAPE_BYTES;
    struct slice rest = slice_make(text.data + UNICODE_ESCAPE_BYTES,
                                   text.len - UNICODE_ESCAPE_BYTES);
    int32_t low = unit < 0xdc00 ? code_unit(rest) : -1;
    if (low >= 0xdc00 && low <= 0xdfff) {
        *character = 0x10000 + ((uint32_t)(unit - 0xd800) << 10 | (uint32_t)(low - 0xdc00));
        return 2 * UNICODE_ESCAPE_BYTES;
    }
    *character = REPLACEMENT;
    *lone = true;
    return UNICODE_ESCAPE_BYTES;
}

static size_t utf8_size(uint32_t character)
{
    return character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
}

static uint8_t *put_character(uint8_t *to, uint32_t c)
{
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t n = utf8_size(c);
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        to[i] = (uint8_t)(0x80 | (c & 0x3f));
    to[0] = (uint8_t)(lead[n] | c);
    return to + n;
}

/* ---- finding the end ------------------------------------------------------------------------- */

/* The high bits of the bytes of `word` that are a quote, a backslash or below 0x20, and perhaps
 * of bytes behind the first of them (Hacker's Delight, "Find First 0-Byte"). */
static inline uint64_t special_bytes(uint64_t word)
{
    uint64_t quote = word ^ (LOW_BITS * '"');
    uint64_t slash = word ^ (LOW_BITS * '\\');
    return (((word - LOW_BITS * 0x20) & ~word) | ((quote - LOW_BITS) & ~quote) |
            ((slash - LOW_BITS) & ~slash)) & HIGH_BITS;
}

/* The first special byte from `at` on, or text.len. `*high` gathers the bits of those before. */
static inline size_t find_special(struct slice text, size_t at, uint64_t *high)
{
    while (text.len - at >= 8) {
        uint64_t word;
        memcpy(&word, text.data + at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        uint64_t special = special_bytes(word);
        if (special) {
            *high |= word & ((special & -special) - 1);
            return at + (size_t)__builtin_ctzll(special) / 8;
        }
        *high |= word;
        at += 8;
    }
    for (; at < text.len; at++) {
        uint8_t c = text.data[at];
        if (c < 0x20 || c == '"' || c == '\\')
            break;
        *high |= c;
    }
    return at;
}

int64_t json_string_read(struct slice text, struct json_string *out, const char **why)
{
    uint64_t high = 0;
    size_t shrunk = 0; /* by escapes */
    size_t at = 0;
    out->escapes = false;
    out->lone = false;
    for (;;) {
        at = find_special(text, at, &high);
        if (at == text.len || text.data[at] != '\\')
            break;
        uint32_t character = 0;
        size_t n = escape(slice_make(text.data + at, text.len - at), &character, &out->lone);
        if (n == 0) {
            *why = "a string has an escape that does not exist";
            break;
        }
        out->escapes = true;
        shrunk += n - utf8_size(character);
        at += n;
    }
    out->raw = slice_make(text.data, at);
    out->len = at - shrunk;
    out->ascii = (high & HIGH_BITS) == 0;
    if (at < text.len && text.data[at] == '"')
        return (int64_t)at + 1;
    if (at == text.len)
        *why = "the text ends inside a string";
    else if (text.data[at] != '\\')
        *why = "a string has a control character in it";
    return GW_ERR_MALFORMED;
}

/* ---- copying --------------------------------------------------------------------------------- */

void json_string_put(const struct json_string *s, uint8_t *to)
{
    struct slice rest = s->raw;
    while (s->escapes && rest.len) {
        const uint8_t *slash = memchr(rest.data, '\\', rest.len);
        size_t plain = slash ? (size_t)(slash - rest.data) : rest.len;
        memcpy(to, rest.data, plain);
        to += plain;
        rest = slice_make(rest.data + plain, rest.len - plain);
        if (!slash)
            return;
        uint32_t character = 0;
        bool lone;
        size_t n = escape(rest, &character, &lone);
        to = put_character(to, character);
        rest = slice_make(rest.data + n, rest.len - n);
    }
    if (rest.len)
        memcpy(to, rest.data, rest.len);
}

/* Every byte that is no part of a UTF-8 sequence becomes '?'. */
static bool mend_utf8(uint8_t *bytes, size_t len)
{
    bool sound = true;
    for (size_t at = 0;;) {
        at += utf8_valid_prefix(slice_make(bytes + at, len - at));
        if (at == len)
            return sound;
        bytes[at++] = '?';
        sound = false;
    }
}

bool json_string_put_utf8(const struct json_string *s, uint8_t *to)
{
    json_string_put(s, to);
    bool sound = s->ascii || mend_utf8(to, s->len);
    return sound && !s->lone;
}

struct slice json_string_text(const struct json_string *s, uint8_t *spare, size_t size)
{
    if (!s->escapes)
        return s->raw;
    if (s->len > size)
        return slice_make(NULL, 0);
    json_string_put(s, spare);
    return slice_make(spare, s->len);
}
