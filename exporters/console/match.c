// SPDX-License-Identifier: Apache-2.0
#include "exporters/console/match.h"

#define ESCAPE 0x1b

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

void match_init(struct match *m, const char *text)
{
    m->len = strnlen(text, CONSOLE_MATCH_MAX_BYTES);
    for (size_t i = 0; i < m->len; i++)
        m->text[i] = (char)lower((uint8_t)text[i]);
    m->text[m->len] = '\0';
}

/* Passes over codes from `at` on. */
static size_t skip_codes(struct slice in, size_t at)
{
    while (at < in.len && in.data[at] == ESCAPE) {
        while (at < in.len && in.data[at] != 'm')
            at++;
        at += at < in.len;
    }
    return at;
}

static bool found_at(const struct match *m, struct slice in, size_t at, bool colors)
{
    for (size_t i = 0; i < m->len; i++, at++) {
        if (colors)
            at = skip_codes(in, at);
        if (at >= in.len || lower(in.data[at]) != (uint8_t)m->text[i])
            return false;
    }
    return true;
}

static bool found(const struct match *m, struct slice in, bool colors)
{
    if (!match_wanted(m))
        return true;
    for (size_t at = 0; at < in.len; at++) {
        if (colors)
            at = skip_codes(in, at);
        if (found_at(m, in, at, colors))
            return true;
    }
    return false;
}

bool match_found(const struct match *m, struct slice in)
{
    return found(m, in, false);
}

bool match_found_in_colors(const struct match *m, struct slice in)
{
    return found(m, in, true);
}
