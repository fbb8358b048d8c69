// SPDX-License-Identifier: Apache-2.0
/* One turn of the loop reads one member of the innermost message, or one item of its list; what a
 * message is inside of stands on a stack of our own. */
#include "shared/otlp/json_in.h"

#include "shared/otlp/json_reader.h"
#include "shared/otlp/json_scalar.h"
#include "shared/otlp/name.h"

#define KEY_BYTES 64u /* no name of OTLP is as long, escapes resolved */

/* ---- messages -------------------------------------------------------------------------------- */

/* Bytes of the length that a message of its kind mostly needs, where not 1 (wire_out.h). */
static const uint8_t length_widths[OTLP_MESSAGES] = {
    [OTLP_RESOURCE_LOGS] = 4,   [OTLP_SCOPE_LOGS] = 4,     [OTLP_LOG_RECORD] = 2,
    [OTLP_RESOURCE_SPANS] = 4,  [OTLP_SCOPE_SPANS] = 4,    [OTLP_SPAN] = 2,
    [OTLP_RESOURCE_METRICS] = 4, [OTLP_SCOPE_METRICS] = 4, [OTLP_METRIC] = 2,
    [OTLP_GAUGE] = 2,           [OTLP_SUM] = 2,            [OTLP_HISTOGRAM] = 2,
    [OTLP_NUMBER_POINT] = 2,    [OTLP_HISTOGRAM_POINT] = 2, [OTLP_RESOURCE] = 2,
};

static void push(struct json_reader *r, enum otlp_message message)
{
    struct json_frame *f = &r->frames[r->depth++];
    f->schema = &otlp_schemas[message];
    f->message = (uint8_t)message;
    f->number = 0;
    f->member = 0;
    f->list = false;
    f->first = true;
    f->keys = 0;
    f->written = 0; /* so the marks mean nothing yet */
}

/* The scan stands behind the opening brace. */
static int open_message(struct json_reader *r, struct json_frame *f,
                        const struct otlp_field *field)
{
    if (r->depth == r->max_depth)
        return json_reader_fail(r, OTLP_JSON_FAULT_DEPTH, "messages are nested too deeply",
                                r->max_depth);
    bool record = otlp_schemas[field->child].record;
    if (record && r->records == r->max_records)
        return json_reader_fail(r, OTLP_JSON_FAULT_RECORDS, "too many records", r->max_records);
    uint32_t width = length_widths[field->child] ? length_widths[field->child] : 1;
    json_reader_begin(r, f, field, f->number);
    if (wire_out_open(&r->out, f->number, width) != GW_OK)
        return json_reader_fail_room(r);
    r->records += record;
    push(r, (enum otlp_message)field->child);
    return GW_OK;
}

/* What is no object, where a message is wanted. */
static int read_no_message(struct json_reader *r, struct json_frame *f,
                           const struct otlp_field *field, enum json_type type)
{
    if (type == JSON_NO_VALUE)
        return json_reader_fail_scan(r, GW_ERR_MALFORMED);
    const uint8_t *at = r->in.at;
    int err = json_scan_skip(&r->in);
    if (err != GW_OK)
        return json_reader_fail_scan(r, err);
    bool value = field->child == OTLP_ANY_VALUE;
    if (type != JSON_NULL || !value) /* in a list of values, null is the empty one */
        json_reader_mend(r, "not an object", at);
    if (!value)
        return GW_OK;
    json_reader_begin(r, f, field, f->number);
    if (wire_out_open(&r->out, f->number, 1) != GW_OK)
        return json_reader_fail_room(r);
    wire_out_close(&r->out);
    return GW_OK;
}

static int read_message(struct json_reader *r, struct json_frame *f,
                        const struct otlp_field *field, enum json_type type)
{
    if (type != JSON_OBJECT)
        return read_no_message(r, f, field, type);
    r->in.at++;
    return open_message(r, f, field);
}

/* The next item of the list of messages that `f` is in, or its end. */
static int next_item(struct json_reader *r, struct json_frame *f)
{
    bool first = f->first;
    int more = json_scan_more(&r->in, ']', &f->first);
    if (more < 0)
        return json_reader_fail_scan(r, more);
    if (more == 0) {
        f->list = false;
        f->first = false;
        return GW_OK;
    }
    f->index += !first;
    return read_message(r, f, &f->schema->fields[f->number], json_scan_type(&r->in));
}

/* ---- members --------------------------------------------------------------------------------- */

/* Reads a key and its colon. f->number: the field that it names, or 0. Nearly all keys are what
 * came behind the one before in the message before, so that is looked at first. */
static int read_key(struct json_reader *r, struct json_frame *f)
{
    uint8_t *next = &r->next[f->message][f->number];
    const struct otlp_field *guess = &f->schema->fields[*next];
    size_t left = (size_t)(r->in.end - r->in.at);
    /* The comma before it is not part of it: a message's first key has none. */
    if (*next && left >= guess->key_len && memcmp(r->in.at, guess->key + 1,
                                                  guess->key_len - 1u) == 0) {
        r->in.at += guess->key_len - 1;
        f->number = *next;
        return GW_OK;
    }
    struct json_string key;
    uint8_t spare[KEY_BYTES];
    f->number = 0;
    int err = json_scan_key(&r->in, &key);
    if (err != GW_OK)
        return json_reader_fail_scan(r, err);
    struct slice name = json_string_text(&key, spare, sizeof spare);
    f->number = (uint8_t)otlp_name_field((enum otlp_message)f->message, name);
    *next = f->number;
    return GW_OK;
}

