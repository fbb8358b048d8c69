// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/walker.h"

#include "shared/base/utf8.h"

#define HIGH_BITS 0x8080808080808080u
/* The shape of nearly all attributes on the wire: 0a <key length> <key> 12 <value length> <one
 * AnyValue member>. */
#define TAG_KEY 0x0a
#define TAG_VALUE 0x12
#define TAG_STRING_VALUE 0x0a
#define TAG_BOOL_VALUE 0x10
#define TAG_INT_VALUE 0x18
#define TAG_DOUBLE_VALUE 0x21
#define KEY_VALUE_FRAME_BYTES 4u /* the two tags and lengths around key and value */

/* The field at hand. */
struct here {
    const uint8_t *tag;
    uint32_t number; /* 0: not known yet */
    uint32_t type;
};

int walker_error(const struct walker *w)
{
    return w->fault == OTLP_FAULT_DEPTH || w->fault == OTLP_FAULT_RECORDS ? GW_ERR_TOO_LARGE
                                                                         : GW_ERR_MALFORMED;
}

/* Takes down no more than the place: who mends stands at millions of faults. */
static int fail(struct walker *w, const struct here *here, enum otlp_fault fault, const uint8_t *at,
                uint64_t length)
{
    w->fault = fault;
    w->tag = here->tag;
    w->number = here->number;
    w->at = at;
    w->length = length;
    return walker_error(w);
}

static inline bool all_ascii(const uint8_t *p, size_t n)
{
    uint64_t seen = 0;
    if (n < 8) {
        for (size_t i = 0; i < n; i++)
            seen |= p[i];
        return (seen & 0x80) == 0;
    }
    const uint8_t *last = p + n - 8;
    for (; p < last; p += 8)
        seen |= wire_load64(p);
    seen |= wire_load64(last); /* overlaps the word before it */
    return (seen & HIGH_BITS) == 0;
}

static bool is_utf8(const uint8_t *p, size_t n)
{
    return all_ascii(p, n) || utf8_valid_prefix(slice_make(p, n)) == n;
}

/* True if `p` holds one varint of exactly `n` bytes. */
static inline bool one_varint(const uint8_t *p, size_t n)
{
    if (n == 0 || n > WIRE_VARINT_MAX_BYTES || p[n - 1] >= 0x80)
        return false;
    if (n == WIRE_VARINT_MAX_BYTES && p[n - 1] > 1)
        return false;
    for (size_t i = 0; i + 1 < n; i++)
        if (p[i] < 0x80)
            return false;
    return true;
}

/* The fast way over an attribute of the usual shape: `p` stands at the length of a KeyValue
 * inside bytes that end at `end`. Returns the end of the attribute when it is well formed; NULL
 * says nothing: take the slow way. */
static inline const uint8_t *plain_attribute(const uint8_t *p, const uint8_t *end)
{
    if (p == end)
        return NULL;
    size_t len = *p++;
    if (len >= 0x80 || len > (size_t)(end - p) || len < KEY_VALUE_FRAME_BYTES)
        return NULL;
    size_t key = p[1];
    if (p[0] != TAG_KEY || key > len - KEY_VALUE_FRAME_BYTES || p[2 + key] != TAG_VALUE)
        return NULL;
    const uint8_t *value = p + KEY_VALUE_FRAME_BYTES + key;
    size_t left = len - KEY_VALUE_FRAME_BYTES - key;
    if (value[-1] != left)
        return NULL;
    if (left < 2)
        return left == 0 && is_utf8(p + 2, key) ? value : NULL;
    if (value[0] == TAG_STRING_VALUE) {
        if (value[1] != left - 2)
            return NULL;
        /* Tags and lengths are below 0x80, so one look covers key and value. */
        if (all_ascii(p, len) || (is_utf8(p + 2, key) && is_utf8(value + 2, left - 2)))
            return p + len;
        return NULL;
    }
    bool sound = value[0] == TAG_INT_VALUE || value[0] == TAG_BOOL_VALUE
                     ? one_varint(value + 1, left - 1)
                     : value[0] == TAG_DOUBLE_VALUE && left == 9;
    return sound && is_utf8(p + 2, key) ? p + len : NULL;
}

