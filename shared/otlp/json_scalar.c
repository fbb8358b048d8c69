// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/json_scalar.h"

#include <math.h>

#include "shared/otlp/json_bytes.h"
#include "shared/otlp/name.h"

#define LENGTH_ROOM 5u /* bytes of the length of a string or bytes */
#define HEAD_ROOM (WIRE_OUT_TAG_ROOM + LENGTH_ROOM)
#define TRACE_ID_BYTES 16u
#define SPAN_ID_BYTES 8u
#define SPARE_BYTES 64u /* for what escapes mean: in ids, numbers and names nobody needs any */

/* ---- strings and bytes ----------------------------------------------------------------------- */

static uint8_t *put_head(uint8_t *at, const struct json_frame *f, size_t len)
{
    return wire_out_put_varint(wire_out_put_tag(at, f->number, WIRE_BYTES), len);
}

static int write_string(struct json_reader *r, struct json_frame *f,
                        const struct otlp_field *field, const struct json_string *s)
{
    if (s->len == 0 && !(field->flags & (OTLP_OPTIONAL | OTLP_REPEATED)))
        return GW_OK;
    json_reader_begin(r, f, field, f->number);
    uint8_t *at = wire_out_room(&r->out, HEAD_ROOM + s->len);
    if (!at)
        return json_reader_fail_room(r);
    at = put_head(at, f, s->len);
    if (!json_string_put_utf8(s, at))
        json_reader_mend(r, s->lone ? "half of a surrogate pair" : "a string that is not UTF-8",
                         s->raw.data - 1);
    wire_out_wrote(&r->out, at + s->len);
    return GW_OK;
}

/* An id of the wrong length is no id: it would identify nothing, and some readers refuse it. */
static int write_id(struct json_reader *r, struct json_frame *f, const struct otlp_field *field,
                    const struct json_string *s)
{
    uint8_t spare[2 * TRACE_ID_BYTES];
    uint8_t id[TRACE_ID_BYTES];
    size_t size = field->kind == OTLP_TRACE_ID ? TRACE_ID_BYTES : SPAN_ID_BYTES;
    struct slice hex = json_string_text(s, spare, sizeof spare);
    if (s->len == 0)
        return GW_OK;
    if (hex.len != 2 * size || !json_bytes_hex(hex, id)) {
        json_reader_mend(r, size == TRACE_ID_BYTES ? "an id that is not 32 hex digits"
                                                   : "an id that is not 16 hex digits",
                         s->raw.data - 1);
        return GW_OK;
    }
    json_reader_begin(r, f, field, f->number);
    uint8_t *at = wire_out_room(&r->out, HEAD_ROOM + size);
    if (!at)
        return json_reader_fail_room(r);
    at = put_head(at, f, size);
    memcpy(at, id, size);
    wire_out_wrote(&r->out, at + size);
    return GW_OK;
}

/* The bytes are decoded behind the output first: only if they are good, the field begins, which
 * may take back what stands before them. */
static int write_bytes(struct json_reader *r, struct json_frame *f, const struct otlp_field *field,
                       const struct json_string *s)
{
    size_t room = s->escapes ? s->len : JSON_BYTES_BASE64_ROOM(s->len);
    uint8_t *at = wire_out_room(&r->out, HEAD_ROOM + room);
    if (!at)
        return json_reader_fail_room(r);
    uint8_t *decoded = at + HEAD_ROOM;
    struct slice text = json_string_text(s, decoded, room);
    size_t len;
    if (!json_bytes_base64(text, decoded, &len)) {
        json_reader_mend(r, "not base64", s->raw.data - 1);
        return GW_OK;
    }
    if (len == 0 && !(field->flags & OTLP_OPTIONAL))
        return GW_OK;
    json_reader_begin(r, f, field, f->number);
    at = put_head(r->out.out->data + r->out.out->len, f, len);
    memmove(at, decoded, len);
    wire_out_wrote(&r->out, at + len);
    return GW_OK;
}

