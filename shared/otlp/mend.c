// SPDX-License-Identifier: Apache-2.0
/* The walk runs from fault to fault; in between it need not know of us. Bytes that are cut out
 * are closed up lazily:
 *
 *   |  final  |    gap    |  as they came, not moved yet  |
 *   0         to          from                            len
 *
 * `from - to` is what has been cut out so far. A byte at offset x of the request goes to x less
 * what was cut out before it, which for a message that the walk is inside of is noted when we
 * first see it (`gap`): a cut inside of it comes later. The same number tells at its end by how
 * much its length shrank. */
#include "shared/otlp/mend.h"

#include "shared/base/utf8.h"
#include "shared/otlp/walker.h"

#define KEY_NUMBER 1u
#define VALUE_NUMBER 2u

/* What we know of the walker's level of the same index. */
struct open {
    const uint8_t *tag; /* tells it from another one that stood there before */
    size_t tag_at;      /* offsets in the request as it came: of the tag, */
    size_t len_at;      /* of the length, */
    size_t body;        /* of what the length counts, */
    size_t end;         /* and of its end */
    size_t gap;         /* from - to before it */
    uint64_t strings;   /* mended before it */
    uint64_t parts;
    uint64_t replaced;
};

struct mender {
    struct walker walker;
    uint8_t *bytes;
    size_t from; /* see above */
    size_t to;
    uint32_t depth; /* entries of `open` in use, >= 1; the request itself is never looked at */
    struct otlp_mend_result *out;
    struct open open[OTLP_DEPTH_MAX];
};

/* What is done about a fault. */
enum cure {
    REFUSE,
    MEND_STRING,
    CUT_VALUE, /* the innermost message ends before the field at fault */
    EMPTY,     /* a message loses its inside */
    LEAVE_OUT_PART,
    LEAVE_OUT_RECORD,
    LEAVE_OUT_METRIC,
};

static size_t offset_of(const struct mender *m, const uint8_t *p)
{
    return (size_t)(p - m->bytes);
}

/* Cuts [start, end) of the request out; `gap` is what had been cut out before `start`. */
static void cut(struct mender *m, size_t start, size_t end, size_t gap)
{
    if (start >= m->from) {
        size_t n = start - m->from;
        if (m->to != m->from)
            memmove(m->bytes + m->to, m->bytes + m->from, n);
        m->to += n;
    } else {
        m->to = start - gap; /* something in there was cut out already */
    }
    m->from = end;
}

/* A message that the walk has left: its length becomes what is left of it, in as many bytes. */
static void seal(struct mender *m, const struct open *open)
{
    size_t lost = m->from - m->to - open->gap;
    if (lost == 0)
        return;
    uint8_t *p = m->bytes + open->len_at - open->gap;
    size_t length = open->end - open->body - lost;
    for (size_t left = open->body - open->len_at; left > 1; left--, length >>= 7)
        *p++ = (uint8_t)(length | 0x80);
    *p = (uint8_t)(length & 0x7f);
}

static void note_open(struct mender *m, uint32_t i)
{
    const struct walker_level *level = &m->walker.levels[i];
    struct open *open = &m->open[i];
    struct wire in = {level->tag, level->end};
    uint64_t ignored;
    (void)wire_varint(&in, &ignored); /* the walk has read both */
    open->len_at = offset_of(m, in.at);
    (void)wire_varint(&in, &ignored);
    open->tag = level->tag;
    open->tag_at = offset_of(m, level->tag);
    open->body = offset_of(m, in.at);
    open->end = offset_of(m, level->end);
    open->gap = m->from - m->to;
    open->strings = m->out->strings;
    open->parts = m->out->parts;
    open->replaced = m->walker.replaced;
}

/* Comes after the walk: seals what it has left since the last fault and notes what it has entered.
 * Looks only at those and one more, so all the calls together cost no more than the walk. */
static void follow(struct mender *m)
{
    const struct walker *w = &m->walker;
    uint32_t same = m->depth < w->depth ? m->depth : w->depth;
    while (same > 1 && m->open[same - 1].tag != w->levels[same - 1].tag)
        same--;
    while (m->depth > same)
        seal(m, &m->open[--m->depth]);
    while (m->depth < w->depth)
        note_open(m, m->depth++);
}

/* ---- what to do ------------------------------------------------------------------------------ */

static bool has_key(const uint8_t *at, const uint8_t *end)
{
    struct wire in = {at, end};
    struct wire_field f;
    while (wire_next(&in, &f) == 1)
        if (f.number == KEY_NUMBER)
            return true;
    return false;
}

