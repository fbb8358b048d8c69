// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/ddl.h"

#include <string.h>

#include "exporters/clickhouse/ddl_tables.h"
#include "shared/config/duration.h"
#include "shared/config/size.h"

#define TIMES_SUFFIX "_trace_id_ts"
#define VIEW_SUFFIX "_trace_id_ts_mv"
#define MONTHS_MAX 12u
#define YEARS_MAX 9999u
#define REPLICATED_WINDOW_LEAST 10000u /* what servers have without being told */
#define REPLICATED_WINDOW_SECONDS 604800u /* newer servers remember for an hour, which an outage can outlast */

uint32_t ddl_version(struct slice text)
{
    uint64_t parts[2];
    for (size_t i = 0; i < 2; i++) {
        const uint8_t *dot = text.len ? memchr(text.data, '.', text.len) : NULL;
        size_t len = dot ? (size_t)(dot - text.data) : text.len;
        if ((!dot && i == 0) || size_parse_number(slice_make(text.data, len), &parts[i]) < 0)
            return 0;
        text = dot ? slice_make(dot + 1, text.len - len - 1) : slice_make(NULL, 0);
    }
    if (parts[0] > YEARS_MAX || parts[1] > MONTHS_MAX)
        return 0;
    return (uint32_t)(parts[0] * 100 + parts[1]);
}

/* ---- names ---- */

const char *ddl_table(const struct clickhouse_options *o, enum table_kind table)
{
    const char *const names[TABLE_KINDS] = {
        [TABLE_LOGS] = o->logs_table,
        [TABLE_TRACES] = o->traces_table,
        [TABLE_GAUGE] = o->gauge_table,
        [TABLE_SUM] = o->sum_table,
        [TABLE_HISTOGRAM] = o->histogram_table,
        [TABLE_EXPONENTIAL_HISTOGRAM] = o->exponential_histogram_table,
        [TABLE_SUMMARY] = o->summary_table,
    };
    return names[table];
}

static void quoted(struct buf *out, const char *name, const char *suffix)
{
    buf_byte(out, '`');
    for (const char *c = name; *c; c++) {
        if (*c == '`' || *c == '\\')
            buf_byte(out, '\\');
        buf_byte(out, (uint8_t)*c);
    }
    buf_text(out, suffix);
    buf_byte(out, '`');
}

void ddl_name(struct buf *out, const char *name)
{
    quoted(out, name, "");
}

void ddl_qualified(struct buf *out, const struct clickhouse_options *o, enum table_kind table,
                   const char *suffix)
{
    quoted(out, o->database, "");
    buf_byte(out, '.');
    quoted(out, ddl_table(o, table), suffix);
}

static void on_cluster(struct buf *out, const struct clickhouse_options *o)
{
    if (!o->cluster[0])
        return;
    buf_text(out, " ON CLUSTER ");
    quoted(out, o->cluster, "");
}

bool ddl_database(struct buf *out, const struct clickhouse_options *o)
{
    if (strcmp(o->database, "default") == 0)
        return false;
    buf_text(out, "CREATE DATABASE IF NOT EXISTS ");
    quoted(out, o->database, "");
    on_cluster(out, o);
    return true;
}

/* ---- tables ---- */

static void column(struct buf *out, const struct ddl_column *c)
{
    buf_text(out, "    ");
    quoted(out, c->name, "");
    buf_printf(out, " %s", c->type);
    if (c->materialized)
        buf_printf(out, " MATERIALIZED %s", c->materialized);
    if (c->codec)
        buf_printf(out, " CODEC(%s)", c->codec);
    buf_text(out, ",\n");
}

static void index_of(struct buf *out, const struct ddl_index *i, uint32_t version)
{
    const char *type = i->text && version >= DDL_TEXT_INDEXES ? i->text : i->type;
    buf_printf(out, "    INDEX %s %s TYPE %s", i->name, i->expression, type);
}

