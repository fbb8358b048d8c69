// SPDX-License-Identifier: Apache-2.0
/* A message is written in two steps: an index of where its fields stand, then the fields in the
 * order of the schema. What is inside of what stands on a stack of our own. Attributes and
 * values of the usual shape, which are nearly all there is, take a shorter way that needs
 * neither. */
#include "shared/otlp/json_out.h"

#include "shared/base/json_text.h"
#include "shared/otlp/view.h"
#include "shared/otlp/walk.h"

/* Attributes with more text than this are written in pieces, without room for the worst case. */
#define PLAIN_TEXT_BYTES 4096u
/* More than the fixed parts and the number of one attribute: {"key":,"value":{"doubleValue":}}
 * and a comma. */
#define PLAIN_FRAME_BYTES 96u

/* A tag of one byte. */
#define TAG_NUMBER_MAX 15u
#define TAG(number, type) ((uint8_t)((number) << 3 | (type)))

/* A message that is being written. */
struct frame {
    struct otlp_view view;
    struct otlp_cursor items; /* of the list that is open */
    const struct otlp_schema *schema;
    uint8_t message;      /* enum otlp_message */
    uint8_t next;         /* index into schema->order */
    uint8_t member;       /* field number of the oneof member that counts, 0: none */
    bool wrote;           /* some field: the next one needs a comma */
    bool list;            /* the field at `next` is repeated messages, some of them written */
    bool item;            /* some item of that list: the next one needs a comma */
    uint32_t seen;        /* bit n: field n occurs; its places: */
    const uint8_t *first[OTLP_NUMBER_MAX + 1];
    const uint8_t *last[OTLP_NUMBER_MAX + 1];
};

struct writer {
    struct buf *out;
    uint32_t depth; /* frames in use */
    struct frame frames[OTLP_DEPTH_MAX];
};

/* ---- the short way --------------------------------------------------------------------------- */

#define PUT(at, text) put_text((at), (text), sizeof(text) - 1)

static inline uint8_t *put_text(uint8_t *at, const char *text, size_t n)
{
    memcpy(at, text, n);
    return at + n;
}

static inline uint8_t *put_i64(uint8_t *at, int64_t value)
{
    uint64_t size = (uint64_t)value;
    if (value < 0) {
        *at++ = '-';
        size = 0 - size;
    }
    return json_text_put_u64(at, size);
}

/* Reads an AnyValue that is empty or has one scalar member, once. */
static inline bool plain_value(struct slice any, struct wire_field *f)
{
    struct wire w = wire_of(any);
    f->number = 0;
    f->bytes.len = 0;
    if (w.at == w.end)
        return true;
    /* The tag of a scalar member is one byte; one that is written longer than it need be is no usual shape. */
    uint32_t number = *w.at >> 3;
    uint32_t type = *w.at & 7;
    if (number == 0 || number > 4 || type != otlp_schemas[OTLP_ANY_VALUE].fields[number].wire)
        return false;
    w.at++;
    f->number = number;
    f->type = type;
    return wire_value(&w, type, f) == GW_OK && w.at == w.end;
}

/* Reads a field of bytes whose tag is the one byte `tag`. False: there is another field, or none; the cursor stays. */
static inline bool plain_bytes(struct wire *w, uint8_t tag, struct slice *bytes)
{
    size_t left = wire_left(w);
    if (left < 2 || w->at[0] != tag)
        return false;
    size_t len = w->at[1];
    if (len < 0x80) {
        if (len > left - 2)
            return false;
        *bytes = slice_make(w->at + 2, len);
        w->at += 2 + len;
        return true;
    }
    struct wire long_one = {w->at + 1, w->end};
    struct wire_field f;
    if (wire_value(&long_one, WIRE_BYTES, &f) != GW_OK)
        return false;
    *w = long_one;
    *bytes = f.bytes;
    return true;
}

static inline uint8_t *put_plain_value(uint8_t *at, const struct wire_field *f)
{
    switch (f->number) {
    case 1:
        at = PUT(at, "{\"stringValue\":");
        at = json_text_put_string(at, f->bytes);
        break;
    case 2:
        at = f->value ? PUT(at, "{\"boolValue\":true") : PUT(at, "{\"boolValue\":false");
        break;
    case 3:
        at = PUT(at, "{\"intValue\":\"");
        at = put_i64(at, (int64_t)f->value);
        *at++ = '"';
        break;
    case 4:
        at = PUT(at, "{\"doubleValue\":");
        at = json_text_put_double(at, wire_double(f->value));
        break;
    default:
        *at++ = '{';
        break;
    }
    *at++ = '}';
    return at;
}

