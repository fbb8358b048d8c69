// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/fixed.h"

#include <string.h>

#define VALUE_BYTES 65536u

static void name(struct buf *changed, const char *where, const char *path)
{
    buf_printf(changed, "%s%s%s%s", changed->len ? ", " : "", where, path[0] ? "::" : "", path);
}

/* One row: `before` and `after` are the structs that its set belongs to. */
static int keep_row(const struct option_set *set, const struct option *row, const void *before, void *after,
                    struct buf *changed)
{
    struct buf old = buf_make(VALUE_BYTES);
    struct buf new = buf_make(VALUE_BYTES);
    int err = GW_OK;
    option_print(row, before, &old);
    option_print(row, after, &new);
    if (!buf_ok(&old) || !buf_ok(&new)) {
        err = GW_ERR_NOMEM;
    } else if (!slice_eq(buf_slice(&old), buf_slice(&new))) {
        name(changed, set->where, row->path);
        err = option_read(row, buf_slice(&old), after);
    }
    buf_free(&old);
    buf_free(&new);
    return err;
}

static int keep_set(const struct option_set *set, const void *before, void *after, struct buf *changed)
{
    int err = GW_OK;
    for (size_t i = 0; err == GW_OK && i < set->count; i++)
        if (!set->rows[i].reloadable)
            err = keep_row(set, &set->rows[i], before, after, changed);
    return err;
}

static void keep_switch(bool before, bool *after, const char *path, struct buf *changed)
{
    if (before == *after)
        return;
    name(changed, path, "");
    *after = before;
}

int fixed_keep(const struct config *running, struct config *next, struct buf *changed)
{
    keep_switch(running->otlp.grpc.enabled, &next->otlp.grpc.enabled, "receivers::otlp::protocols::grpc", changed);
    keep_switch(running->otlp.http.enabled, &next->otlp.http.enabled, "receivers::otlp::protocols::http", changed);
    keep_switch(running->health.enabled, &next->health.enabled, "extensions::health_check", changed);
    keep_switch(running->metrics.enabled, &next->metrics.enabled, "service::telemetry::metrics", changed);
    int err = keep_set(config_otlp_options(), &running->otlp, &next->otlp, changed);
    if (err == GW_OK)
        err = keep_set(config_health_options(), &running->health, &next->health, changed);
    if (err == GW_OK)
        err = keep_set(config_metrics_options(), &running->metrics, &next->metrics, changed);
    if (err == GW_OK)
        err = keep_set(config_masques_options(), &running->masques, &next->masques, changed);
    return err == GW_OK && buf_ok(changed) ? GW_OK : GW_ERR_NOMEM;
}
