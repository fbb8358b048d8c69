// SPDX-License-Identifier: Apache-2.0
/* What a running gateway cannot change: the settings whose option rows are not `reloadable`. Pure. */
#ifndef MASQUES_MASTER_FIXED_H
#define MASQUES_MASTER_FIXED_H

#include "shared/config/config.h"

/* Sets what cannot change in `next` back to what `running` has, and appends the paths of those that were different,
 * separated by ", ". 0; GW_ERR_NOMEM: `next` is of no use. */
int fixed_keep(const struct config *running, struct config *next, struct buf *changed) GW_MUST_CHECK;

#endif
