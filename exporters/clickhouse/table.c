// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/table.h"

#include <ctype.h>
#include <string.h>
#include <xxhash.h>

#include "exporters/clickhouse/block.h"
#include "exporters/clickhouse/native.h"

#define TYPE_MAX_BYTES (64u * 1024)

/* ---- TabSeparated ---- */

/* Takes what comes before the next `end` off `text`. */
static struct slice take(struct slice *text, char end)
{
    const uint8_t *at = text->len ? memchr(text->data, end, text->len) : NULL;
    struct slice piece = {text->data, at ? (size_t)(at - text->data) : text->len};
    size_t used = piece.len + (at != NULL);
    *text = slice_make(text->data + used, text->len - used);
    return piece;
}

static char unescaped(char c)
{
    static const char from[] = "ntrbf0", to[] = "\n\t\r\b\f";
    const char *at = c ? strchr(from, c) : NULL;
    return at ? to[at - from] : c;
}

/* Appends the field without its escapes. */
static void field_text(struct slice field, struct buf *out)
{
    for (size_t i = 0; i < field.len; i++) {
        char c = (char)field.data[i];
        if (c == '\\' && i + 1 < field.len)
            c = unescaped((char)field.data[++i]);
        buf_byte(out, (uint8_t)c);
    }
}

/* ---- columns ---- */

void table_ask_columns(const char *name, struct buf *out)
{
    buf_printf(out, "DESCRIBE TABLE %s FORMAT TabSeparated", name);
}

struct line {
    struct slice name, type, kind;
};

/* The next column that can be written. */
static bool next_line(struct slice *answer, struct line *line)
{
    while (answer->len) {
        struct slice text = take(answer, '\n');
        line->name = take(&text, '\t');
        line->type = take(&text, '\t');
        line->kind = take(&text, '\t');
        if (line->name.len && !slice_is(line->kind, "MATERIALIZED") && !slice_is(line->kind, "ALIAS"))
            return true;
    }
    return false;
}

/* The index of our column of that name; SIZE_MAX: we have none. */
static size_t column_of(enum table_kind kind, struct slice name)
{
    for (size_t i = 0; i < block_column_count(kind); i++)
        if (slice_is(name, block_column_name(kind, i)))
            return i;
    return SIZE_MAX;
}

/* "Events." of "Events.Name", or empty. */
static struct slice nested_of(struct slice name)
{
    const uint8_t *dot = name.len ? memchr(name.data, '.', name.len) : NULL;
    return slice_make(name.data, dot ? (size_t)(dot - name.data) + 1 : 0);
}

static bool is_field_of(struct slice nested, struct slice name)
{
    return name.len > nested.len && memcmp(name.data, nested.data, nested.len) == 0;
}

/* Our columns that are fields of that Nested. */
static uint64_t fields_of(enum table_kind kind, struct slice nested)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < block_column_count(kind); i++)
        if (is_field_of(nested, slice_of(block_column_name(kind, i))))
            mask |= UINT64_C(1) << i;
    return mask;
}

/* Without those of a Nested that lacks a field of ours, or has one that we do not fill. */
static uint64_t whole_nesteds(enum table_kind kind, struct slice answer, uint64_t mask)
{
    struct line line;
    uint64_t out = mask;
    for (size_t i = 0; i < block_column_count(kind); i++) {
        struct slice nested = nested_of(slice_of(block_column_name(kind, i)));
        uint64_t fields = nested.len ? fields_of(kind, nested) : 0;
        if ((mask & fields) != fields)
            out &= ~fields;
    }
    while (next_line(&answer, &line)) {
        struct slice nested = nested_of(line.name);
        if (nested.len && column_of(kind, line.name) == SIZE_MAX)
            out &= ~fields_of(kind, nested);
    }
    return out;
}

uint64_t table_read_columns(enum table_kind kind, struct slice answer)
{
    struct slice rest = answer;
    struct line line;
    uint64_t mask = 0;
    while (next_line(&rest, &line)) {
        size_t column = column_of(kind, line.name);
        if (column != SIZE_MAX)
            mask |= UINT64_C(1) << column;
    }
    return whole_nesteds(kind, answer, mask);
}