/* True if the innermost message is a KeyValue with its key behind it and the fault is its value
 * field. */
static bool value_field_at_fault(const struct mender *m)
{
    const struct walker *w = &m->walker;
    const struct open *open = &m->open[w->depth - 1];
    if (w->levels[w->depth - 1].message != OTLP_KEY_VALUE || w->number != VALUE_NUMBER)
        return false;
    if (open->gap == m->from - m->to)
        return has_key(m->bytes + open->body, w->tag);
    /* Something was cut out of it: its front has moved. */
    return has_key(m->bytes + open->body - open->gap, m->bytes + m->to) ||
           has_key(m->bytes + m->from, w->tag);
}

static enum cure cure_inside(enum otlp_message message, enum otlp_message parent)
{
    if (otlp_schemas[message].record)
        return LEAVE_OUT_RECORD;
    switch (message) {
    case OTLP_ANY_VALUE:
        return parent == OTLP_KEY_VALUE ? EMPTY : REFUSE;
    case OTLP_KEY_VALUE:
    case OTLP_ENTITY_REF:
        return parent == OTLP_RESOURCE || parent == OTLP_SCOPE || parent == OTLP_METRIC
                   ? LEAVE_OUT_PART
                   : REFUSE;
    case OTLP_RESOURCE:
    case OTLP_SCOPE:
        return EMPTY;
    case OTLP_METRIC:
        return LEAVE_OUT_METRIC;
    default:
        return REFUSE;
    }
}

/* The cure of the fault at hand, and the level that it is done to. */
static enum cure choose(const struct mender *m, uint32_t *at)
{
    const struct walker *w = &m->walker;
    *at = w->depth - 1;
    if (w->fault == OTLP_FAULT_UTF8)
        return MEND_STRING;
    if (w->fault == OTLP_FAULT_RECORDS)
        return REFUSE;
    if (value_field_at_fault(m))
        return CUT_VALUE;
    for (; *at > 0; --*at) {
        enum cure cure = cure_inside(w->levels[*at].message, w->levels[*at - 1].message);
        if (cure != REFUSE)
            return cure;
    }
    return REFUSE;
}

/* ---- doing it -------------------------------------------------------------------------------- */

/* Counts one more, and notes the fault if it is the first. */
static void count(struct mender *m, uint64_t *counter, struct otlp_walk_result *first)
{
    if ((*counter)++ == 0) {
        walker_result(&m->walker, first);
        first->record = slice_make(NULL, 0); /* its bytes are about to move */
    }
}

static void mend_string(struct mender *m)
{
    struct walker *w = &m->walker;
    struct wire in = {w->tag, w->in.end};
    struct wire_field f;
    (void)wire_next(&in, &f); /* the walk has read it */
    uint8_t *p = m->bytes + offset_of(m, w->at);
    const uint8_t *end = in.at;
    while (p < end) {
        struct slice rest = slice_make(p, (size_t)(end - p));
        if (*p < 0x80)
            p += utf8_valid_prefix(rest);
        else if (utf8_sequence(rest) == 0)
            *p++ = '?';
        else
            p += utf8_sequence(rest);
    }
    count(m, &m->out->strings, &m->out->first_string);
    w->in.at = end;
}

static bool begins_record(const struct walker *w)
{
    const struct otlp_field *field =
        otlp_schema_field(w->levels[w->depth - 1].message, w->number);
    return field && otlp_schemas[field->child].record;
}

/* The points of a malformed metric that can be told behind the fault, after `read` that the walk
 * has seen. */
static uint64_t points_behind(const struct walker *w, uint64_t read)
{
    const uint8_t *at = w->tag;
    uint8_t member = w->metric_member;
    uint64_t points = read + (w->fault == OTLP_FAULT_LENGTH && begins_record(w));
    for (uint32_t i = w->depth; i-- > 0;) {
        const struct walker_level *level = &w->levels[i];
        struct wire in = {at, level->end};
        struct wire_field f;
        while (wire_next(&in, &f) == 1) {
            const struct otlp_field *field = otlp_schema_field(level->message, f.number);
            if (!field || f.type != WIRE_BYTES)
                continue;
            if (otlp_schemas[field->child].record)
                points++;
            if (level->message != OTLP_METRIC || !field->oneof)
                continue;
            if (field->child != member)
                points = 0;
            member = field->child;
            struct wire data = wire_of(f.bytes);
            while (wire_next(&data, &f) == 1)
                points += f.number == 1 && f.type == WIRE_BYTES; /* data_points of all members */
        }
        if (level->message == OTLP_METRIC)
            break;
        at = level->end;
    }
    return points ? points : 1;
}