/* The largest unit that the age is a whole number of. */
static void ttl(struct buf *out, const char *age, uint64_t ns)
{
    static const struct {
        const char *function;
        uint64_t seconds;
    } units[] = {
        {"toIntervalDay", 86400},
        {"toIntervalHour", 3600},
        {"toIntervalMinute", 60},
        {"toIntervalSecond", 1},
    };
    uint64_t seconds = ns / (uint64_t)DURATION_S_NS;
    size_t i = 0;
    if (seconds == 0)
        return;
    while (seconds % units[i].seconds)
        i++;
    buf_printf(out, "\nTTL %s + %s(", age, units[i].function);
    buf_u64(out, seconds / units[i].seconds);
    buf_byte(out, ')');
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* How many inserts the table remembers, by their tokens. Tables that share their data have settings of their own. */
static void window(struct buf *out, const struct clickhouse_options *o)
{
    if (o->dedup_window == 0)
        return;
    if (!starts(o->engine_name, "Replicated") && !starts(o->engine_name, "Shared")) {
        buf_printf(out, ", non_replicated_deduplication_window = %u", o->dedup_window);
        return;
    }
    buf_printf(out, ", replicated_deduplication_window = %u, replicated_deduplication_window_seconds = %u",
               o->dedup_window > REPLICATED_WINDOW_LEAST ? o->dedup_window : REPLICATED_WINDOW_LEAST,
               REPLICATED_WINDOW_SECONDS);
}

static void create_table(struct buf *out, const struct clickhouse_options *o, enum table_kind table,
                         const char *suffix, const struct ddl_table_parts *parts, uint32_t version)
{
    buf_text(out, "CREATE TABLE IF NOT EXISTS ");
    ddl_qualified(out, o, table, suffix);
    on_cluster(out, o);
    buf_text(out, " (\n");
    for (size_t i = 0; i < DDL_COLUMNS_PIECES; i++)
        for (size_t k = 0; k < parts->columns[i].count; k++)
            column(out, &parts->columns[i].items[k]);
    for (size_t i = 0; i < parts->index_count; i++) {
        index_of(out, &parts->indexes[i], version);
        buf_text(out, i + 1 < parts->index_count ? ",\n" : "\n");
    }
    buf_printf(out, ") ENGINE = %s(%s)\nPARTITION BY toDate(%s)\n", o->engine_name, o->engine_params, parts->day);
    if (parts->primary)
        buf_printf(out, "PRIMARY KEY (%s)\n", parts->primary);
    buf_printf(out, "ORDER BY (%s)", parts->order);
    ttl(out, parts->age, o->ttl_ns);
    buf_text(out, "\nSETTINGS index_granularity = 8192, ttl_only_drop_parts = 1");
    window(out, o);
}

/* The view that fills the times of each trace. */
static void create_view(struct buf *out, const struct clickhouse_options *o)
{
    buf_text(out, "CREATE MATERIALIZED VIEW IF NOT EXISTS ");
    ddl_qualified(out, o, TABLE_TRACES, VIEW_SUFFIX);
    on_cluster(out, o);
    buf_text(out, "\nTO ");
    ddl_qualified(out, o, TABLE_TRACES, TIMES_SUFFIX);
    buf_text(out, "\nAS SELECT TraceId, min(Timestamp) AS Start, max(Timestamp) AS End\nFROM ");
    ddl_qualified(out, o, TABLE_TRACES, "");
    buf_text(out, "\nWHERE TraceId != ''\nGROUP BY TraceId");
}

size_t ddl_count(enum table_kind table)
{
    return table == TABLE_TRACES ? 3 : 1;
}

void ddl_create(struct buf *out, const struct clickhouse_options *o, enum table_kind table, size_t index,
                uint32_t version)
{
    const struct ddl_table_parts *parts =
        table == TABLE_LOGS && o->timestamp_time ? ddl_tables_old_logs() : ddl_tables_parts(table);
    if (index == 0)
        create_table(out, o, table, "", parts, version);
    else if (index == 1)
        create_table(out, o, table, TIMES_SUFFIX, ddl_tables_trace_times(), version);
    else
        create_view(out, o);
}

void ddl_script(struct buf *out, const struct clickhouse_options *o, uint32_t version)
{
    if (ddl_database(out, o))
        buf_text(out, ";\n\n");
    for (enum table_kind table = 0; table < TABLE_KINDS; table++) {
        for (size_t i = 0; i < ddl_count(table); i++) {
            ddl_create(out, o, table, i, version);
            buf_text(out, ";\n\n");
        }
    }
}
