// SPDX-License-Identifier: Apache-2.0
#include "shared/base/utf8.h"

#define HIGH_BITS 0x8080808080808080u

static bool continues(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

size_t utf8_sequence(struct slice text)
{
    const uint8_t *p = text.data;
    uint8_t c = p[0];
    if (c < 0x80)
        return 1;
    if (c < 0xc2 || c > 0xf4)
        return 0;
    size_t need = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (text.len < need)
        return 0;
    for (size_t i = 1; i < need; i++)
        if (!continues(p[i]))
            return 0;
    if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f)) /* overlong; surrogates */
        return 0;
    if ((c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f)) /* overlong; > U+10FFFF */
        return 0;
    return need;
}

size_t utf8_valid_prefix(struct slice text)
{
    size_t at = 0;
    while (at < text.len) {
        if (text.len - at >= 8) {
            uint64_t word;
            memcpy(&word, text.data + at, sizeof word);
            if ((word & HIGH_BITS) == 0) {
                at += 8;
                continue;
            }
        }
        size_t n = utf8_sequence((struct slice){text.data + at, text.len - at});
        if (n == 0)
            break;
        at += n;
    }
    return at;
}
