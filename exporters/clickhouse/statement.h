// SPDX-License-Identifier: Apache-2.0
/* The address of a request: server, statement and settings. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_STATEMENT_H
#define MASQUES_EXPORTERS_CLICKHOUSE_STATEMENT_H

#include "exporters/clickhouse/row.h"
#include "shared/base/buf.h"
#include "shared/config/clickhouse_options.h"

#define STATEMENT_MAX_BYTES (64u * 1024)

/* Appends the address for an INSERT into the table, whose body is Native; `token` empty: without one. NUL-terminated.
 * The settings are those that keep an insert one block and its token in force, whatever the user's profile says;
 * then those of connection_params. */
void statement_insert(const char *host_url, const struct clickhouse_options *options,
                      enum table_kind kind, struct slice token, struct buf *out);

/* Appends the address for a statement that is the request's body. NUL-terminated. */
void statement_query(const char *host_url, const struct clickhouse_options *options, struct buf *out);

#endif
