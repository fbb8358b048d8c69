// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/value.h"

#include <math.h>
#include <stdlib.h>

#include "shared/base/json_text.h"
#include "shared/otlp/walk.h"

/* Field numbers of common.proto; the members of AnyValue are numbered as enum otlp_value_kind. */
#define KEY_VALUE_KEY 1u
#define KEY_VALUE_VALUE 2u
#define ITEMS 1u /* of ArrayValue and KeyValueList */

/* ---- values ---------------------------------------------------------------------------------- */

/* One member, which is not an array or list. */
static void set_scalar(struct otlp_value *out, const struct wire_field *f)
{
    switch (f->number) {
    case OTLP_VALUE_STRING:
    case OTLP_VALUE_BYTES:
        out->is.bytes = f->bytes;
        break;
    case OTLP_VALUE_BOOL:
        out->is.boolean = f->value != 0;
        break;
    case OTLP_VALUE_INT:
        out->is.integer = (int64_t)f->value;
        break;
    default:
        out->is.number = wire_double(f->value);
        break;
    }
    out->kind = (enum otlp_value_kind)f->number;
}

static bool is_list(uint32_t member)
{
    return member == OTLP_VALUE_ARRAY || member == OTLP_VALUE_KVLIST;
}

static bool is_member(const struct wire_field *f)
{
    const struct otlp_field *field = otlp_schema_field(OTLP_ANY_VALUE, f->number);
    return field && field->wire == f->type;
}

void otlp_value_read(const struct otlp_view *any, struct otlp_value *out)
{
    struct wire_field f;
    out->kind = OTLP_VALUE_EMPTY;
    if (any->levels == 0) { /* nearly always: one scalar member and nothing else */
        struct wire w = wire_of(any->holder);
        if (wire_next(&w, &f) == 1 && w.at == w.end && is_member(&f) && !is_list(f.number)) {
            set_scalar(out, &f);
            return;
        }
    }
    const uint8_t *first = NULL; /* the first piece that counts, if it is an array or list */
    struct otlp_cursor c = otlp_cursor_of(any);
    while (otlp_cursor_next(&c, &f) == 1) {
        if (!is_member(&f))
            continue;
        if (!is_list(f.number)) {
            set_scalar(out, &f);
            continue;
        }
        if (out->kind != (enum otlp_value_kind)f.number)
            first = c.tag;
        out->is.items = otlp_view_pieces(any, f.number, first, c.tag);
        out->kind = (enum otlp_value_kind)f.number;
    }
}

bool otlp_value_in(const struct otlp_view *view, enum otlp_message message, uint32_t number,
                   struct otlp_value *out)
{
    struct otlp_view any;
    out->kind = OTLP_VALUE_EMPTY;
    if (!otlp_view_child(view, message, number, &any))
        return false;
    otlp_value_read(&any, out);
    return true;
}

/* The usual shape: a key, then a value, each once. */
static inline bool read_plain(struct slice attribute, struct slice *key, struct slice *any)
{
    struct wire w = wire_of(attribute);
    struct wire_field k;
    struct wire_field v;
    if (wire_next(&w, &k) != 1 || k.number != KEY_VALUE_KEY || k.type != WIRE_BYTES)
        return false;
    if (wire_next(&w, &v) != 1 || v.number != KEY_VALUE_VALUE || v.type != WIRE_BYTES ||
        w.at != w.end)
        return false;
    *key = k.bytes;
    *any = v.bytes;
    return true;
}

void otlp_attribute_read(struct slice attribute, struct slice *key, struct otlp_value *value)
{
    struct slice bytes;
    if (otlp_attribute_plain(attribute, key, value))
        return;
    if (read_plain(attribute, key, &bytes)) {
        struct otlp_view any = otlp_view_of(bytes);
        otlp_value_read(&any, value);
        return;
    }
    struct otlp_view whole = otlp_view_of(attribute);
    *key = otlp_view_bytes(&whole, KEY_VALUE_KEY);
    otlp_value_in(&whole, OTLP_KEY_VALUE, KEY_VALUE_VALUE, value);
}

static bool next_bytes(struct otlp_cursor *c, uint32_t number, struct slice *bytes)
{
    struct wire_field f;
    while (otlp_cursor_next(c, &f) == 1) {
        if (f.number == number && f.type == WIRE_BYTES) {
            *bytes = f.bytes;
            return true;
        }
    }
    return false;
}

bool otlp_attribute_next(struct otlp_cursor *c, uint32_t number, struct slice *key,
                         struct otlp_value *value)
{
    struct slice attribute;
    if (!next_bytes(c, number, &attribute))
        return false;
    otlp_attribute_read(attribute, key, value);
    return true;
}

bool otlp_attribute_find(const struct otlp_view *view, uint32_t number, const char *key,
                         struct otlp_value *out)
{
    struct slice wanted = slice_of(key);
    struct slice attribute;
    struct slice found;
    struct slice any;
    struct otlp_cursor c = otlp_cursor_of(view);
    while (next_bytes(&c, number, &attribute)) {
        if (read_plain(attribute, &found, &any) && !slice_eq(found, wanted))
            continue;
        otlp_attribute_read(attribute, &found, out);
        if (slice_eq(found, wanted))
            return true;
    }
    out->kind = OTLP_VALUE_EMPTY;
    return false;
}