/* Writes a KeyValue of the usual shape: a key, then a value as above, each once. False: it is
 * not of that kind and nothing was written. */
static bool write_plain_attribute(struct buf *out, struct slice attribute, bool comma)
{
    struct wire w = wire_of(attribute);
    struct slice key;
    struct slice any;
    struct wire_field value;
    if (!plain_bytes(&w, TAG(1, WIRE_BYTES), &key) || key.len == 0 ||
        !plain_bytes(&w, TAG(2, WIRE_BYTES), &any) || w.at != w.end)
        return false;
    if (attribute.len > PLAIN_TEXT_BYTES || !plain_value(any, &value))
        return false;
    uint8_t *at = buf_reserve(out, JSON_TEXT_STRING_ROOM(key.len) +
                                       JSON_TEXT_STRING_ROOM(value.bytes.len) + PLAIN_FRAME_BYTES);
    if (!at)
        return true; /* the failure is noted */
    if (comma)
        *at++ = ',';
    at = PUT(at, "{\"key\":");
    at = json_text_put_string(at, key);
    at = PUT(at, ",\"value\":");
    at = put_plain_value(at, &value);
    *at++ = '}';
    out->len = (size_t)(at - out->data);
    return true;
}

/* ---- scalars --------------------------------------------------------------------------------- */

static bool all_zero(struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.data[i])
            return false;
    return true;
}

/* The value as its kind has it: 32-bit kinds cut to their width, as protobuf wants it. */
static uint64_t narrowed(enum otlp_kind kind, uint64_t value)
{
    switch (kind) {
    case OTLP_BOOL:
        return value != 0;
    case OTLP_ENUM:
    case OTLP_UINT32:
    case OTLP_FIXED32:
        return (uint32_t)value;
    case OTLP_SINT32:
        return (uint64_t)(int64_t)(int32_t)wire_zigzag((uint32_t)value);
    default:
        return value;
    }
}

static bool is_zero(enum otlp_kind kind, const struct wire_field *f)
{
    switch (kind) {
    case OTLP_STRING:
    case OTLP_BYTES:
        return f->bytes.len == 0;
    case OTLP_TRACE_ID:
    case OTLP_SPAN_ID:
        return all_zero(f->bytes);
    case OTLP_DOUBLE:
        return f->value << 1 == 0; /* 0 and -0 */
    default:
        return narrowed(kind, f->value) == 0;
    }
}

static void write_number(struct buf *out, enum otlp_kind kind, uint64_t value)
{
    uint8_t text[JSON_TEXT_DOUBLE_ROOM];
    uint8_t *at = text;
    value = narrowed(kind, value);
    switch (kind) {
    case OTLP_BOOL:
        at = value ? PUT(at, "true") : PUT(at, "false");
        break;
    case OTLP_ENUM:
        at = put_i64(at, (int32_t)value);
        break;
    case OTLP_SINT32:
        at = put_i64(at, (int64_t)value);
        break;
    case OTLP_UINT32:
    case OTLP_FIXED32:
        at = json_text_put_u64(at, value);
        break;
    case OTLP_DOUBLE:
        at = json_text_put_double(at, wire_double(value));
        break;
    case OTLP_INT64:
    case OTLP_SFIXED64:
        *at++ = '"';
        at = put_i64(at, (int64_t)value);
        *at++ = '"';
        break;
    default: /* unsigned, 64 bits */
        *at++ = '"';
        at = json_text_put_u64(at, value);
        *at++ = '"';
        break;
    }
    buf_append(out, text, (size_t)(at - text));
}

static void write_scalar(struct buf *out, enum otlp_kind kind, const struct wire_field *f)
{
    switch (kind) {
    case OTLP_STRING:
        json_text_string(out, f->bytes);
        return;
    case OTLP_BYTES:
        buf_byte(out, '"');
        buf_base64(out, f->bytes, true);
        buf_byte(out, '"');
        return;
    case OTLP_TRACE_ID:
    case OTLP_SPAN_ID:
        buf_byte(out, '"');
        buf_hex(out, f->bytes);
        buf_byte(out, '"');
        return;
    default:
        write_number(out, kind, f->value);
        return;
    }
}

