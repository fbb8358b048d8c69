// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/group.h"

#define ENTRIES 1u    /* the one field of a request */
#define RESOURCE 1u   /* of an entry */
#define ATTRIBUTES 1u /* of a resource */

void group_init(struct group *g, enum otlp_signal signal, struct slice batch, const char *attribute)
{
    *g = (struct group){.signal = signal,
                        .attribute = attribute,
                        .wire = wire_of(batch),
                        .counted = batch.data};
}

static enum otlp_message entry_message(enum otlp_signal signal)
{
    return (enum otlp_message)otlp_schema_field(otlp_schema_request(signal), ENTRIES)->child;
}

static void read_value(const struct group *g, struct slice inside, struct group_entry *entry)
{
    struct otlp_view whole = otlp_view_of(inside), resource;
    struct otlp_value value;
    entry->found = otlp_view_child(&whole, entry_message(g->signal), RESOURCE, &resource) &&
                   otlp_attribute_find(&resource, ATTRIBUTES, g->attribute, &value) &&
                   value.kind == OTLP_VALUE_STRING;
    entry->value = entry->found ? value.is.bytes : slice_make(NULL, 0);
}

bool group_next(struct group *g, struct group_entry *entry)
{
    while (true) {
        const uint8_t *from = g->wire.at;
        struct wire_field f;
        if (wire_next(&g->wire, &f) != 1)
            return false;
        if (f.number != ENTRIES || f.type != WIRE_BYTES) /* unknown: it has no resource */
            continue;
        entry->bytes = slice_make(from, (size_t)(g->wire.at - from));
        read_value(g, f.bytes, entry);
        return true;
    }
}

static uint64_t count(const struct group *g, const uint8_t *from, const uint8_t *to)
{
    struct otlp_reader reader;
    uint64_t records = 0;
    otlp_reader_init(&reader, g->signal, slice_make(from, (size_t)(to - from)));
    while (otlp_reader_next(&reader))
        records++;
    return records;
}

void group_records(struct group *g, const struct group_entry *entry, uint64_t *first,
                   uint64_t *records)
{
    const uint8_t *end = entry->bytes.data + entry->bytes.len;
    g->records += count(g, g->counted, entry->bytes.data);
    *first = g->records;
    *records = count(g, entry->bytes.data, end);
    g->records += *records;
    g->counted = end;
}