/* ---- words ----------------------------------------------------------------------------------- */

/* An array or list that is being written. */
struct open_list {
    struct otlp_cursor cursor;
    bool keyed;
    bool some;
    size_t start, next, end; /* of a sorted list in `room`: its items, and what is left of them */
};

/* An item of a list that is sorted. */
struct list_item {
    struct slice key;
    struct slice bytes; /* the KeyValue */
};

struct text_writer {
    struct buf *out;
    struct buf *room; /* the items of all sorted lists that are open; NULL: nothing is sorted */
    uint32_t depth;
    struct open_list lists[OTLP_DEPTH_MAX / 2]; /* each takes two messages of depth at least */
};

/* By key; of equal keys the one that came first stands before the other in the batch. */
static int compare_items(const void *a, const void *b)
{
    const struct list_item *x = a;
    const struct list_item *y = b;
    size_t common = x->key.len < y->key.len ? x->key.len : y->key.len;
    int by_bytes = common ? memcmp(x->key.data, y->key.data, common) : 0;
    if (by_bytes)
        return by_bytes;
    if (x->key.len != y->key.len)
        return x->key.len < y->key.len ? -1 : 1;
    return x->bytes.data < y->bytes.data ? -1 : x->bytes.data > y->bytes.data;
}

/* Gathers the list's items behind those of the lists around it. */
static void sort_items(struct text_writer *w, struct open_list *list)
{
    struct list_item item;
    struct otlp_value ignored;
    list->start = list->next = w->room->len;
    while (buf_ok(w->room) && next_bytes(&list->cursor, ITEMS, &item.bytes)) {
        otlp_attribute_read(item.bytes, &item.key, &ignored);
        buf_append(w->room, &item, sizeof item);
    }
    list->end = w->room->len;
    if (list->end > list->next)
        qsort(w->room->data + list->next, (list->end - list->next) / sizeof item, sizeof item,
              compare_items);
    w->out->failed |= !buf_ok(w->room);
    w->out->over |= w->room->over;
}

static bool next_item(struct text_writer *w, struct open_list *list, struct slice *bytes)
{
    struct list_item item;
    if (!list->keyed || !w->room)
        return next_bytes(&list->cursor, ITEMS, bytes);
    if (list->next == list->end)
        return false;
    memcpy(&item, w->room->data + list->next, sizeof item);
    list->next += sizeof item;
    *bytes = item.bytes;
    return true;
}

static void open_value_list(struct text_writer *w, const struct otlp_value *value)
{
    if (w->depth == sizeof w->lists / sizeof w->lists[0]) { /* deeper than any walk allows */
        buf_text(w->out, "null");
        return;
    }
    struct open_list *list = &w->lists[w->depth++];
    list->cursor = otlp_cursor_of(&value->is.items);
    list->keyed = value->kind == OTLP_VALUE_KVLIST;
    list->some = false;
    if (list->keyed && w->room)
        sort_items(w, list);
    buf_byte(w->out, list->keyed ? '{' : '[');
}

static void close_list(struct text_writer *w, const struct open_list *list)
{
    buf_byte(w->out, list->keyed ? '}' : ']');
    if (list->keyed && w->room)
        w->room->len = list->start;
    w->depth--;
}

/* A value as plain JSON; arrays and lists are only opened. */
static void write_json(struct text_writer *w, const struct otlp_value *value)
{
    struct buf *out = w->out;
    switch (value->kind) {
    case OTLP_VALUE_EMPTY:
        buf_text(out, "null");
        return;
    case OTLP_VALUE_STRING:
        json_text_string(out, value->is.bytes);
        return;
    case OTLP_VALUE_BOOL:
        buf_text(out, value->is.boolean ? "true" : "false");
        return;
    case OTLP_VALUE_INT:
        buf_i64(out, value->is.integer);
        return;
    case OTLP_VALUE_DOUBLE:
        json_text_double(out, value->is.number);
        return;
    case OTLP_VALUE_BYTES:
        buf_byte(out, '"');
        buf_base64(out, value->is.bytes, true);
        buf_byte(out, '"');
        return;
    case OTLP_VALUE_ARRAY:
    case OTLP_VALUE_KVLIST:
        open_value_list(w, value);
        return;
    }
}

static void write_next_item(struct text_writer *w)
{
    struct open_list *list = &w->lists[w->depth - 1];
    struct slice item;
    struct slice key;
    struct otlp_value value;
    if (!next_item(w, list, &item)) {
        close_list(w, list);
        return;
    }
    if (list->some)
        buf_byte(w->out, ',');
    list->some = true;
    if (list->keyed) {
        otlp_attribute_read(item, &key, &value);
        json_text_string(w->out, key);
        buf_byte(w->out, ':');
    } else {
        struct otlp_view any = otlp_view_of(item);
        otlp_value_read(&any, &value);
    }
    write_json(w, &value);
}