/* ---- messages -------------------------------------------------------------------------------- */

static void write_key(struct buf *out, struct frame *frame, const struct otlp_field *field)
{
    size_t skip = frame->wrote ? 0 : 1; /* the comma that the key begins with */
    buf_append(out, field->key + skip, field->key_len - skip);
    frame->wrote = true;
}

/* Moves behind items of a list that follow one that was noted: only where the first stands is of interest. */
static void skip_run(struct otlp_cursor *c, const struct otlp_field *field, uint32_t number)
{
    struct slice item;
    if (field->kind != OTLP_MESSAGE || !(field->flags & OTLP_REPEATED) || c->view.levels || number > TAG_NUMBER_MAX)
        return;
    while (plain_bytes(&c->run[0], TAG(number, WIRE_BYTES), &item))
        continue;
}

/* Notes where the fields of the frame's message stand. */
static int index_fields(struct frame *frame)
{
    struct otlp_cursor c = otlp_cursor_of(&frame->view);
    struct wire_field f;
    int got;
    frame->seen = 0;
    frame->member = 0;
    while ((got = otlp_cursor_next(&c, &f)) == 1) {
        const struct otlp_field *field = otlp_schema_field(frame->message, f.number);
        if (!field)
            continue;
        if (f.type != field->wire && !(f.type == WIRE_BYTES && field->flags & OTLP_REPEATED))
            return GW_ERR_MALFORMED;
        bool anew = !(frame->seen & 1u << f.number);
        if (field->oneof && frame->member != f.number) {
            frame->member = (uint8_t)f.number; /* what the former member said is forgotten */
            anew = true;
        }
        if (anew)
            frame->first[f.number] = c.tag;
        frame->last[f.number] = c.tag;
        frame->seen |= 1u << f.number;
        skip_run(&c, field, f.number);
    }
    return got;
}

static int open_message(struct writer *w, enum otlp_message message, struct otlp_view view)
{
    if (w->depth == OTLP_DEPTH_MAX)
        return GW_ERR_TOO_LARGE;
    struct frame *frame = &w->frames[w->depth++];
    frame->view = view;
    frame->schema = &otlp_schemas[message];
    frame->message = (uint8_t)message;
    frame->next = 0;
    frame->wrote = false;
    frame->list = false;
    buf_byte(w->out, '{');
    return index_fields(frame);
}

/* A singular submessage, or AnyValue where it can be written at once. */
static int write_submessage(struct writer *w, struct frame *frame, const struct otlp_field *field,
                            uint8_t number, bool present)
{
    write_key(w->out, frame, field);
    if (!present) {
        buf_append(w->out, "{}", 2);
        return GW_OK;
    }
    struct otlp_view view =
        otlp_view_pieces(&frame->view, number, frame->first[number], frame->last[number]);
    struct wire_field value;
    if (field->child == OTLP_ANY_VALUE && view.levels == 0 && view.holder.len <= PLAIN_TEXT_BYTES &&
        plain_value(view.holder, &value)) {
        uint8_t *at = buf_reserve(w->out,
                                  JSON_TEXT_STRING_ROOM(value.bytes.len) + PLAIN_FRAME_BYTES);
        if (at)
            w->out->len = (size_t)(put_plain_value(at, &value) - w->out->data);
        return GW_OK;
    }
    return open_message(w, field->child, view);
}

/* Attributes of the usual shape that follow each other, up to the first field that is something else. */
static void write_run(struct buf *out, struct frame *frame, uint8_t tag)
{
    struct wire *run = &frame->items.run[0];
    struct slice attribute;
    for (struct wire w = *run; plain_bytes(&w, tag, &attribute); *run = w) {
        if (!write_plain_attribute(out, attribute, frame->item))
            return;
        frame->item = true;
    }
}

