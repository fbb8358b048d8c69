// SPDX-License-Identifier: Apache-2.0
#include "exporters/console/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shared/base/clock.h"
#include "shared/base/printable.h"

#define NO_LIMIT UINT32_MAX
#define SCRATCH_MAX_BYTES (16u * 1024) /* of a nested value: more than fits in the columns of a line */
#define GAP_COLUMNS 2u
#define DURATION_MAX_MS 1e12 /* beyond it, and below zero, it is no duration that anybody reads */
#define ELLIPSIS "…"

static const char *const codes[] = {
    [LINE_PLAIN] = "",          [LINE_DIM] = "\x1b[2m",    [LINE_BOLD] = "\x1b[1m",
    [LINE_RED] = "\x1b[31m",    [LINE_GREEN] = "\x1b[32m", [LINE_YELLOW] = "\x1b[33m",
    [LINE_MAGENTA] = "\x1b[35m", [LINE_CYAN] = "\x1b[36m",
};

void line_init(struct line *l, struct buf *out, bool color)
{
    *l = (struct line){.out = out, .color = color, .limit = NO_LIMIT, .second = INT64_MIN};
    l->scratch = buf_make(SCRATCH_MAX_BYTES);
}

void line_fini(struct line *l)
{
    buf_free(&l->scratch);
}

void line_begin(struct line *l)
{
    l->column = 0;
    l->next = 0;
    l->limit = NO_LIMIT;
    l->full = false;
}

void line_end(struct line *l)
{
    buf_byte(l->out, '\n');
}

void line_limit(struct line *l, uint32_t columns)
{
    l->limit = (l->next > l->column ? l->next : l->column) + columns;
    l->full = false;
}

/* ---- characters ---- */

static void style_on(struct line *l, enum line_style style)
{
    if (l->color)
        buf_text(l->out, codes[style]);
}

static void style_off(struct line *l, enum line_style style)
{
    if (l->color && style != LINE_PLAIN)
        buf_text(l->out, "\x1b[0m");
}

/* The gap that was asked for: only now is it known that something follows. */
static void spaces(struct line *l)
{
    uint8_t *at;
    if (l->next <= l->column || !(at = buf_reserve(l->out, l->next - l->column)))
        return;
    memset(at, ' ', l->next - l->column);
    l->out->len += l->next - l->column;
    l->column = l->next;
}

/* Writes characters until `limit`; true if all of them found room. */
static bool characters(struct line *l, struct slice text, uint32_t limit)
{
    while (text.len) {
        char shown[PRINTABLE_UNIT_BYTES];
        size_t len;
        uint32_t columns;
        size_t n = printable_unit(text, shown, &len, &columns);
        /* One column is kept for the ellipsis, unless this is the end. */
        if (l->column + columns + (n < text.len) > limit)
            return false;
        buf_append(l->out, shown, len);
        l->column += columns;
        text.data += n;
        text.len -= n;
    }
    return true;
}

void line_text_max(struct line *l, enum line_style style, struct slice text, uint32_t columns)
{
    if (text.len == 0 || l->full)
        return;
    spaces(l);
    uint32_t own = l->column + columns;
    uint32_t limit = own < l->limit ? own : l->limit;
    style_on(l, style);
    if (!characters(l, text, limit)) {
        buf_text(l->out, ELLIPSIS);
        l->column++;
        l->full = limit == l->limit;
    }
    style_off(l, style);
}

void line_text(struct line *l, enum line_style style, struct slice text)
{
    line_text_max(l, style, text, NO_LIMIT / 2);
}

void line_word(struct line *l, enum line_style style, const char *text)
{
    line_text(l, style, slice_of(text));
}

void line_printf(struct line *l, enum line_style style, const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    line_word(l, style, text);
}

void line_to_column(struct line *l, uint32_t column)
{
    uint32_t target = l->column ? l->column + GAP_COLUMNS : 0;
    if (target < column)
        target = column;
    if (target > l->next)
        l->next = target;
}

/* ---- pieces ---- */

void line_time(struct line *l, uint64_t ns)
{
    int64_t second = (int64_t)(ns / CLOCK_NS_PER_S);
    if (second != l->second) {
        time_t t = (time_t)second;
        struct tm local;
        if (!localtime_r(&t, &local) || !strftime(l->clock, sizeof l->clock, "%H:%M:%S", &local))
            strcpy(l->clock, "--:--:--");
        l->second = second;
    }
    line_printf(l, LINE_DIM, "%s.%03u", l->clock,
                (unsigned)(ns / CLOCK_NS_PER_MS % CLOCK_MS_PER_S));
}

void line_value(struct line *l, enum line_style style, const struct otlp_value *value)
{
    if (value->kind == OTLP_VALUE_STRING) {
        line_text(l, style, value->is.bytes);
        return;
    }
    buf_clear(&l->scratch);
    if (value->kind == OTLP_VALUE_BYTES)
        buf_text(&l->scratch, "base64:");
    otlp_value_text(value, &l->scratch);
    line_text(l, style, buf_slice(&l->scratch));
    if (!buf_ok(&l->scratch))
        line_word(l, style, ELLIPSIS);
}

static bool needs_quotes(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] == '"' || text.data[i] == '=')
            return true;
    return text.len == 0;
}

void line_value_quoted(struct line *l, const struct otlp_value *value)
{
    if (value->kind != OTLP_VALUE_STRING || !needs_quotes(value->is.bytes)) {
        line_value(l, LINE_PLAIN, value);
        return;
    }
    struct slice text = value->is.bytes;
    line_word(l, LINE_PLAIN, "\"");
    while (text.len && !l->full) {
        const uint8_t *quote = memchr(text.data, '"', text.len);
        size_t n = quote ? (size_t)(quote - text.data) : text.len;
        line_text(l, LINE_PLAIN, slice_make(text.data, n));
        if (quote)
            line_word(l, LINE_PLAIN, "\\\"");
        n += quote != NULL;
        text = slice_make(text.data + n, text.len - n);
    }
    line_word(l, LINE_PLAIN, "\"");
}

void line_attribute(struct line *l, struct slice key, const struct otlp_value *value)
{
    line_text(l, LINE_DIM, key);
    line_word(l, LINE_DIM, "=");
    line_value_quoted(l, value);
}

void line_id(struct line *l, const char *word, struct slice id)
{
    if (id.len < 4)
        return;
    line_printf(l, LINE_DIM, "%s%s%02x%02x%02x%02x", word, word[0] ? " " : "", id.data[0],
                id.data[1], id.data[2], id.data[3]);
}

void line_duration_ms(struct line *l, enum line_style style, double ms)
{
    if (!(ms >= 0 && ms < DURATION_MAX_MS)) {
        line_printf(l, style, "%gms", ms);
        return;
    }
    uint64_t seconds = (uint64_t)(ms + 500) / 1000;
    if (ms < 10 && ms != (double)(uint64_t)ms)
        line_printf(l, style, "%.2fms", ms);
    else if (ms < 999.5)
        line_printf(l, style, "%.0fms", ms);
    else if (ms < 59950)
        line_printf(l, style, "%.1fs", ms / 1000);
    else
        line_printf(l, style, "%llum%02us", (unsigned long long)seconds / 60, (unsigned)(seconds % 60));
}
