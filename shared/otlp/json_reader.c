// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/json_reader.h"

#include <stdio.h>

/* ---- places ---------------------------------------------------------------------------------- */

#define PATH_HEAD 8u /* messages shown from the front of a deep path */
#define PATH_TAIL 2u /* and from its end */
#define STEP_BYTES 36u /* ".droppedAttributesCount[4294967295]" */

static void put_step(char *path, size_t *used, const struct json_frame *f)
{
    const struct otlp_field *field = otlp_schema_field((enum otlp_message)f->message, f->number);
    if (!field || f->number == 0)
        return;
    size_t len;
    const char *name = otlp_schema_json_name(field, &len);
    size_t room = OTLP_JSON_PATH_BYTES - *used;
    const char *dot = *used ? "." : "";
    int n = f->list ? snprintf(path + *used, room, "%s%.*s[%u]", dot, (int)len, name, f->index)
                    : snprintf(path + *used, room, "%s%.*s", dot, (int)len, name);
    if (n > 0)
        *used += (size_t)n < room ? (size_t)n : room - 1;
}

static void note_place(const struct json_reader *r, struct otlp_json_place *place, const char *why,
                       const uint8_t *at)
{
    _Static_assert((PATH_HEAD + PATH_TAIL) * STEP_BYTES + 4 <= OTLP_JSON_PATH_BYTES, "path");
    size_t used = 0;
    place->why = why;
    place->offset = (size_t)(at - r->text);
    place->path[0] = '\0';
    for (uint32_t i = 0; i < r->depth; i++) {
        if (i < PATH_HEAD || i + PATH_TAIL >= r->depth)
            put_step(place->path, &used, &r->frames[i]);
        else if (i == PATH_HEAD) /* three dots with that of the next step */
            used += (size_t)snprintf(place->path + used, OTLP_JSON_PATH_BYTES - used, "..");
    }
}

int json_reader_fail(struct json_reader *r, enum otlp_json_fault fault, const char *why,
                     uint64_t limit)
{
    r->result->fault = fault;
    r->result->limit = limit;
    note_place(r, &r->result->at, why, r->in.at);
    return fault == OTLP_JSON_FAULT_SYNTAX ? GW_ERR_MALFORMED : GW_ERR_TOO_LARGE;
}

int json_reader_fail_scan(struct json_reader *r, int err)
{
    if (err == GW_ERR_TOO_LARGE)
        return json_reader_fail(r, OTLP_JSON_FAULT_DEPTH, r->in.why, JSON_SCAN_NESTING_MAX);
    return json_reader_fail(r, OTLP_JSON_FAULT_SYNTAX, r->in.why, 0);
}

int json_reader_fail_room(struct json_reader *r)
{
    if (r->out.err != GW_ERR_TOO_LARGE)
        return r->out.err;
    return json_reader_fail(r, OTLP_JSON_FAULT_SIZE, "the request is too large as protobuf",
                            r->out.end - r->out.levels[0].start);
}

void json_reader_mend(struct json_reader *r, const char *why, const uint8_t *at)
{
    if (r->result->mended++ == 0)
        note_place(r, &r->result->first_mended, why, at);
}

int json_reader_mend_skip(struct json_reader *r, const char *why)
{
    json_reader_mend(r, why, r->in.at);
    int err = json_scan_skip(&r->in);
    return err == GW_OK ? GW_OK : json_reader_fail_scan(r, err);
}

/* ---- runs of bytes --------------------------------------------------------------------------- */

void json_reader_begin(struct json_reader *r, struct json_frame *f, const struct otlp_field *field,
                       uint32_t number)
{
    uint32_t bit = 1u << number;
    if (field->oneof) {
        if (f->member) {
            json_reader_mend(r, "two of a kind, of which only one may be given", r->in.at);
            json_reader_forget(r, f, f->member);
        }
        f->member = (uint8_t)number;
    } else if (f->written & bit) {
        return; /* a further item of a list */
    }
    f->written |= bit;
    f->marks[number].at = (uint32_t)wire_out_size(&r->out);
    f->marks[number].records = r->records;
}

void json_reader_forget(struct json_reader *r, struct json_frame *f, uint32_t number)
{
    if (!(f->written & 1u << number))
        return;
    f->written &= ~(1u << number);
    if (f->member == number)
        f->member = 0;
    struct json_mark from = f->marks[number];
    struct json_mark to = {(uint32_t)wire_out_size(&r->out), r->records};
    for (uint32_t i = 1; i <= OTLP_NUMBER_MAX; i++)
        if (f->written & 1u << i && f->marks[i].at > from.at && f->marks[i].at < to.at)
            to = f->marks[i];
    for (uint32_t i = 1; i <= OTLP_NUMBER_MAX; i++) {
        if (f->written & 1u << i && f->marks[i].at > from.at) {
            f->marks[i].at -= to.at - from.at;
            f->marks[i].records -= to.records - from.records;
        }
    }
    r->records -= to.records - from.records;
    wire_out_cut(&r->out, from.at, to.at);
}