static void write_double_text(struct buf *out, double number)
{
    if (isnan(number))
        buf_text(out, "NaN");
    else if (isinf(number))
        buf_text(out, number < 0 ? "-Infinity" : "Infinity");
    else
        json_text_double(out, number);
}

static void write_text(const struct otlp_value *value, struct buf *room, struct buf *out)
{
    struct text_writer w;
    w.out = out;
    w.room = room;
    w.depth = 0;
    switch (value->kind) {
    case OTLP_VALUE_EMPTY:
        return;
    case OTLP_VALUE_STRING:
        buf_slice_append(out, value->is.bytes);
        return;
    case OTLP_VALUE_DOUBLE:
        write_double_text(out, value->is.number);
        return;
    case OTLP_VALUE_BYTES:
        buf_base64(out, value->is.bytes, true);
        return;
    default:
        write_json(&w, value);
        while (w.depth > 0 && buf_ok(out))
            write_next_item(&w);
        return;
    }
}

void otlp_value_text(const struct otlp_value *value, struct buf *out)
{
    write_text(value, NULL, out);
}

void otlp_value_text_sorted(const struct otlp_value *value, struct buf *room, struct buf *out)
{
    buf_clear(room);
    write_text(value, room, out);
}

/* ---- records --------------------------------------------------------------------------------- */

/* Field numbers that the three signals share: Resource*.resource, .scope_*, .schema_url;
 * Scope*.scope, ... */
#define OUTER_HEAD 1u
#define OUTER_LIST 2u
#define OUTER_SCHEMA_URL 3u
#define REQUEST_LIST 1u
#define DATA_POINTS 1u

static void open_list(struct otlp_reader *r, const struct otlp_view *holder, uint32_t number)
{
    r->lists[r->level].cursor = otlp_cursor_of(holder);
    r->lists[r->level].number = number;
    r->level++;
}

void otlp_reader_init(struct otlp_reader *r, enum otlp_signal signal, struct slice batch)
{
    memset(&r->now, 0, sizeof r->now);
    r->signal = signal;
    r->level = 0;
    r->now.index = UINT64_MAX; /* one before the first */
    r->now.resource_index = r->now.scope_index = r->now.metric_index = UINT32_MAX;
    r->now.record_message = signal == OTLP_TRACES ? OTLP_SPAN : OTLP_LOG_RECORD;
    struct otlp_view whole = otlp_view_of(batch);
    if (otlp_schema_request(signal) != OTLP_NO_MESSAGE)
        open_list(r, &whole, REQUEST_LIST);
}

static void enter_resource(struct otlp_reader *r, const struct otlp_view *view)
{
    otlp_view_child(view, OTLP_RESOURCE_LOGS, OUTER_HEAD, &r->now.resource);
    r->now.resource_schema_url = otlp_view_bytes(view, OUTER_SCHEMA_URL);
    r->now.resource_index++;
    open_list(r, view, OUTER_LIST);
}

static void enter_scope(struct otlp_reader *r, const struct otlp_view *view)
{
    otlp_view_child(view, OTLP_SCOPE_LOGS, OUTER_HEAD, &r->now.scope);
    r->now.scope_schema_url = otlp_view_bytes(view, OUTER_SCHEMA_URL);
    r->now.scope_index++;
    open_list(r, view, OUTER_LIST);
}

/* Of the members of Metric.data the one that stands last counts. */
static void enter_metric(struct otlp_reader *r, const struct otlp_view *view)
{
    uint32_t member = 0;
    struct otlp_cursor c = otlp_cursor_of(view);
    struct wire_field f;
    while (otlp_cursor_next(&c, &f) == 1) {
        const struct otlp_field *field = otlp_schema_field(OTLP_METRIC, f.number);
        if (field && field->oneof)
            member = f.number;
    }
    r->now.metric = *view;
    r->now.metric_index++;
    const struct otlp_field *field = otlp_schema_field(OTLP_METRIC, member);
    if (!field || !otlp_view_child(view, OTLP_METRIC, member, &r->now.data))
        return;
    r->now.data_message = field->child;
    r->now.record_message = otlp_schemas[field->child].fields[DATA_POINTS].child;
    open_list(r, &r->now.data, DATA_POINTS);
}

bool otlp_reader_next(struct otlp_reader *r)
{
    while (r->level > 0) {
        struct slice item;
        uint32_t top = r->level - 1;
        if (!next_bytes(&r->lists[top].cursor, r->lists[top].number, &item)) {
            r->level--;
            continue;
        }
        struct otlp_view view = otlp_view_of(item);
        if (top == 0) {
            enter_resource(r, &view);
        } else if (top == 1) {
            enter_scope(r, &view);
        } else if (top == 2 && r->signal == OTLP_METRICS) {
            enter_metric(r, &view);
        } else {
            r->now.record = view;
            r->now.bytes = item;
            r->now.index++;
            return true;
        }
    }
    return false;
}
