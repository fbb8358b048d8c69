// SPDX-License-Identifier: Apache-2.0
/* The file of a dead letter: whatever is taken is written again as the same bytes, up to those that are zero in this
 * version. A later one that may be read by this one can have something there. */
#include <stdlib.h>

#include "router/dead_letter_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int right)
{
    if (!right)
        abort();
}

static int inside(struct slice part, const uint8_t *data, size_t size)
{
    return part.len == 0 || (part.data >= data && part.data + part.len <= data + size);
}

static int same(const uint8_t *a, const uint8_t *b, size_t from, size_t to)
{
    return memcmp(a + from, b + from, to - from) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dead_letter letter;
    struct slice payload;
    uint8_t header[DEAD_LETTER_HEADER_MAX_BYTES];
    int len = dead_letter_get(slice_make(data, size), &letter);
    if (len < 0) {
        require(dead_letter_get_whole(slice_make(data, size), &letter, &payload) == len);
        return 0;
    }
    require((size_t)len <= size && inside(letter.exporter, data, size) &&
            inside(letter.reason, data, size));
    size_t again = dead_letter_put(&letter, header);
    require(again == (size_t)len && same(header, data, 12, 105) && same(header, data, 106, 110));
    if (dead_letter_get_whole(slice_make(data, size), &letter, &payload) == GW_OK)
        require(payload.data == data + len && payload.len == letter.payload_bytes);
    return 0;
}
