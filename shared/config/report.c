// SPDX-License-Identifier: Apache-2.0
#include "shared/config/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/utf8.h"

#define WARNINGS_MAX 100u
#define QUOTED_BYTES 64u

/* The length of a text that was cut at `len`, without the character that the cut may have gone
 * through. */
static size_t cut_between(const char *text, size_t len)
{
    while (len && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
        len--;
    return len && (unsigned char)text[len - 1] >= 0xc0 ? len - 1 : len;
}

size_t trail_push(struct trail *trail, struct slice key)
{
    size_t before = trail->len;
    const char *joint = before ? "::" : "";
    int n = snprintf(trail->text + before, sizeof trail->text - before, "%s%.*s", joint,
                     (int)(key.len < sizeof trail->text ? key.len : sizeof trail->text),
                     (const char *)key.data);
    size_t len = before + (n > 0 ? (size_t)n : 0);
    if (len >= sizeof trail->text)
        len = cut_between(trail->text, sizeof trail->text - 1);
    trail_cut(trail, len);
    return before;
}

void trail_cut(struct trail *trail, size_t len)
{
    trail->len = len;
    trail->text[len] = '\0';
}

/* Keys and values are bytes of the file: nothing in them may steer the terminal that shows the
 * message. */
static void tame(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

/* Bytes that snprintf() has put into `room`, given what it returned. */
static size_t written(int n, size_t room)
{
    return n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}

/* "FILE:LINE:COL: PATH: message" into `line`; what does not fit is cut, between characters. */
__attribute__((format(printf, 6, 0))) static void
compose(const struct report *r, struct place at, const char *path, char *line, size_t room,
        const char *format, va_list args)
{
    size_t n = written(snprintf(line, room, "%s", r->file), room);
    if (at.line)
        n += written(snprintf(line + n, room - n, ":%u:%u", at.line, at.column), room - n);
    if (path && *path)
        n += written(snprintf(line + n, room - n, ": %s", path), room - n);
    n += written(snprintf(line + n, room - n, ": "), room - n);
    n += written(vsnprintf(line + n, room - n, format, args), room - n);
    if (n == room - 1)
        line[cut_between(line, n)] = '\0';
    tame(line);
}

int report_error(struct report *r, struct place at, const char *path, const char *format, ...)
{
    va_list args;
    if (r->error->text[0])
        return GW_ERR_INVALID;
    va_start(args, format);
    compose(r, at, path, r->error->text, sizeof r->error->text, format, args);
    va_end(args);
    r->error->line = at.line;
    r->error->column = at.column;
    return GW_ERR_INVALID;
}

int report_warning(struct report *r, struct place at, const char *path, const char *format, ...)
{
    char line[CONFIG_ERROR_BYTES];
    va_list args;
    if (r->warning_count == WARNINGS_MAX)
        return 0;
    va_start(args, format);
    compose(r, at, path, line, sizeof line, format, args);
    va_end(args);
    char **list = realloc(r->warnings, (r->warning_count + 1) * sizeof *list);
    if (!list)
        return GW_ERR_NOMEM;
    r->warnings = list;
    list[r->warning_count] = strdup(line);
    if (!list[r->warning_count])
        return GW_ERR_NOMEM;
    r->warning_count++;
    return 0;
}

void report_free(struct report *r)
{
    for (size_t i = 0; i < r->warning_count; i++)
        free(r->warnings[i]);
    free(r->warnings);
    r->warnings = NULL;
    r->warning_count = 0;
}

struct report_quote report_quote(struct slice text)
{
    struct report_quote quote;
    size_t at = 0, n = text.len < QUOTED_BYTES ? text.len : QUOTED_BYTES;
    n = utf8_valid_prefix(slice_make(text.data, n));
    quote.text[at++] = '"';
    for (size_t i = 0; i < n; i++) {
        uint8_t c = text.data[i];
        if (c < 0x20 || c == 0x7f)
            at += (size_t)snprintf(quote.text + at, sizeof quote.text - at, "\\x%02x", c);
        else
            quote.text[at++] = (char)c;
    }
    snprintf(quote.text + at, sizeof quote.text - at, "%s\"", n < text.len ? "..." : "");
    return quote;
}
