// SPDX-License-Identifier: Apache-2.0
#include "shared/config/size.h"

struct unit {
    const char *name;
    uint64_t bytes;
};

static const struct unit units[] = {
    {"TiB", SIZE_TIB},
    {"GiB", SIZE_GIB},
    {"MiB", SIZE_MIB},
    {"KiB", SIZE_KIB},
};

#define UNITS (sizeof units / sizeof units[0])

int size_parse_number(struct slice text, uint64_t *number)
{
    uint64_t value = 0;
    if (text.len == 0)
        return GW_ERR_MALFORMED;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return GW_ERR_MALFORMED;
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return GW_ERR_TOO_LARGE;
        value = value * 10 + digit;
    }
    *number = value;
    return 0;
}

int size_parse(struct slice text, uint64_t *bytes)
{
    uint64_t scale = 1, number;
    for (size_t i = 0; i < UNITS; i++) {
        struct slice unit = slice_of(units[i].name);
        if (text.len > unit.len &&
            slice_eq(slice_make(text.data + text.len - unit.len, unit.len), unit)) {
            scale = units[i].bytes;
            text.len -= unit.len;
            break;
        }
    }
    int rc = size_parse_number(text, &number);
    if (rc < 0)
        return rc;
    if (number > UINT64_MAX / scale)
        return GW_ERR_TOO_LARGE;
    *bytes = number * scale;
    return 0;
}

void size_print(uint64_t bytes, struct buf *out)
{
    for (size_t i = 0; i < UNITS; i++) {
        if (bytes && bytes % units[i].bytes == 0) {
            buf_u64(out, bytes / units[i].bytes);
            buf_text(out, units[i].name);
            return;
        }
    }
    buf_u64(out, bytes);
}
