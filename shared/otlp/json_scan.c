// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/json_scan.h"

static int fail(struct json_scan *s, const char *why)
{
    s->why = s->at == s->end ? "the text ends too early" : why;
    return GW_ERR_MALFORMED;
}

static struct slice rest(const struct json_scan *s)
{
    return slice_make(s->at, (size_t)(s->end - s->at));
}

void json_scan_space_long(struct json_scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r'))
        s->at++;
}

enum json_type json_scan_type(struct json_scan *s)
{
    static const uint8_t types[256] = {
        ['n'] = JSON_NULL,   ['t'] = JSON_TRUE,   ['f'] = JSON_FALSE,  ['"'] = JSON_STRING,
        ['{'] = JSON_OBJECT, ['['] = JSON_ARRAY,  ['-'] = JSON_NUMBER, ['0'] = JSON_NUMBER,
        ['1'] = JSON_NUMBER, ['2'] = JSON_NUMBER, ['3'] = JSON_NUMBER, ['4'] = JSON_NUMBER,
        ['5'] = JSON_NUMBER, ['6'] = JSON_NUMBER, ['7'] = JSON_NUMBER, ['8'] = JSON_NUMBER,
        ['9'] = JSON_NUMBER,
    };
    json_scan_space(s);
    enum json_type type = s->at < s->end ? (enum json_type)types[*s->at] : JSON_NO_VALUE;
    if (type == JSON_NO_VALUE)
        fail(s, "no value begins here");
    return type;
}

int json_scan_literal(struct json_scan *s, enum json_type type)
{
    const char *word = type == JSON_NULL ? "null" : type == JSON_TRUE ? "true" : "false";
    for (; *word; word++, s->at++)
        if (s->at == s->end || *s->at != (uint8_t)*word)
            return fail(s, "a word that is not null, true or false");
    return GW_OK;
}

int json_scan_number(struct json_scan *s, struct json_number *n)
{
    size_t len = json_number_read(rest(s), n);
    if (len == 0) {
        s->why = "this is not a number";
        return GW_ERR_MALFORMED;
    }
    s->at += len;
    return GW_OK;
}

int json_scan_string(struct json_scan *s, struct json_string *string)
{
    s->at++;
    int64_t len = json_string_read(rest(s), string, &s->why);
    s->at += len < 0 ? string->raw.len : (size_t)len;
    return len < 0 ? GW_ERR_MALFORMED : GW_OK;
}

int json_scan_key(struct json_scan *s, struct json_string *key)
{
    if (s->at == s->end || *s->at != '"')
        return fail(s, "a key in quotes is missing");
    int err = json_scan_string(s, key);
    if (err != GW_OK)
        return err;
    json_scan_space(s);
    if (s->at == s->end || *s->at != ':')
        return fail(s, "the colon behind a key is missing");
    s->at++;
    return GW_OK;
}

int json_scan_more_long(struct json_scan *s, uint8_t close, bool *first)
{
    json_scan_space(s);
    if (s->at < s->end && *s->at == close) {
        s->at++;
        return 0;
    }
    if (!*first) {
        if (s->at == s->end || *s->at != ',')
            return fail(s, close == '}' ? "a comma or } is missing" : "a comma or ] is missing");
        s->at++;
        json_scan_space(s);
    }
    *first = false;
    if (s->at == s->end)
        return fail(s, "");
    return 1;
}

/* ---- passing over ---------------------------------------------------------------------------- */

/* The objects (bit set) and lists that a value is inside of. */
struct nest {
    uint32_t depth;
    uint64_t objects[JSON_SCAN_NESTING_MAX / 64];
};

static bool in_object(const struct nest *nest)
{
    uint32_t i = nest->depth - 1;
    return nest->objects[i / 64] >> i % 64 & 1;
}

static int enter(struct json_scan *s, struct nest *nest, enum json_type type)
{
    if (nest->depth == JSON_SCAN_NESTING_MAX) {
        s->why = "objects and lists are nested too deeply";
        return GW_ERR_TOO_LARGE;
    }
    uint32_t i = nest->depth++;
    uint64_t bit = (uint64_t)1 << i % 64;
    if (type == JSON_OBJECT)
        nest->objects[i / 64] |= bit;
    else
        nest->objects[i / 64] &= ~bit;
    s->at++;
    return GW_OK;
}

/* One value, or the beginning of an object or list. */
static int skip_one(struct json_scan *s, struct nest *nest)
{
    struct json_number number;
    struct json_string string;
    enum json_type type = json_scan_type(s);
    switch (type) {
    case JSON_NO_VALUE:
        return GW_ERR_MALFORMED;
    case JSON_OBJECT:
    case JSON_ARRAY:
        return enter(s, nest, type);
    case JSON_NUMBER:
        return json_scan_number(s, &number);
    case JSON_STRING:
        return json_scan_string(s, &string);
    default:
        return json_scan_literal(s, type);
    }
}

int json_scan_skip(struct json_scan *s)
{
    struct nest nest = {0};
    do {
        uint32_t depth = nest.depth;
        int err = skip_one(s, &nest);
        bool first = nest.depth > depth;
        int more = 0;
        while (err == GW_OK && nest.depth > 0 && more == 0) {
            more = json_scan_more(s, in_object(&nest) ? '}' : ']', &first);
            nest.depth -= more == 0;
            first = false;
            err = more < 0 ? more : GW_OK;
        }
        struct json_string key;
        if (err == GW_OK && nest.depth > 0 && in_object(&nest))
            err = json_scan_key(s, &key);
        if (err != GW_OK)
            return err;
    } while (nest.depth > 0);
    return GW_OK;
}
