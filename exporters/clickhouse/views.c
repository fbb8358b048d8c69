// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/views.h"

#include <string.h>

#include "exporters/clickhouse/ddl.h"

#define VIEW_PREFIX "claude_code_"

/* Written by cmake/EmbedText.cmake. */
extern const unsigned char views_sql[];
extern const size_t views_sql_len;

static const struct {
    const char *name;
    enum table_kind table;
} tables[] = {
    {"otel_logs", TABLE_LOGS},
    {"otel_traces", TABLE_TRACES},
    {"otel_metrics_gauge", TABLE_GAUGE},
    {"otel_metrics_sum", TABLE_SUM},
    {"otel_metrics_summary", TABLE_SUMMARY},
    {"otel_metrics_histogram", TABLE_HISTOGRAM},
    {"otel_metrics_exponential_histogram", TABLE_EXPONENTIAL_HISTOGRAM},
};

static bool is_word_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static size_t word_length(struct slice text)
{
    size_t n = 0;
    while (n < text.len && is_word_byte(text.data[n]))
        n++;
    return n;
}

/* A comment up to the end of its line, a text with its quotes, or one byte. */
static size_t other_length(struct slice text)
{
    size_t n = 1;
    if (text.len >= 2 && memcmp(text.data, "--", 2) == 0) {
        while (n < text.len && text.data[n] != '\n')
            n++;
    } else if (text.data[0] == '\'') {
        while (n < text.len && text.data[n] != '\'')
            n += text.data[n] == '\\' ? 2 : 1;
        n++;
    }
    return n < text.len ? n : text.len;
}

static void view_name(struct buf *out, const struct clickhouse_options *o, struct slice word, bool created)
{
    ddl_name(out, o->database);
    buf_byte(out, '.');
    buf_slice_append(out, word);
    if (!created || !o->cluster[0])
        return;
    buf_text(out, " ON CLUSTER ");
    ddl_name(out, o->cluster);
}

/* `created`: it follows "VIEW". */
static void put_word(struct buf *out, const struct clickhouse_options *o, struct slice word, bool created)
{
    const size_t prefix = strlen(VIEW_PREFIX);
    if (word.len > prefix && memcmp(word.data, VIEW_PREFIX, prefix) == 0) {
        view_name(out, o, word, created);
        return;
    }
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (slice_is(word, tables[i].name)) {
            ddl_qualified(out, o, tables[i].table, "");
            return;
        }
    }
    buf_slice_append(out, word);
}

void views_rename(struct buf *out, const struct clickhouse_options *o, struct slice script)
{
    bool created = false;
    while (script.len) {
        size_t n = word_length(script);
        if (n) {
            struct slice word = slice_make(script.data, n);
            put_word(out, o, word, created);
            created = slice_is(word, "VIEW");
        } else {
            n = other_length(script);
            buf_append(out, script.data, n);
        }
        script = slice_make(script.data + n, script.len - n);
    }
}

void views_script(struct buf *out, const struct clickhouse_options *o)
{
    views_rename(out, o, slice_make(views_sql, views_sql_len));
}
