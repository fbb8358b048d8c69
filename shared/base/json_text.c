// SPDX-License-Identifier: Apache-2.0
#include "shared/base/json_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/utf8.h"

static bool plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void escape(struct buf *out, uint8_t c)
{
    static const char letters[] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    if (c == '"' || c == '\\') {
        buf_byte(out, '\\');
        buf_byte(out, c);
    } else if (c < sizeof letters && letters[c]) {
        buf_byte(out, '\\');
        buf_byte(out, (uint8_t)letters[c]);
    } else {
        buf_printf(out, "\\u%04x", c);
    }
}

void json_text_string(struct buf *out, struct slice text)
{
    buf_byte(out, '"');
    size_t at = 0;
    while (at < text.len) {
        size_t from = at;
        while (at < text.len && plain(text.data[at]))
            at++;
        buf_append(out, text.data + from, at - from);
        if (at == text.len)
            break;
        size_t n = utf8_sequence((struct slice){text.data + at, text.len - at});
        if (n == 1)
            escape(out, text.data[at]);
        else if (n == 0)
            buf_text(out, "\xef\xbf\xbd");
        else
            buf_append(out, text.data + at, n);
        at += n ? n : 1;
    }
    buf_byte(out, '"');
}

void json_text_double(struct buf *out, double value)
{
    if (isnan(value)) {
        buf_text(out, "\"NaN\"");
        return;
    }
    if (isinf(value)) {
        buf_text(out, value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (digits == 17 || strtod(text, NULL) == value)
            break;
    }
    buf_text(out, text);
}