static int read_text(struct json_reader *r, struct json_frame *f, const struct otlp_field *field,
                     enum json_type type)
{
    if (type != JSON_STRING)
        return json_reader_mend_skip(r, "not a string");
    struct json_string s;
    int err = json_scan_string(&r->in, &s);
    if (err != GW_OK)
        return json_reader_fail_scan(r, err);
    switch (field->kind) {
    case OTLP_STRING:
        return write_string(r, f, field, &s);
    case OTLP_BYTES:
        return write_bytes(r, f, field, &s);
    default:
        return write_id(r, f, field, &s);
    }
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* A value of a number kind, as it goes on the wire. */
struct scalar {
    uint64_t bits;
    bool good;          /* there is one */
    bool real;          /* it is a double, although the field wants an integer */
    const char *mended; /* what was wrong with it, if anything */
};

static uint64_t double_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void take_double(const struct json_number *n, struct scalar *v)
{
    double value = json_number_double(n);
    v->bits = double_bits(value);
    if (isinf(value))
        v->mended = "a number too large for a double";
}

static void take_integer(const struct otlp_field *field, const struct json_number *n,
                         struct scalar *v)
{
    enum json_number_fit fit;
    int64_t number;
    switch (field->kind) {
    case OTLP_ENUM:
    case OTLP_SINT32:
        fit = json_number_signed(n, INT32_MIN, INT32_MAX, &number);
        v->bits = (uint64_t)number;
        if (field->kind == OTLP_SINT32) /* zigzag */
            v->bits = (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0);
        break;
    case OTLP_INT64:
    case OTLP_SFIXED64:
        fit = json_number_signed(n, INT64_MIN, INT64_MAX, &number);
        v->bits = (uint64_t)number;
        v->real = fit != JSON_NUMBER_EXACT;
        break;
    case OTLP_UINT32:
    case OTLP_FIXED32:
        fit = json_number_unsigned(n, UINT32_MAX, &v->bits);
        break;
    default:
        fit = json_number_unsigned(n, UINT64_MAX, &v->bits);
        break;
    }
    if (v->real)
        take_double(n, v);
    if (fit != JSON_NUMBER_EXACT)
        v->mended = fit == JSON_NUMBER_RANGE ? "a number out of range" : "not an integer";
}

/* "NaN", "Infinity" and the shorter names that some write for them. */
static bool take_special(struct slice text, struct scalar *v)
{
    static const struct {
        const char *name;
        double value;
    } names[] = {{"nan", NAN}, {"infinity", INFINITY}, {"inf", INFINITY}};
    bool negative = text.len && text.data[0] == '-';
    if (text.len && (negative || text.data[0] == '+'))
        text = slice_make(text.data + 1, text.len - 1);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t at = 0;
        while (at < text.len && (text.data[at] | 0x20) == (uint8_t)names[i].name[at])
            at++;
        if (at < text.len || names[i].name[at] || at == 0)
            continue;
        v->bits = double_bits(negative && !isnan(names[i].value) ? -names[i].value
                                                                 : names[i].value);
        return true;
    }
    return false;
}

static void take_number(const struct otlp_field *field, const struct json_number *n,
                        struct scalar *v)
{
    v->good = true;
    if (field->kind == OTLP_DOUBLE)
        take_double(n, v);
    else
        take_integer(field, n, v);
}

/* A number in quotes, or one that has a name. */
static void take_text(const struct otlp_field *field, struct slice text, struct scalar *v)
{
    struct json_number n;
    if (text.len && json_number_read(text, &n) == text.len) {
        take_number(field, &n, v);
        return;
    }
    if (field->kind == OTLP_DOUBLE) {
        v->good = take_special(text, v);
    } else if (field->kind == OTLP_ENUM) {
        int32_t number = otlp_name_enum(field->names, text);
        v->good = true;
        v->bits = number < 0 ? 0 : (uint64_t)number;
        v->mended = number < 0 ? "an enum has no such name" : NULL;
        return;
    }
    if (!v->good)
        v->mended = "not a number";
}

static int read_number(struct json_reader *r, const struct otlp_field *field, enum json_type type,
                       struct scalar *v)
{
    struct json_number n;
    if (type == JSON_NUMBER) {
        if (json_scan_number(&r->in, &n) != GW_OK)
            return json_reader_fail_scan(r, GW_ERR_MALFORMED);
        take_number(field, &n, v);
        return GW_OK;
    }
    if (type != JSON_STRING)
        return json_reader_mend_skip(r, "not a number");
    uint8_t spare[SPARE_BYTES];
    struct json_string s;
    if (json_scan_string(&r->in, &s) != GW_OK)
        return json_reader_fail_scan(r, GW_ERR_MALFORMED);
    take_text(field, json_string_text(&s, spare, sizeof spare), v);
    return GW_OK;
}