static int check_packed(struct walker *w, const struct here *here, const struct otlp_field *field,
                        struct slice numbers)
{
    size_t size = field->wire == WIRE_FIXED64 ? 8 : field->wire == WIRE_FIXED32 ? 4 : 1;
    bool sound = numbers.len % size == 0;
    if (field->wire == WIRE_VARINT) {
        struct wire in = wire_of(numbers);
        uint64_t ignored;
        while (in.at < in.end && sound)
            sound = wire_varint(&in, &ignored) == GW_OK;
    }
    return sound ? GW_OK : fail(w, here, OTLP_FAULT_PACKED, numbers.data, 0);
}

/* A metric has one kind of data: the points of a former member do not count when another one
 * follows. */
static inline void enter_metric_part(struct walker *w, uint8_t message)
{
    if (message == OTLP_METRIC) {
        w->metric_base = w->records;
        w->metric_rejected = w->rejected;
        w->metric_member = 0;
    } else if (message >= OTLP_GAUGE && message <= OTLP_SUMMARY && message != w->metric_member) {
        w->records = w->metric_base;
        w->replaced += w->rejected - w->metric_rejected;
        w->rejected = w->metric_rejected;
        w->metric_member = message;
    }
}

static int enter(struct walker *w, const struct here *here, const struct otlp_field *field,
                 struct wire *in, struct slice body)
{
    if (w->depth == w->max_depth)
        return fail(w, here, OTLP_FAULT_DEPTH, here->tag, w->max_depth);
    if (otlp_schemas[field->child].record) {
        if (w->records + w->rejected >= w->max_records)
            return fail(w, here, OTLP_FAULT_RECORDS, here->tag, w->max_records);
        w->records++;
    }
    enter_metric_part(w, field->child);
    struct walker_level *level = &w->levels[w->depth++];
    level->tag = here->tag;
    level->end = body.data + body.len;
    level->number = here->number;
    level->message = field->child;
    *in = (struct wire){body.data, level->end};
    return GW_OK;
}

/* A known field with a length: the cursor stands behind its bytes, or at the start of the
 * submessage it enters. */
static inline int bytes_field(struct walker *w, const struct here *here,
                              const struct otlp_field *field,
                              struct wire *in, struct slice bytes)
{
    if (field->kind == OTLP_MESSAGE)
        return enter(w, here, field, in, bytes);
    if (field->kind == OTLP_STRING) {
        if (all_ascii(bytes.data, bytes.len))
            return GW_OK;
        size_t good = utf8_valid_prefix(bytes);
        return good == bytes.len ? GW_OK : fail(w, here, OTLP_FAULT_UTF8, bytes.data + good, 0);
    }
    if (field->wire == WIRE_BYTES) /* bytes and ids: anything goes */
        return GW_OK;
    if (field->flags & OTLP_REPEATED)
        return check_packed(w, here, field, bytes);
    return fail(w, here, OTLP_FAULT_WIRE_TYPE, here->tag, 0);
}

static int value_fault(struct walker *w, const struct here *here, struct wire *in)
{
    uint64_t length;
    const uint8_t *at = in->at;
    if (here->type == WIRE_BYTES && wire_varint(in, &length) == GW_OK)
        return fail(w, here, OTLP_FAULT_LENGTH, at, length);
    return fail(w, here, OTLP_FAULT_NUMBER, at, 0);
}

