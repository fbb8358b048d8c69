// SPDX-License-Identifier: Apache-2.0
#include "ctl/http_answer.h"

#include <string.h>
#include <strings.h>

#define LENGTH "content-length:"
#define VERSION "HTTP/1."

/* The line at the front, without its end. False: it does not end yet. */
static bool take_line(struct slice *rest, struct slice *line)
{
    const uint8_t *end = memmem(rest->data, rest->len, "\r\n", 2);
    if (!end)
        return false;
    *line = slice_make(rest->data, (size_t)(end - rest->data));
    *rest = slice_make(end + 2, rest->len - line->len - 2);
    return true;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK" */
static bool read_status(struct slice line, unsigned *status)
{
    const size_t at = sizeof VERSION - 1 + 2; /* behind the minor version and a space */
    if (line.len < at + 3 || memcmp(line.data, VERSION, sizeof VERSION - 1) != 0 || line.data[at - 1] != ' ')
        return false;
    *status = 0;
    for (size_t i = at; i < at + 3; i++) {
        if (!is_digit(line.data[i]))
            return false;
        *status = *status * 10 + (line.data[i] - '0');
    }
    return line.len == at + 3 || line.data[at + 3] == ' ';
}

/* 0; GW_ERR_MALFORMED; GW_ERR_TOO_LARGE. */
static int read_length(struct slice text, size_t *length)
{
    while (text.len && *text.data == ' ')
        text = slice_make(text.data + 1, text.len - 1);
    if (text.len == 0)
        return GW_ERR_MALFORMED;
    *length = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]))
            return GW_ERR_MALFORMED;
        *length = *length * 10 + (text.data[i] - '0');
        if (*length > HTTP_ANSWER_MAX_BYTES)
            return GW_ERR_TOO_LARGE;
    }
    return GW_OK;
}

static int read_head(struct slice *rest, unsigned *status, size_t *length)
{
    const size_t field = sizeof LENGTH - 1;
    struct slice line;
    bool has_length = false;
    if (!take_line(rest, &line) || !read_status(line, status))
        return GW_ERR_MALFORMED;
    while (take_line(rest, &line) && line.len) {
        if (line.len < field || strncasecmp((const char *)line.data, LENGTH, field) != 0)
            continue;
        int err = has_length ? GW_ERR_MALFORMED : read_length(slice_make(line.data + field, line.len - field), length);
        if (err != GW_OK)
            return err;
        has_length = true;
    }
    return has_length ? GW_OK : GW_ERR_UNSUPPORTED;
}

int64_t http_answer_parse(struct slice bytes, struct http_answer *out)
{
    size_t seen = bytes.len < HTTP_ANSWER_HEAD_MAX_BYTES ? bytes.len : HTTP_ANSWER_HEAD_MAX_BYTES;
    if (seen == 0 || !memmem(bytes.data, seen, "\r\n\r\n", 4))
        return seen == HTTP_ANSWER_HEAD_MAX_BYTES ? GW_ERR_TOO_LARGE : GW_ERR_INCOMPLETE;
    struct slice rest = bytes;
    size_t length = 0;
    int err = read_head(&rest, &out->status, &length);
    if (err != GW_OK)
        return err;
    if (rest.len < length)
        return GW_ERR_INCOMPLETE;
    out->body = slice_make(rest.data, length);
    return (int64_t)(bytes.len - rest.len + length);
}
