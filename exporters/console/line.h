// SPDX-License-Identifier: Apache-2.0
/* One line of text for a person: columns, colours, and the bytes of strangers made harmless. Whatever cannot be
 * printed, or would make a terminal do something, is shown as an escape (\n, \x1b, \u202e). Columns are counted one
 * a character. */
#ifndef MASQUES_EXPORTERS_CONSOLE_LINE_H
#define MASQUES_EXPORTERS_CONSOLE_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/otlp/value.h"

#define LINE_FIELDS_COLUMNS 240u /* all attributes of a line together */

enum line_style {
    LINE_PLAIN,
    LINE_DIM,
    LINE_BOLD,
    LINE_RED,
    LINE_GREEN,
    LINE_YELLOW,
    LINE_MAGENTA,
    LINE_CYAN,
};

struct line {
    struct buf *out; /* borrowed */
    bool color;
    uint32_t column;  /* where the next character goes, from 0 */
    uint32_t next;    /* spaces up to here before it, if it comes */
    uint32_t limit;   /* no character goes at this column or behind it */
    bool full;        /* "…" stands at the limit, what comes more is left out */
    struct buf scratch;
    int64_t second;   /* whose hh:mm:ss is kept */
    char clock[16];
};

/* `out` is borrowed for the line's life. */
void line_init(struct line *l, struct buf *out, bool color);
void line_fini(struct line *l);

/* A line begins, without a limit; line_end() writes the newline. */
void line_begin(struct line *l);
void line_end(struct line *l);

/* From here on, `columns` more and no further. */
void line_limit(struct line *l, uint32_t columns);

/* The bytes, escaped; all of them, or so many columns of them and "…". */
void line_text(struct line *l, enum line_style style, struct slice text);
void line_text_max(struct line *l, enum line_style style, struct slice text, uint32_t columns);
/* Text of ours. */
void line_word(struct line *l, enum line_style style, const char *text);
void line_printf(struct line *l, enum line_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What comes next begins at that column, or two columns further on than it would; of several calls the furthest counts.
 * Nothing is written if nothing comes. */
void line_to_column(struct line *l, uint32_t column);

/* Local wall time HH:MM:SS.mmm of nanoseconds since the Unix epoch. */
void line_time(struct line *l, uint64_t ns);

/* A value as it is; strings without quotes. Bytes are shown in base64 behind "base64:". */
void line_value(struct line *l, enum line_style style, const struct otlp_value *value);
/* The same, with strings in quotes where they would be misread: what is empty, or has spaces, quotes or "=". */
void line_value_quoted(struct line *l, const struct otlp_value *value);

/* key=value, the key dim. */
void line_attribute(struct line *l, struct slice key, const struct otlp_value *value);

/* The first four bytes of an id in hex, with a word before it; nothing for an empty id. */
void line_id(struct line *l, const char *word, struct slice id);

/* A duration of so many nanoseconds or milliseconds: 26ms, 1.2s, 2m05s. */
void line_duration_ms(struct line *l, enum line_style style, double ms);

#endif
