// SPDX-License-Identifier: Apache-2.0
/* The ClickHouse exporter: deliveries become works (exporters/clickhouse/work.h), side by side; what hinders them is
 * told to the host. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_INSERT_H
#define MASQUES_EXPORTERS_CLICKHOUSE_INSERT_H

#include "exporters/common/delivery.h"
#include "shared/base/log.h"
#include "shared/base/loop.h"
#include "shared/config/clickhouse_options.h"

struct insert;

/* Writing fails, or (NULL) works; what is only worth knowing is not `degraded`. */
typedef void (*insert_trouble_fn)(void *ctx, const char *error, bool degraded);

/* All is borrowed; `options` were checked. No server is asked before there is something to write. Returns owned; NULL
 * with *why set. */
struct insert *insert_new(struct loop *loop, const struct clickhouse_options *options,
                          const struct log *log, insert_trouble_fn trouble, void *ctx, const char **why);
/* Deliveries without a verdict stay their owner's. */
void insert_free(struct insert **insert);

/* exporter_ops.push, .cancel and .progressed */
void insert_push(struct insert *insert, struct delivery *delivery);
void insert_cancel(struct insert *insert, struct delivery *delivery);
void insert_progressed(struct insert *insert, struct delivery *delivery);

#endif