void table_empty_block(enum table_kind kind, uint64_t mask, struct slice answer, struct buf *out)
{
    struct slice rest = answer;
    struct line line;
    uint64_t columns = 0;
    while (next_line(&rest, &line))
        columns++;
    native_varuint(out, columns);
    native_varuint(out, 0);
    for (rest = answer; next_line(&rest, &line);) {
        size_t column = column_of(kind, line.name);
        struct buf text = buf_make(TYPE_MAX_BYTES);
        field_text(line.name, &text);
        (void)!native_string(out, buf_slice(&text));
        buf_clear(&text);
        if (column != SIZE_MAX && mask >> column & 1)
            buf_text(&text, block_column_type(kind, column));
        else
            field_text(line.type, &text);
        (void)!native_string(out, buf_slice(&text));
        buf_free(&text);
    }
}

void table_name_missing(enum table_kind kind, uint64_t mask, struct buf *out)
{
    const char *between = "";
    for (size_t i = 0; i < block_column_count(kind); i++) {
        if (mask >> i & 1)
            continue;
        buf_printf(out, "%s%s", between, block_column_name(kind, i));
        between = ", ";
    }
}

/* ---- engine ---- */

static void quote(const char *text, struct buf *out)
{
    buf_byte(out, '\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            buf_byte(out, '\\');
        buf_byte(out, (uint8_t)*text);
    }
    buf_byte(out, '\'');
}

#define CHOICE_OF_USER "(SELECT any(value) FROM system.settings WHERE name = 'deduplicate_insert'), "

void table_ask_engine(const char *database, const char *table, bool all, struct buf *out)
{
    if (all) {
        buf_text(out, "SELECT engine, engine_full, "
                      "(SELECT any(value) FROM system.merge_tree_settings "
                      "WHERE name = 'non_replicated_deduplication_window'), "
                      "(SELECT any(value) FROM system.merge_tree_settings "
                      "WHERE name = 'replicated_deduplication_window'), " CHOICE_OF_USER
                      "(SELECT any(zookeeper_path) FROM system.replicas WHERE database = ");
        quote(database, out);
        buf_text(out, " AND table = ");
        quote(table, out);
        buf_byte(out, ')');
    } else {
        buf_text(out, "SELECT engine, engine_full, '0', '10000', " CHOICE_OF_USER "''");
    }
    buf_text(out, " FROM system.tables WHERE database = ");
    quote(database, out);
    buf_text(out, " AND name = ");
    quote(table, out);
    buf_text(out, " FORMAT TabSeparated");
}

static bool begins_with(struct slice text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && memcmp(text.data, word, len) == 0;
}

static int64_t number(struct slice text)
{
    int64_t value = 0;
    for (size_t i = 0; i < text.len && isdigit(text.data[i]) && value < INT64_MAX / 16; i++)
        value = value * 10 + (text.data[i] - '0');
    return value;
}

/* The number that the table's own settings give `name`, or -1. */
static int64_t own_setting(struct slice engine, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 1; i + len < engine.len; i++) {
        const uint8_t *at = engine.data + i;
        if (memcmp(at, name, len) != 0 || (at[-1] != ' ' && at[-1] != ','))
            continue;
        size_t k = i + len;
        while (k < engine.len && (engine.data[k] == ' ' || engine.data[k] == '='))
            k++;
        if (k < engine.len && isdigit(engine.data[k]))
            return number(slice_make(engine.data + k, engine.len - k));
    }
    return -1;
}

void table_read_engine(struct slice answer, uint64_t host, struct table *table)
{
    enum { ENGINE, FULL, WINDOW, REPLICATED_WINDOW, CHOICE, PATH, FIELDS };
    struct slice line = take(&answer, '\n'), field[FIELDS];
    for (size_t i = 0; i < FIELDS; i++)
        field[i] = take(&line, '\t');
    bool replicated = begins_with(field[ENGINE], "Replicated") || begins_with(field[ENGINE], "Shared");
    bool merge_tree = field[ENGINE].len && memmem(field[ENGINE].data, field[ENGINE].len, "MergeTree", 9);
    int64_t window = own_setting(field[FULL], replicated ? "replicated_deduplication_window"
                                                         : "non_replicated_deduplication_window");
    if (window < 0)
        window = number(field[replicated ? REPLICATED_WINDOW : WINDOW]);
    table->dedup = merge_tree && window > 0 && !slice_is(field[CHOICE], "disable");
    table->place = host;
    if (replicated && field[PATH].len && !slice_is(field[PATH], "\\N"))
        table->place = XXH3_64bits(field[PATH].data, field[PATH].len) | 1;
}
