// SPDX-License-Identifier: Apache-2.0
/* Runs behind the walk over every batch of logs, so attributes are passed over by the length of
 * their key, and a record is left as soon as it has told both things. */
#include "shared/otlp/sources.h"

#include "shared/otlp/value.h"

#define LOG_RECORD_ATTRIBUTES 6u
#define RESOURCE_ATTRIBUTES 1u
#define TAG_KEY 0x0a
#define SESSION "session.id"
#define SEQUENCE "event.sequence"

/* What one record says about itself. */
struct origin {
    struct slice session;
    bool has_session;
    bool numbered;
    int64_t number;
};

static struct slice name_of(const struct otlp_value *value)
{
    struct slice name = value->kind == OTLP_VALUE_STRING ? value->is.bytes : slice_make(NULL, 0);
    if (name.len > SOURCES_NAME_MAX_BYTES)
        name.len = SOURCES_NAME_MAX_BYTES;
    return name;
}

/* Claude Code wrote some of its numbers as strings in earlier versions. */
static bool number_of(const struct otlp_value *value, int64_t *number)
{
    if (value->kind == OTLP_VALUE_INT) {
        *number = value->is.integer;
        return true;
    }
    if (value->kind != OTLP_VALUE_STRING || value->is.bytes.len == 0 || value->is.bytes.len > 18)
        return false;
    int64_t sum = 0;
    for (size_t i = 0; i < value->is.bytes.len; i++) {
        uint8_t digit = (uint8_t)(value->is.bytes.data[i] - '0');
        if (digit > 9)
            return false;
        sum = sum * 10 + digit;
    }
    *number = sum;
    return true;
}

/* False if the KeyValue, whose key stands first as it nearly always does, has another key than
 * the two. */
static inline bool may_be_ours(struct slice attribute)
{
    if (attribute.len < 2)
        return false;
    if (attribute.data[0] != TAG_KEY)
        return true;
    size_t len = attribute.data[1]; /* of the key; both of ours are shorter than 128 bytes */
    if (len > attribute.len - 2)
        return false;
    const uint8_t *key = attribute.data + 2;
    if (len == sizeof SESSION - 1)
        return memcmp(key, SESSION, sizeof SESSION - 1) == 0;
    return len == sizeof SEQUENCE - 1 && memcmp(key, SEQUENCE, sizeof SEQUENCE - 1) == 0;
}

static void look_at(struct slice attribute, struct origin *origin)
{
    struct slice key;
    struct otlp_value value;
    if (!may_be_ours(attribute))
        return;
    otlp_attribute_read(attribute, &key, &value);
    if (!origin->has_session && slice_is(key, SESSION)) {
        origin->session = name_of(&value);
        origin->has_session = true;
    } else if (!origin->numbered && slice_is(key, SEQUENCE)) {
        origin->numbered = number_of(&value, &origin->number);
    }
}

static void look_into(struct slice record, struct origin *origin)
{
    struct wire w = wire_of(record);
    struct wire_field f;
    *origin = (struct origin){.numbered = false};
    while (!(origin->has_session && origin->numbered) && wire_next(&w, &f) == 1)
        if (f.number == LOG_RECORD_ATTRIBUTES && f.type == WIRE_BYTES)
            look_at(f.bytes, origin);
}

struct collector {
    struct sources *out;
    struct slice service;        /* of the resource at hand */
    uint32_t last;               /* where the search begins: neighbours are mostly of one session */
    uint64_t marks[SOURCES_MAX]; /* of the sessions, to tell most of them apart without looking */
};

static uint64_t mark_of(struct slice session)
{
    uint64_t mark = 0;
    if (session.len)
        memcpy(&mark, session.data, session.len < sizeof mark ? session.len : sizeof mark);
    return mark ^ session.len;
}

/* The source in the list, put there if there is room; NULL: no room. */
static struct source *find(struct collector *c, struct slice session)
{
    struct sources *all = c->out;
    uint64_t mark = mark_of(session);
    uint32_t at = c->last;
    for (uint32_t i = 0; i < all->used; i++, at = at + 1 < all->used ? at + 1 : 0) {
        struct source *source = &all->list[at];
        if (c->marks[at] == mark && slice_eq(source->session, session) &&
            slice_eq(source->service, c->service)) {
            c->last = at;
            return source;
        }
    }
    if (all->used == SOURCES_MAX)
        return NULL;
    c->last = all->used++;
    c->marks[c->last] = mark;
    all->list[c->last] = (struct source){.service = c->service, .session = session};
    return &all->list[c->last];
}

static void note(struct collector *c, const struct origin *origin)
{
    struct source *source = find(c, origin->session);
    if (!source) {
        c->out->more++;
        return;
    }
    source->count++;
    if (!origin->numbered)
        return;
    if (!source->numbered || origin->number < source->lowest)
        source->lowest = origin->number;
    if (!source->numbered || origin->number > source->highest)
        source->highest = origin->number;
    source->numbered = true;
}

void sources_collect(enum otlp_signal signal, struct slice batch, struct sources *out)
{
    struct collector c = {.out = out};
    struct otlp_reader reader;
    struct origin origin = {.numbered = false};
    uint32_t resource = UINT32_MAX;
    out->used = 0;
    out->more = 0;
    otlp_reader_init(&reader, signal, batch);
    while (otlp_reader_next(&reader)) {
        if (reader.now.resource_index != resource) {
            struct otlp_value value;
            resource = reader.now.resource_index;
            otlp_attribute_find(&reader.now.resource, RESOURCE_ATTRIBUTES, "service.name", &value);
            c.service = name_of(&value);
        }
        if (signal == OTLP_LOGS)
            look_into(reader.now.bytes, &origin);
        note(&c, &origin);
    }
}
