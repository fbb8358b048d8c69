// SPDX-License-Identifier: Apache-2.0
/* The option rows of the ClickHouse exporter, for the table of exporters. */
#ifndef MASQUES_CONFIG_CLICKHOUSE_ROWS_H
#define MASQUES_CONFIG_CLICKHOUSE_ROWS_H

#include "shared/config/option.h"

#define CLICKHOUSE_ROWS 30u

extern const struct option clickhouse_rows[CLICKHOUSE_ROWS];

#endif
