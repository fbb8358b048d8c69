// SPDX-License-Identifier: Apache-2.0
#include "shared/base/printable.h"

#include <stdio.h>
#include <string.h>

#include "shared/base/utf8.h"

#define ELLIPSIS "…"

/* What a terminal obeys or is fooled by although it is valid UTF-8: C1 controls and the marks that reorder text. */
static bool is_tricky(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static uint32_t decode(const uint8_t *p, size_t n)
{
    if (n == 1)
        return p[0];
    uint32_t c = p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3f);
    return c;
}

size_t printable_unit(struct slice text, char shown[PRINTABLE_UNIT_BYTES], size_t *len, uint32_t *columns)
{
    size_t n = utf8_sequence(text);
    uint32_t c = n ? decode(text.data, n) : text.data[0];
    int written;
    if (n && !is_tricky(c)) {
        memcpy(shown, text.data, n);
        *len = n;
        *columns = 1;
        return n;
    }
    if (n && c == '\n')
        written = snprintf(shown, PRINTABLE_UNIT_BYTES, "\\n");
    else if (n && c == '\t')
        written = snprintf(shown, PRINTABLE_UNIT_BYTES, "\\t");
    else if (n && c == '\r')
        written = snprintf(shown, PRINTABLE_UNIT_BYTES, "\\r");
    else if (c < 0x80 || !n)
        written = snprintf(shown, PRINTABLE_UNIT_BYTES, "\\x%02x", c & 0xff);
    else
        written = snprintf(shown, PRINTABLE_UNIT_BYTES, "\\u%04x", c);
    *len = (size_t)written;
    *columns = (uint32_t)written;
    return n ? n : 1;
}

uint32_t printable_text(struct buf *out, struct slice text, uint32_t limit)
{
    uint32_t column = 0;
    while (text.len) {
        char shown[PRINTABLE_UNIT_BYTES];
        size_t len;
        uint32_t columns;
        size_t n = printable_unit(text, shown, &len, &columns);
        /* One column is kept for the ellipsis, unless this is the end. */
        if (column + columns + (n < text.len) > limit) {
            buf_text(out, ELLIPSIS);
            return column + 1;
        }
        buf_append(out, shown, len);
        column += columns;
        text = slice_make(text.data + n, text.len - n);
    }
    return column;
}
