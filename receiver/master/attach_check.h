// SPDX-License-Identifier: Apache-2.0
/* What masquesctl wants attached, judged before anything is started: pure, no process and no file is touched. */
#ifndef MASQUES_MASTER_ATTACH_CHECK_H
#define MASQUES_MASTER_ATTACH_CHECK_H

#include <masques/control.pb-c.h>

#include "shared/config/config.h"

/* Resolves it as the configuration resolves an exporter: name ("type" or "type/name"), type, signals, mode, start and
 * options, those that are not given at their defaults. Copies. 0; GW_ERR_INVALID with one sentence in `why`. */
int attach_check(const Masques__Control__Attached *wanted, struct config_exporter *out, char why[512])
    GW_MUST_CHECK;

#endif
