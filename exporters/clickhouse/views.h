// SPDX-License-Identifier: Apache-2.0
/* The views for Claude Code (deploy/clickhouse/claude_code.sql, which is part of the program) as statements for a
 * configuration's names: database, tables, cluster. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_VIEWS_H
#define MASQUES_EXPORTERS_CLICKHOUSE_VIEWS_H

#include "shared/base/buf.h"
#include "shared/config/clickhouse_options.h"

/* Appends all of them as a script. */
void views_script(struct buf *out, const struct clickhouse_options *options);

/* The same for any script (borrowed): the names of tables that stand in it are the default ones, and views begin with
 * "claude_code_". Texts in quotes and comments stay what they are. */
void views_rename(struct buf *out, const struct clickhouse_options *options, struct slice script);

#endif