static int read_field(struct json_reader *r, struct json_frame *f)
{
    const struct otlp_field *field = &f->schema->fields[f->number];
    uint32_t bit = 1u << f->number;
    if (f->keys & bit) {
        json_reader_mend(r, "a key is given twice", r->in.at);
        json_reader_forget(r, f, f->number);
    }
    f->keys |= bit;
    enum json_type type = json_scan_type(&r->in);
    if (type == JSON_NO_VALUE)
        return json_reader_fail_scan(r, GW_ERR_MALFORMED);
    if (type == JSON_NULL)
        return json_scan_literal(&r->in, type) == GW_OK
                   ? GW_OK
                   : json_reader_fail_scan(r, GW_ERR_MALFORMED);
    if (field->flags & OTLP_REPEATED) {
        if (type != JSON_ARRAY)
            return json_reader_mend_skip(r, "not a list");
        if (field->kind != OTLP_MESSAGE)
            return json_scalar_list(r, f, field);
        r->in.at++;
        f->list = true;
        f->first = true;
        f->index = 0;
        return GW_OK;
    }
    if (field->kind == OTLP_MESSAGE)
        return read_message(r, f, field, type);
    return json_scalar_read(r, f, field, type);
}

/* The next member of the message, or its end. */
static int next_member(struct json_reader *r, struct json_frame *f)
{
    int more = json_scan_more(&r->in, '}', &f->first);
    if (more < 0)
        return json_reader_fail_scan(r, more);
    if (more == 0) {
        r->depth--;
        if (r->depth > 0)
            wire_out_close(&r->out);
        return GW_OK;
    }
    int err = read_key(r, f);
    if (err != GW_OK)
        return err;
    if (f->number)
        return read_field(r, f);
    err = json_scan_skip(&r->in);
    return err == GW_OK ? GW_OK : json_reader_fail_scan(r, err);
}

/* ---- the request ----------------------------------------------------------------------------- */

static int refuse(struct json_reader *r, const char *why)
{
    r->in.why = why;
    return json_reader_fail_scan(r, GW_ERR_MALFORMED);
}

static int read_request(struct json_reader *r, enum otlp_message root, struct slice text)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (text.len >= 3 && memcmp(text.data, mark, 3) == 0)
        return refuse(r, "the text begins with a byte order mark, which JSON must not have");
    json_scan_space(&r->in);
    if (r->in.at == r->in.end)
        return refuse(r, "there is no JSON");
    if (*r->in.at != '{')
        return refuse(r, "the request is not a JSON object");
    r->in.at++;
    push(r, root);
    while (r->depth > 0) {
        struct json_frame *f = json_reader_frame(r);
        int err = f->list ? next_item(r, f) : next_member(r, f);
        if (err != GW_OK)
            return err;
    }
    json_scan_space(&r->in);
    if (r->in.at < r->in.end)
        return refuse(r, "something follows behind the request");
    return GW_OK;
}

int otlp_json_in(enum otlp_signal signal, struct slice text, const struct otlp_json_limits *limits,
                 struct buf *out, struct otlp_json_result *result)
{
    static const struct otlp_json_limits defaults = {0};
    static const struct otlp_json_result nothing = {0};
    if (!limits)
        limits = &defaults;
    *result = nothing;
    enum otlp_message root = otlp_schema_request(signal);
    if (root == OTLP_NO_MESSAGE)
        return GW_ERR_INVALID;
    struct json_reader r; /* not cleared as a whole: of its frames few are touched */
    r.in = json_scan_of(text);
    r.text = r.in.at;
    r.result = result;
    r.max_records = limits->max_records ? limits->max_records : OTLP_RECORDS_MAX;
    r.max_depth = limits->max_depth && limits->max_depth < OTLP_DEPTH_MAX ? limits->max_depth
                                                                         : OTLP_DEPTH_MAX;
    r.records = 0;
    r.depth = 0;
    memset(r.next, 0, sizeof r.next);
    size_t before = out->len;
    wire_out_init(&r.out, out, limits->max_out_bytes);
    int err = read_request(&r, root, text);
    result->records = r.records;
    if (err != GW_OK)
        out->len = before;
    return err;
}

/* ---- words for the sender -------------------------------------------------------------------- */

static void explain_place(const struct otlp_json_place *place, struct buf *text)
{
    buf_text(text, place->path[0] ? place->path : "request");
    buf_printf(text, ": %s", place->why);
}

void otlp_json_explain(const struct otlp_json_result *result, struct buf *text)
{
    if (result->fault == OTLP_JSON_FAULT_NONE)
        return;
    explain_place(&result->at, text);
    if (result->limit)
        buf_printf(text, " (limit %llu)", (unsigned long long)result->limit);
    buf_printf(text, " at byte %zu", result->at.offset);
}

void otlp_json_explain_mended(const struct otlp_json_result *result, struct buf *text)
{
    if (result->mended == 0)
        return;
    if (result->mended == 1)
        buf_text(text, "1 value was mended, at ");
    else
        buf_printf(text, "%llu values were mended, the first at ",
                   (unsigned long long)result->mended);
    explain_place(&result->first_mended, text);
    buf_printf(text, ", at byte %zu", result->first_mended.offset);
}
