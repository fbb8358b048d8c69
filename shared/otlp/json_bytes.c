// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/json_bytes.h"

bool json_bytes_hex(struct slice text, uint8_t *to)
{
    if (text.len % 2)
        return false;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = json_bytes_digit(text.data[i]);
        int low = json_bytes_digit(text.data[i + 1]);
        if (high < 0 || low < 0)
            return false;
        to[i / 2] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* ---- base64 ---------------------------------------------------------------------------------- */

static int sextet(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

bool json_bytes_base64(struct slice text, uint8_t *to, size_t *len)
{
    size_t n = text.len;
    size_t padding = 0;
    while (n > 0 && padding < 2 && text.data[n - 1] == '=') {
        n--;
        padding++;
    }
    if (n % 4 == 1 || (padding && (n + padding) % 4))
        return false;
    uint8_t *at = to;
    uint32_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        int six = sextet(text.data[i]);
        if (six < 0)
            return false;
        bits = bits << 6 | (uint32_t)six;
        if (i % 4 == 0)
            continue;
        /* The second character of four completes the first byte, and so on. */
        *at++ = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    *len = (size_t)(at - to);
    return true;
}
