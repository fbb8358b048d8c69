// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/token.h"

#include <inttypes.h>

#include "shared/otlp/signal.h"

void token_write(const Masques__Bus__DeliveryId *id, const char *database, const char *table,
                 const struct token_range *range, struct buf *out)
{
    buf_hex(out, slice_make(id->store.data, id->store.len));
    buf_printf(out, "/%" PRIu64 "/%s/%" PRIu64 "-%" PRIu64 "/%s/", (uint64_t)id->generation,
               otlp_signal_name((enum otlp_signal)id->signal), (uint64_t)id->first,
               (uint64_t)id->last, id->exporter);
    buf_printf(out, "%s.%s/%" PRIu32 "/%" PRIu64 "-%" PRIu64, database, table, range->day,
               range->first, range->last);
    if (range->span)
        buf_printf(out, ":%" PRIu32 "+%" PRIu32, range->position, range->span);
    buf_printf(out, "/%" PRIu32, range->plan_version);
}
