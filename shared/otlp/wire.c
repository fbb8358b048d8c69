// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/wire.h"

int wire_varint_long(struct wire *w, uint64_t *value)
{
    size_t limit = wire_left(w);
    if (limit > WIRE_VARINT_MAX_BYTES)
        limit = WIRE_VARINT_MAX_BYTES;
    uint64_t sum = 0;
    for (size_t i = 0; i < limit; i++) {
        uint8_t byte = w->at[i];
        if (i == WIRE_VARINT_MAX_BYTES - 1 && byte > 1) /* over 64 bits, or an eleventh byte */
            return GW_ERR_MALFORMED;
        sum |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            w->at += i + 1;
            *value = sum;
            return GW_OK;
        }
    }
    return GW_ERR_MALFORMED;
}