static void reject(struct mender *m, enum cure cure)
{
    struct walker *w = &m->walker;
    uint64_t n = 1;
    if (cure == LEAVE_OUT_RECORD) {
        w->records--;
    } else {
        n = points_behind(w, w->records - w->metric_base + w->rejected - w->metric_rejected);
        w->records = w->metric_base;
        w->rejected = w->metric_rejected;
    }
    count(m, &w->rejected, &m->out->first_rejected);
    w->rejected += n - 1;
}

/* Does to level `at` what `cure` says, and sets the walk behind it. */
static void treat(struct mender *m, enum cure cure, uint32_t at)
{
    struct walker *w = &m->walker;
    struct open *open = &m->open[at];
    if (cure != CUT_VALUE) { /* what was mended inside of it is gone */
        m->out->strings = open->strings;
        m->out->parts = open->parts;
        w->replaced = open->replaced;
    }
    if (cure == LEAVE_OUT_RECORD || cure == LEAVE_OUT_METRIC)
        reject(m, cure);
    else
        count(m, &m->out->parts, &m->out->first_part);

    if (cure == CUT_VALUE)
        cut(m, offset_of(m, w->tag), open->end, open->gap);
    else
        cut(m, cure == EMPTY ? open->body : open->tag_at, open->end, open->gap);
    if (cure == CUT_VALUE || cure == EMPTY)
        seal(m, open);
    m->depth = at;
    w->depth = at;
    w->in = (struct wire){m->bytes + open->end, w->levels[at - 1].end};
}

static int run(struct mender *m)
{
    int err;
    while ((err = walker_run(&m->walker)) != GW_OK) {
        uint32_t at;
        follow(m);
        enum cure cure = choose(m, &at);
        if (cure == REFUSE)
            return err;
        if (cure == MEND_STRING)
            mend_string(m);
        else
            treat(m, cure, at);
    }
    follow(m); /* the walk is at the end: seals all that is open */
    return GW_OK;
}

static void finish(struct mender *m, size_t *len)
{
    struct otlp_mend_result *out = m->out;
    cut(m, *len, *len, 0);
    *len = m->to;
    out->records = m->walker.records;
    out->rejected = m->walker.rejected;
    if (m->walker.replaced == 0)
        return;
    /* Points left out that would not have counted anyway. */
    if (out->parts == 0)
        out->first_part = out->first_rejected;
    out->parts += m->walker.replaced;
}

int otlp_mend(enum otlp_signal signal, uint8_t *bytes, size_t *len,
              const struct otlp_limits *limits, struct otlp_mend_result *out)
{
    struct mender m; /* not cleared as a whole: it has 10 KiB */
    int err = walker_init(&m.walker, signal, slice_make(bytes, *len), limits);
    walker_result(&m.walker, &out->refusal);
    out->records = 0;
    out->rejected = 0;
    out->strings = 0;
    out->parts = 0;
    out->first_rejected = out->refusal;
    out->first_string = out->refusal;
    out->first_part = out->refusal;
    if (err != GW_OK)
        return err;
    m.bytes = bytes;
    m.from = 0;
    m.to = 0;
    m.depth = 1;
    m.out = out;
    err = run(&m);
    if (err == GW_OK)
        finish(&m, len);
    else
        walker_result(&m.walker, &out->refusal);
    return err;
}

/* ---- words for the sender -------------------------------------------------------------------- */

/* "3 log records left out, first ...": `things` is a plural in s. */
static void explain(struct buf *text, uint64_t n, const char *things, const char *what,
                    const struct otlp_walk_result *first, bool *said)
{
    if (n == 0)
        return;
    if (*said)
        buf_text(text, "; ");
    *said = true;
    buf_u64(text, n);
    buf_byte(text, ' ');
    buf_append(text, things, strlen(things) - (n == 1));
    buf_text(text, what);
    buf_text(text, n == 1 ? ": " : ", first ");
    otlp_walk_explain(first, text);
}

void otlp_mend_explain(const struct otlp_mend_result *out, struct buf *text)
{
    bool said = false;
    if (out->refusal.fault != OTLP_FAULT_NONE) {
        otlp_walk_explain(&out->refusal, text);
        return;
    }
    explain(text, out->rejected, otlp_signal_records(out->refusal.signal), " left out",
            &out->first_rejected, &said);
    explain(text, out->parts, "damaged parts", " emptied or left out", &out->first_part, &said);
    explain(text, out->strings, "strings", " with invalid UTF-8 mended", &out->first_string, &said);
}