static int read_scalar(struct json_reader *r, const struct otlp_field *field, enum json_type type,
                       struct scalar *v)
{
    const uint8_t *at = r->in.at;
    int err = GW_OK;
    *v = (struct scalar){0};
    if (field->kind != OTLP_BOOL) {
        err = read_number(r, field, type, v);
    } else if (type == JSON_TRUE || type == JSON_FALSE) {
        v->bits = type == JSON_TRUE;
        v->good = true;
        if (json_scan_literal(&r->in, type) != GW_OK)
            return json_reader_fail_scan(r, GW_ERR_MALFORMED);
    } else {
        err = json_reader_mend_skip(r, "not true or false");
    }
    if (v->mended)
        json_reader_mend(r, v->mended, at);
    return err;
}

static uint8_t *put_bits(uint8_t *at, const struct otlp_field *field, uint64_t bits)
{
    switch (field->wire) {
    case WIRE_FIXED64:
        return wire_out_put_fixed64(at, bits);
    case WIRE_FIXED32:
        return wire_out_put_fixed32(at, (uint32_t)bits);
    default:
        return wire_out_put_varint(at, bits);
    }
}

/* The member of the same oneof that takes doubles. */
static uint32_t double_beside(const struct json_frame *f, const struct otlp_field *field)
{
    for (uint32_t i = 1; i <= f->schema->highest; i++)
        if (f->schema->fields[i].kind == OTLP_DOUBLE &&
            f->schema->fields[i].oneof == field->oneof)
            return i;
    return f->number;
}

static int write_scalar(struct json_reader *r, struct json_frame *f,
                        const struct otlp_field *field, const struct scalar *v)
{
    uint32_t number = f->number;
    if (v->real) {
        number = double_beside(f, field);
        field = &f->schema->fields[number];
    }
    if (!v->good || (v->bits == 0 && !(field->flags & OTLP_OPTIONAL)))
        return GW_OK;
    json_reader_begin(r, f, field, number);
    uint8_t *at = wire_out_room(&r->out, WIRE_OUT_TAG_ROOM + WIRE_VARINT_MAX_BYTES);
    if (!at)
        return json_reader_fail_room(r);
    at = wire_out_put_tag(at, number, field->wire);
    wire_out_wrote(&r->out, put_bits(at, field, v->bits));
    return GW_OK;
}

int json_scalar_read(struct json_reader *r, struct json_frame *f, const struct otlp_field *field,
                     enum json_type type)
{
    if (field->wire == WIRE_BYTES)
        return read_text(r, f, field, type);
    struct scalar v;
    int err = read_scalar(r, field, type, &v);
    return err == GW_OK ? write_scalar(r, f, field, &v) : err;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static int read_item(struct json_reader *r, struct json_frame *f, const struct otlp_field *field)
{
    enum json_type type = json_scan_type(&r->in);
    if (type == JSON_NO_VALUE)
        return json_reader_fail_scan(r, GW_ERR_MALFORMED);
    if (field->wire == WIRE_BYTES)
        return read_text(r, f, field, type);
    /* An item that is none is still counted: the places in these lists have a meaning. */
    struct scalar v;
    int err = read_scalar(r, field, type, &v);
    if (err != GW_OK)
        return err;
    uint8_t *at = wire_out_room(&r->out, WIRE_VARINT_MAX_BYTES);
    if (!at)
        return json_reader_fail_room(r);
    wire_out_wrote(&r->out, put_bits(at, field, v.bits));
    return GW_OK;
}

int json_scalar_list(struct json_reader *r, struct json_frame *f, const struct otlp_field *field)
{
    bool packed = field->wire != WIRE_BYTES;
    bool first = true;
    int err = GW_OK;
    r->in.at++;
    f->list = true;
    f->index = 0;
    while (err == GW_OK) {
        bool start = first;
        int more = json_scan_more(&r->in, ']', &first);
        if (more < 0)
            return json_reader_fail_scan(r, more);
        if (more == 0) {
            f->list = false;
            if (packed && !start)
                wire_out_close(&r->out);
            return GW_OK;
        }
        f->index += !start;
        if (packed && start) {
            json_reader_begin(r, f, field, f->number);
            if (wire_out_open(&r->out, f->number, 1) != GW_OK)
                return json_reader_fail_room(r);
        }
        err = read_item(r, f, field);
    }
    return err;
}