/* One field of a message of the innermost level; `in->at` is before its end. */
static inline int one_field(struct walker *w, struct wire *in)
{
    struct here here = {.tag = in->at};
    uint8_t message = w->levels[w->depth - 1].message;
    if (wire_tag(in, &here.number, &here.type) != GW_OK)
        return fail(w, &here, OTLP_FAULT_TAG, here.tag, 0);
    const struct otlp_field *field = otlp_schema_field(message, here.number);
    if (field && field->child == OTLP_KEY_VALUE && here.type == WIRE_BYTES &&
        w->depth + 2 <= w->max_depth) {
        const uint8_t *behind = plain_attribute(in->at, in->end);
        if (behind) {
            in->at = behind;
            return GW_OK;
        }
    }
    struct wire_field got;
    if (wire_value(in, here.type, &got) != GW_OK)
        return value_fault(w, &here, in);
    if (!field)
        return GW_OK;
    if (here.type == WIRE_BYTES)
        return bytes_field(w, &here, field, in, got.bytes);
    return field->wire == here.type ? GW_OK : fail(w, &here, OTLP_FAULT_WIRE_TYPE, here.tag, 0);
}

int walker_run(struct walker *w)
{
    struct wire in = w->in;
    int err = GW_OK;
    for (;;) {
        while (in.at == in.end && w->depth > 1) {
            w->depth--;
            in.end = w->levels[w->depth - 1].end;
        }
        if (in.at == in.end)
            break;
        err = one_field(w, &in);
        if (err != GW_OK)
            break;
    }
    w->in = in;
    return err;
}

int walker_init(struct walker *w, enum otlp_signal signal, struct slice request,
                const struct otlp_limits *limits)
{
    static const struct otlp_limits defaults = {0};
    if (!limits)
        limits = &defaults;
    /* Not cleared as a whole: its levels are 3 KiB. */
    w->in = wire_of(request);
    w->request = request;
    w->signal = signal;
    w->depth = 1;
    w->max_depth = limits->max_depth && limits->max_depth < OTLP_DEPTH_MAX ? limits->max_depth
                                                                          : OTLP_DEPTH_MAX;
    w->records = 0;
    w->rejected = 0;
    w->max_records = limits->max_records ? limits->max_records : OTLP_RECORDS_MAX;
    w->metric_base = 0;
    w->metric_rejected = 0;
    w->metric_member = 0;
    w->replaced = 0;
    w->fault = OTLP_FAULT_NONE;
    w->tag = request.data;
    w->number = 0;
    w->at = request.data;
    w->length = 0;
    enum otlp_message root = otlp_schema_request(signal);
    w->levels[0] = (struct walker_level){request.data, w->in.end, 0, (uint8_t)root};
    return root == OTLP_NO_MESSAGE ? GW_ERR_INVALID : GW_OK;
}

static struct slice record_around(const struct walker *w)
{
    for (uint32_t i = w->depth; i-- > 1;) {
        const struct walker_level *level = &w->levels[i];
        if (otlp_schemas[level->message].record)
            return slice_make(level->tag, (size_t)(level->end - level->tag));
    }
    return slice_make(NULL, 0);
}

void walker_result(const struct walker *w, struct otlp_walk_result *out)
{
    static const char *const words[] = {
        [OTLP_FAULT_NONE] = NULL,
        [OTLP_FAULT_TAG] = "no field starts here",
        [OTLP_FAULT_NUMBER] = "a number is cut off or too long",
        [OTLP_FAULT_LENGTH] = "a length runs past the end",
        [OTLP_FAULT_WIRE_TYPE] = "wrong wire type",
        [OTLP_FAULT_PACKED] = "packed numbers do not fill their length",
        [OTLP_FAULT_UTF8] = "a string is not UTF-8",
        [OTLP_FAULT_DEPTH] = "messages are nested too deeply",
        [OTLP_FAULT_RECORDS] = "too many records",
    };
    bool failed = w->fault != OTLP_FAULT_NONE;
    out->records = w->records;
    out->fault = w->fault;
    out->why = words[w->fault];
    out->offset = failed ? (size_t)(w->at - w->request.data) : 0;
    out->length = w->length;
    out->signal = w->signal;
    out->record = failed ? record_around(w) : slice_make(NULL, 0);
    out->path_len = 0;
    if (!failed)
        return;
    for (uint32_t i = 1; i < w->depth; i++)
        out->path[out->path_len++] = w->levels[i].number;
    if (w->number)
        out->path[out->path_len++] = w->number;
}
