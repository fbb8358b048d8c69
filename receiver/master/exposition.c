// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/exposition.h"

#include <string.h>

#include "shared/base/json_text.h"
#include "shared/base/utf8.h"

/* A line break and a backslash, in a label value also a quote, are escaped; what is no UTF-8 becomes '?'. */
static void put_escaped(struct buf *out, const char *text, bool quoted)
{
    struct slice rest = slice_of(text);
    while (rest.len > 0) {
        size_t n = utf8_sequence(rest);
        uint8_t c = rest.data[0];
        if (c == '\n')
            buf_text(out, "\\n");
        else if (c == '\\' || (quoted && c == '"'))
            buf_append(out, (const uint8_t[]){'\\', c}, 2);
        else if (n)
            buf_append(out, rest.data, n);
        else
            buf_byte(out, '?');
        n = n ? n : 1;
        rest = slice_make(rest.data + n, rest.len - n);
    }
}

void exposition_family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_text(out, "# HELP ");
    buf_text(out, name);
    buf_byte(out, ' ');
    put_escaped(out, help, false);
    buf_text(out, "\n# TYPE ");
    buf_text(out, name);
    buf_byte(out, ' ');
    buf_text(out, type);
    buf_byte(out, '\n');
}

static void put_series(struct buf *out, const char *name, const struct exposition_label *labels, size_t count)
{
    buf_text(out, name);
    for (size_t i = 0; i < count; i++) {
        buf_byte(out, i == 0 ? '{' : ',');
        buf_text(out, labels[i].name);
        buf_text(out, "=\"");
        put_escaped(out, labels[i].value, true);
        buf_byte(out, '"');
    }
    buf_text(out, count ? "} " : " ");
}

void exposition_u64(struct buf *out, const char *name, const struct exposition_label *labels, size_t count,
                    uint64_t value)
{
    put_series(out, name, labels, count);
    buf_u64(out, value);
    buf_byte(out, '\n');
}

void exposition_double(struct buf *out, const char *name, const struct exposition_label *labels, size_t count,
                       double value)
{
    put_series(out, name, labels, count);
    json_text_double(out, value);
    buf_byte(out, '\n');
}

bool exposition_can_be_named(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return text[0] && text[strspn(text, letters)] == '\0';
}
