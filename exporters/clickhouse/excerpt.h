// SPDX-License-Identifier: Apache-2.0
/* One record of a batch as a request of its own, with what stands around it: for dead letters. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_EXCERPT_H
#define MASQUES_EXPORTERS_CLICKHOUSE_EXCERPT_H

#include "shared/otlp/value.h"

/* Appends an Export*ServiceRequest with just that record; several of them one behind the other are one, too. 0;
 * GW_ERR_NOMEM, GW_ERR_TOO_LARGE: `out` may end in a part of it. */
int excerpt_append(enum otlp_signal signal, const struct otlp_record *record, struct buf *out) GW_MUST_CHECK;

#endif
