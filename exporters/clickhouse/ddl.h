// SPDX-License-Identifier: Apache-2.0
/* The text of the statements that create what the exporter writes to: the database, and for each kind of table the
 * tables and views that belong to it. Columns, types, codecs, indexes and orders are those of the collector's
 * clickhouseexporter (v0.162), so that whatever reads its tables reads these; with them the number of inserts that a
 * table remembers (dedup_window). Every statement has IF NOT EXISTS. Pure: nothing is sent from here. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_DDL_H
#define MASQUES_EXPORTERS_CLICKHOUSE_DDL_H

#include <stddef.h>
#include <stdint.h>

#include "exporters/clickhouse/row.h"
#include "shared/base/buf.h"
#include "shared/config/clickhouse_options.h"

/* Servers by year and month of their version: 26.7.2.1 is 2607. What a version decides: whether there are text
 * indexes (DDL_TEXT_INDEXES and later), or bloom filters in their place. */
#define DDL_TEXT_INDEXES 2602u
#define DDL_VERSION_MAX UINT32_MAX /* "the newest" */

/* Of what SELECT version() gives: "26.7.2.1". 0: not of that form, which stands for an old server. */
uint32_t ddl_version(struct slice text);

/* The name of the table, from the options; borrowed. */
const char *ddl_table(const struct clickhouse_options *options, enum table_kind table);

/* Appends an identifier in back quotes, as any name may be written. */
void ddl_name(struct buf *out, const char *name);

/* Appends `database`.`table`, both quoted; `suffix` is part of the table's name. */
void ddl_qualified(struct buf *out, const struct clickhouse_options *options, enum table_kind table,
                   const char *suffix);

/* Appends CREATE DATABASE. Nothing for the database `default`, which every server has: then false. */
bool ddl_database(struct buf *out, const struct clickhouse_options *options);

/* How many statements create what belongs to the table: 1; for traces 3 (the spans, the times of each trace, and the
 * view that fills these). They are to be run in this order. */
size_t ddl_count(enum table_kind table);

/* Appends one of them (index < ddl_count()), without a semicolon. */
void ddl_create(struct buf *out, const struct clickhouse_options *options, enum table_kind table, size_t index,
                uint32_t version);

/* Appends all of it as a script, each statement with its semicolon: what --print-ddl writes. */
void ddl_script(struct buf *out, const struct clickhouse_options *options, uint32_t version);

#endif
