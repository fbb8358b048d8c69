// SPDX-License-Identifier: Apache-2.0
/* What is known of the tables on each server: which of our columns they have, whether and where they remember tokens.
 * Asked for when it is first needed, when the server's words make it doubtful, and every few minutes; tables that are
 * missing are created where that is wanted. Nothing is asked at start: a server may be down then, or empty. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_CATALOG_H
#define MASQUES_EXPORTERS_CLICKHOUSE_CATALOG_H

#include "exporters/clickhouse/answer.h"
#include "exporters/clickhouse/hosts.h"
#include "exporters/clickhouse/table.h"
#include "shared/base/log.h"
#include "shared/config/clickhouse_options.h"

#define CATALOG_FRESH_MS (5u * 60 * 1000) /* after that it is asked again */

/* Somebody who waits for a look: `table` is there and borrowed, or NULL and `answer` says why. */
struct catalog_wait {
    void (*done)(void *ctx, const struct table *table, const struct answer *answer);
    void *ctx;
    struct catalog_wait *next; /* the catalog's; as is `at` */
    struct catalog_wait **at;  /* NULL: it does not wait */
};

struct catalog;

/* Everything is borrowed for its life. Returns owned; NULL: no memory. */
struct catalog *catalog_new(struct loop *loop, struct client *client, const struct hosts *hosts,
                            const struct clickhouse_options *options, const struct log *log);
/* Those who wait are forgotten. */
void catalog_free(struct catalog **catalog);

/* The table, if it is known and fresh enough; NULL otherwise. Borrowed until the next turn. */
const struct table *catalog_get(struct catalog *catalog, size_t host, enum table_kind kind);
/* What is known is not to be trusted any more. */
void catalog_doubt(struct catalog *catalog, size_t host, enum table_kind kind);

/* Looks, or joins a look that is under way. `wait`, with done and ctx set, is the caller's and stays where it is until
 * done() was called (never from inside) or catalog_forget(). With `columns` an empty block is sent to the table as well:
 * when it is refused as rows would be, it is not the rows, and done() hears that as ANSWER_HOLD. 0; GW_ERR_NOMEM. */
int catalog_look(struct catalog *catalog, size_t host, enum table_kind kind, bool columns,
                 struct catalog_wait *wait) GW_MUST_CHECK;
void catalog_forget(struct catalog_wait *wait);

/* Is there a table that was looked at and does not remember tokens? Its kind, or TABLE_KINDS. */
enum table_kind catalog_forgetful(const struct catalog *catalog);

#endif