/* The items of a list of messages, until one needs a frame of its own or the list is done. */
static int write_items(struct writer *w, struct frame *frame, const struct otlp_field *field,
                       uint8_t number)
{
    struct buf *out = w->out;
    struct wire_field f;
    int got;
    if (field->child == OTLP_KEY_VALUE && frame->view.levels == 0 && number <= TAG_NUMBER_MAX)
        write_run(out, frame, TAG(number, WIRE_BYTES));
    while ((got = otlp_cursor_next(&frame->items, &f)) == 1) {
        if (f.number != number)
            continue;
        bool comma = frame->item;
        frame->item = true;
        if (field->child == OTLP_KEY_VALUE && write_plain_attribute(out, f.bytes, comma))
            continue;
        if (comma)
            buf_byte(out, ',');
        return open_message(w, field->child, otlp_view_of(f.bytes));
    }
    buf_byte(out, ']');
    frame->list = false;
    frame->next++;
    return got;
}

static void write_numbers(struct buf *out, struct frame *frame, const struct otlp_field *field,
                          const struct wire_field *f, bool *some)
{
    struct wire packed = wire_of(f->bytes);
    struct wire_field one = *f;
    bool is_packed = f->type == WIRE_BYTES && field->wire != WIRE_BYTES;
    while (!is_packed || packed.at < packed.end) {
        if (is_packed && wire_value(&packed, field->wire, &one) != GW_OK)
            return;
        if (!*some)
            write_key(out, frame, field);
        buf_byte(out, *some ? ',' : '[');
        *some = true;
        write_scalar(out, field->kind, &one);
        if (!is_packed)
            return;
    }
}

/* Repeated numbers or strings: all occurrences, packed or not; nothing at all when there is no
 * value. */
static void write_scalars(struct buf *out, struct frame *frame, const struct otlp_field *field,
                          uint8_t number)
{
    struct otlp_cursor c = otlp_cursor_of(&frame->view);
    struct wire_field f;
    bool some = false;
    while (otlp_cursor_next(&c, &f) == 1)
        if (f.number == number)
            write_numbers(out, frame, field, &f, &some);
    if (some)
        buf_byte(out, ']');
}

/* The next field in order. */
static int write_field(struct writer *w, struct frame *frame)
{
    uint8_t number = frame->schema->order[frame->next];
    const struct otlp_field *field = &frame->schema->fields[number];
    bool present = frame->seen & 1u << number && (!field->oneof || frame->member == number);
    if (frame->list)
        return write_items(w, frame, field, number);
    if (present && field->kind == OTLP_MESSAGE && field->flags & OTLP_REPEATED) {
        write_key(w->out, frame, field);
        buf_byte(w->out, '[');
        frame->items = otlp_cursor_of(&frame->view);
        if (frame->view.levels == 0)
            frame->items.run[0].at = frame->first[number];
        frame->list = true;
        frame->item = false;
        return GW_OK;
    }
    frame->next++;
    if (field->kind == OTLP_MESSAGE)
        return present || field->flags & OTLP_ALWAYS
                   ? write_submessage(w, frame, field, number, present)
                   : GW_OK;
    if (!present)
        return GW_OK;
    if (field->flags & OTLP_REPEATED) {
        write_scalars(w->out, frame, field, number);
        return GW_OK;
    }
    struct wire_field f;
    if (!otlp_view_field_at(&frame->view, frame->last[number], &f))
        return GW_ERR_MALFORMED;
    if (field->flags & OTLP_OPTIONAL || !is_zero(field->kind, &f)) {
        write_key(w->out, frame, field);
        write_scalar(w->out, field->kind, &f);
    }
    return GW_OK;
}

int otlp_json_out(enum otlp_signal signal, struct slice batch, struct buf *out)
{
    enum otlp_message root = otlp_schema_request(signal);
    if (root == OTLP_NO_MESSAGE)
        return GW_ERR_INVALID;
    struct writer w; /* not cleared: its frames are 45 KiB, of which few are touched */
    w.out = out;
    w.depth = 0;
    int err = open_message(&w, root, otlp_view_of(batch));
    while (err == GW_OK && w.depth > 0 && buf_ok(out)) {
        struct frame *frame = &w.frames[w.depth - 1];
        if (frame->next < frame->schema->count) {
            err = write_field(&w, frame);
        } else {
            buf_byte(out, '}');
            w.depth--;
        }
    }
    if (err != GW_OK)
        return err;
    return buf_ok(out) ? GW_OK : GW_ERR_NOMEM;
}
