// SPDX-License-Identifier: Apache-2.0
/* The walk over any bytes. The first byte chooses the signal and the limits, the rest is the
 * request. What the walk lets pass must be readable, with as many records as it counted, and
 * alone as well as behind itself. */
#include <stdint.h>
#include <stdlib.h>

#include "shared/otlp/sources.h"
#include "shared/otlp/value.h"
#include "shared/otlp/walk.h"

#define TEXT_MAX_BYTES (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The resource's attributes, the short way and the long one. */
static void read_attributes(const struct otlp_view *resource)
{
    struct wire_field f;
    struct otlp_cursor c = otlp_cursor_of(resource);
    while (otlp_cursor_next(&c, &f) == 1) {
        struct otlp_value quick, slow;
        struct slice key;
        if (f.number != 1 || !otlp_attribute_plain(f.bytes, &key, &quick))
            continue;
        struct otlp_view whole = otlp_view_of(f.bytes);
        otlp_value_in(&whole, OTLP_KEY_VALUE, 2, &slow);
        struct buf a = buf_make(TEXT_MAX_BYTES), b = buf_make(TEXT_MAX_BYTES);
        otlp_value_text(&quick, &a);
        otlp_value_text(&slow, &b);
        if (quick.kind != slow.kind || !slice_eq(key, otlp_view_bytes(&whole, 1)) ||
            !slice_eq(buf_slice(&a), buf_slice(&b)))
            abort();
        buf_free(&a);
        buf_free(&b);
    }
}

static uint64_t read_all(enum otlp_signal signal, struct slice request)
{
    struct otlp_reader reader;
    uint64_t records = 0;
    otlp_reader_init(&reader, signal, request);
    while (otlp_reader_next(&reader)) {
        struct otlp_value value;
        struct buf text = buf_make(TEXT_MAX_BYTES);
        struct buf sorted = buf_make(TEXT_MAX_BYTES);
        struct buf room = buf_make(TEXT_MAX_BYTES);
        otlp_value_in(&reader.now.record, OTLP_LOG_RECORD, 5, &value);
        otlp_value_text(&value, &text);
        otlp_value_text_sorted(&value, &room, &sorted);
        if (text.len != sorted.len) /* the same pieces in another order */
            abort();
        otlp_attribute_find(&reader.now.resource, 1, "service.name", &value);
        read_attributes(&reader.now.resource);
        buf_free(&text);
        buf_free(&sorted);
        buf_free(&room);
        records++;
    }
    return records;
}

static uint64_t count_of_sources(enum otlp_signal signal, struct slice request)
{
    struct sources sources;
    sources_collect(signal, request, &sources);
    uint64_t records = sources.more;
    for (uint32_t i = 0; i < sources.used; i++)
        records += sources.list[i].count;
    return records;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum otlp_signal signal = (enum otlp_signal)(data[0] % OTLP_SIGNALS + 1);
    struct otlp_limits limits = {
        .max_depth = data[0] & 0x80 ? 8 : 0,
        .max_records = data[0] & 0x40 ? 4 : 0,
    };
    struct slice request = slice_make(data + 1, size - 1);
    struct otlp_walk_result result;
    struct buf text = buf_make(TEXT_MAX_BYTES);
    if (otlp_walk(signal, request, &limits, &result) != GW_OK) {
        otlp_walk_explain(&result, &text);
        if (text.len == 0 || result.offset > request.len)
            abort();
    } else {
        if (read_all(signal, request) != result.records)
            abort();
        if (count_of_sources(signal, request) != result.records)
            abort();
        struct otlp_walk_result twice;
        buf_slice_append(&text, request);
        buf_slice_append(&text, request);
        limits.max_records = 0;
        if (otlp_walk(signal, buf_slice(&text), &limits, &twice) != GW_OK ||
            twice.records != 2 * result.records)
            abort();
    }
    buf_free(&text);
    return 0;
}
