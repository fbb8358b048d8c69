// SPDX-License-Identifier: Apache-2.0
/* What the collector calls `sending_queue` and `retry_on_failure`, of every exporter: the table of
 * its options, and what they demand of each other. */
#ifndef MASQUES_CONFIG_DELIVERY_H
#define MASQUES_CONFIG_DELIVERY_H

#include "shared/config/config.h"
#include "shared/config/read.h"

#define DELIVERY_CONSUMERS_MAX 32u /* more of them are not in flight at a time */

/* Completes what was read from an exporter's map (borrowed; the reader's trail names it): what the
 * keys themselves mean, what the keys have to do with each other, what has no meaning here; `lossy`:
 * of an exporter that holds nothing back. 0; GW_ERR_INVALID: said; GW_ERR_NOMEM. */
int delivery_settle(struct reader *r, const struct yaml_node *exporter, bool lossy,
                    struct config_delivery *delivery) GW_MUST_CHECK;

#endif
