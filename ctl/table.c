// SPDX-License-Identifier: Apache-2.0
#include "ctl/table.h"

#include <string.h>

#include "shared/base/printable.h"
#include "shared/base/utf8.h"

#define TEXT_MAX_BYTES (64u * 1024 * 1024)
#define GAP 2u
#define NOTE_COLUMNS 1024u
#define NOTE_INDENT "    "

void table_init(struct table *t, const struct table_column *columns, size_t count)
{
    *t = (struct table){.columns = columns, .column_count = count, .text = buf_make(TEXT_MAX_BYTES)};
    for (size_t i = 0; i < count; i++)
        t->widths[i] = (uint32_t)strlen(columns[i].title);
}

void table_fini(struct table *t)
{
    buf_free(&t->text);
}

void table_text(struct table *t, struct slice text)
{
    uint32_t limit = t->columns[t->at].limit;
    uint32_t width = printable_text(&t->text, text, limit ? limit : UINT32_MAX);
    buf_byte(&t->text, '\n');
    if (width > t->widths[t->at])
        t->widths[t->at] = width;
    t->rows += t->at == 0;
    t->at = (t->at + 1) % t->column_count;
}

void table_word(struct table *t, const char *text)
{
    table_text(t, slice_of(text));
}

void table_number(struct table *t, uint64_t number)
{
    struct buf text = buf_make(32);
    buf_u64(&text, number);
    table_text(t, buf_slice(&text));
    buf_free(&text);
}

void table_note(struct table *t, const char *what, struct slice text)
{
    if (text.len == 0)
        return;
    buf_byte(&t->text, '\t'); /* which no cell has: printable_text() */
    buf_text(&t->text, what);
    printable_text(&t->text, text, NOTE_COLUMNS);
    buf_byte(&t->text, '\n');
}

void table_bytes_text(uint64_t bytes, struct buf *out)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        buf_printf(out, "%u B", (unsigned)bytes);
        return;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    for (; value >= 1023.95 && unit < 5; unit++)
        value /= 1024;
    buf_printf(out, "%.1f %s", value, units[unit]);
}

void table_bytes(struct table *t, uint64_t bytes)
{
    struct buf text = buf_make(32);
    table_bytes_text(bytes, &text);
    table_text(t, buf_slice(&text));
    buf_free(&text);
}

void table_age_text(uint64_t ms, struct buf *out)
{
    unsigned long long s = ms / 1000;
    if (ms == 0)
        buf_text(out, "-");
    else if (ms < 1000)
        buf_printf(out, "%ums", (unsigned)ms);
    else if (s < 60)
        buf_printf(out, "%llus", s);
    else if (s < 3600)
        buf_printf(out, "%llum%02llus", s / 60, s % 60);
    else if (s < 86400)
        buf_printf(out, "%lluh%02llum", s / 3600, s / 60 % 60);
    else
        buf_printf(out, "%llud%02lluh", s / 86400, s / 3600 % 24);
}

void table_age(struct table *t, uint64_t ms)
{
    struct buf text = buf_make(32);
    table_age_text(ms, &text);
    table_text(t, buf_slice(&text));
    buf_free(&text);
}

/* ---- printing --------------------------------------------------------------------------------------------------- */

static uint32_t width_of(struct slice cell)
{
    uint32_t columns = 0;
    for (; cell.len; columns++) { /* printable_text() made it: all of it is UTF-8 */
        size_t n = utf8_sequence(cell);
        n = n ? n : 1;
        cell = slice_make(cell.data + n, cell.len - n);
    }
    return columns;
}

/* No spaces at the end of a line: they are owed until something follows. */
static void put_cell(const struct table *t, size_t i, struct slice cell, uint32_t *owed, struct buf *out)
{
    uint32_t pad = t->widths[i] - width_of(cell);
    bool right = t->columns[i].right;
    *owed += right ? pad : 0;
    for (; cell.len && *owed; --*owed)
        buf_byte(out, ' ');
    buf_slice_append(out, cell);
    *owed += GAP + (right ? 0 : pad);
}

static struct slice take_line(struct slice *rest)
{
    const uint8_t *end = memchr(rest->data, '\n', rest->len);
    struct slice line = slice_make(rest->data, end ? (size_t)(end - rest->data) : rest->len);
    size_t n = line.len + (end != NULL);
    *rest = slice_make(rest->data + n, rest->len - n);
    return line;
}

void table_print(const struct table *t, struct buf *out)
{
    uint32_t owed = 0;
    for (size_t i = 0; i < t->column_count; i++)
        put_cell(t, i, slice_of(t->columns[i].title), &owed, out);
    buf_byte(out, '\n');
    struct slice rest = buf_slice(&t->text);
    while (rest.len) {
        if (rest.data[0] == '\t') {
            struct slice note = take_line(&rest);
            buf_text(out, NOTE_INDENT);
            buf_slice_append(out, slice_make(note.data + 1, note.len - 1));
        } else {
            owed = 0;
            for (size_t i = 0; i < t->column_count && rest.len; i++)
                put_cell(t, i, take_line(&rest), &owed, out);
        }
        buf_byte(out, '\n');
    }
}
