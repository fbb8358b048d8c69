// SPDX-License-Identifier: Apache-2.0
/* The life of an exporter, once it is known what it is started with: it is opened, served with deliveries, told when to
 * end, and closed; the router and the master hear how it is. */
#ifndef MASQUES_EXPORTERS_COMMON_RUN_H
#define MASQUES_EXPORTERS_COMMON_RUN_H

#include "exporters/common/exporter.h"
#include "exporters/common/settings.h"

/* Runs until it ends. `options` is the exporter's struct, filled; all are borrowed, but the store's descriptor in the
 * settings. `spawned`: by the master, by child_begin(); otherwise by hand. Returns the exit code of the process. */
int run_exporter(const struct exporter_ops *ops, void *options, const struct exporter_settings *settings, bool spawned);

#endif
