// SPDX-License-Identifier: Apache-2.0
/* The resolved configuration as YAML, in the order of the option tables. */
#include "shared/base/json_text.h"
#include "shared/config/config.h"
#include "shared/config/pairs.h"

#include <string.h>

#define INDENT 2u

static void print_indent(struct buf *out, size_t level)
{
    for (size_t i = 0; i < level * INDENT; i++)
        buf_byte(out, ' ');
}

/* Texts are quoted as JSON, which is YAML; "$" is doubled, so that nothing in them is taken for a
 * reference. */
static void print_quoted(struct slice text, struct buf *out)
{
    struct buf doubled = buf_make(2 * text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        buf_byte(&doubled, text.data[i]);
        if (text.data[i] == '$')
            buf_byte(&doubled, '$');
    }
    if (!buf_ok(&doubled))
        out->failed = true;
    json_text_string(out, buf_slice(&doubled));
    buf_free(&doubled);
}

/* Numbers, choices and most endpoints need no quotes. */
static bool is_safe(const struct option *row, struct slice text)
{
    if (row->type == OPTION_TEXT || row->type == OPTION_URL_PATH)
        return false;
    return row->type != OPTION_ENDPOINT || text.data[0] != '[';
}

/* name=value&name=value as a map on one line. */
static void print_pairs(struct slice pairs, struct buf *out)
{
    struct slice name;
    struct buf value = buf_make(pairs.len + 1);
    const char *comma = "";
    int rc;
    buf_byte(out, '{');
    while ((rc = pairs_next(&pairs, &name, &value)) > 0) {
        buf_text(out, comma);
        buf_slice_append(out, name);
        buf_text(out, ": ");
        print_quoted(buf_slice(&value), out);
        comma = ", ";
    }
    buf_byte(out, '}');
    if (rc < 0)
        out->failed = true;
    buf_free(&value);
}

static void print_value(const struct option *row, const void *target, struct buf *out)
{
    struct buf text = buf_make(8192);
    option_shown(row, target, &text);
    if (!buf_ok(&text))
        out->failed = true;
    else if (row->type == OPTION_PAIRS)
        print_pairs(buf_slice(&text), out);
    else if (is_safe(row, buf_slice(&text)))
        buf_slice_append(out, buf_slice(&text));
    else
        print_quoted(buf_slice(&text), out);
    buf_free(&text);
}

/* How many keys, counted from the top, two paths share; a path's last key is never shared. */
static size_t shared_keys(const char *a, const char *b)
{
    size_t keys = 0;
    for (const char *end = strstr(a, "::"); end; end = strstr(end + 2, "::")) {
        size_t len = (size_t)(end - a) + 2;
        if (strncmp(a, b, len) != 0)
            break;
        keys++;
    }
    return keys;
}

/* "protocols::grpc::endpoint" as nested keys; those that `before` has opened are not repeated. */
static void print_keys(const char *path, const char *before, size_t level, struct buf *out)
{
    size_t open = shared_keys(path, before), key = 0;
    for (const char *end; (end = strstr(path, "::")); path = end + 2, key++) {
        if (key < open)
            continue;
        print_indent(out, level + key);
        buf_append(out, path, (size_t)(end - path));
        buf_text(out, ":\n");
    }
    print_indent(out, level + key);
    buf_text(out, path);
    buf_text(out, ": ");
}

/* Is the map there that the row lies in? */
static bool is_there(const struct option_set *set, const struct option *row, const void *target)
{
    const struct option *map = option_presence(set->rows, set->count, row);
    return !map || *(const bool *)((const char *)target + map->offset);
}

/* The rows whose path starts with `prefix`, but not with `without` ("": all of them); `*before` is
 * the path that was printed last at this level. A map that only counts when it is there has at least one row of its
 * own. */
static void print_some(const struct option_set *set, const char *prefix, const char *without,
                       const void *target, size_t level, const char **before, struct buf *out)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct option *row = &set->rows[i];
        if (strncmp(row->path, prefix, strlen(prefix)) != 0)
            continue;
        if (row->type == OPTION_PRESENCE || !is_there(set, row, target))
            continue;
        if (without[0] && strncmp(row->path, without, strlen(without)) == 0)
            continue;
        const char *path = row->path + strlen(prefix);
        print_keys(path, *before, level, out);
        print_value(row, target, out);
        buf_byte(out, '\n');
        *before = path;
    }
}

static void print_rows(const struct option_set *set, const char *prefix, const void *target,
                       size_t level, struct buf *out)
{
    const char *before = "";
    print_some(set, prefix, "", target, level, &before, out);
}

static void print_id(const char *id, struct buf *out)
{
    /* A name may hold what YAML gives a meaning to. */
    if (id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/-")] == '\0')
        buf_text(out, id);
    else
        json_text_string(out, slice_of(id));
}

/* An id as a key; what is below it follows. */
static void print_component(const char *id, struct buf *out)
{
    print_indent(out, 1);
    print_id(id, out);
    buf_text(out, ":\n");
}

static void print_receiver(const struct config_otlp *otlp, struct buf *out)
{
    const struct option_set *set = config_otlp_options();
    buf_text(out, "receivers:\n");
    print_component(otlp->id, out);
    buf_text(out, "    protocols:\n");
    if (otlp->grpc.enabled) {
        buf_text(out, "      grpc:\n");
        print_rows(set, "protocols::grpc::", otlp, 4, out);
    }
    if (otlp->http.enabled) {
        buf_text(out, "      http:\n");
        print_rows(set, "protocols::http::", otlp, 4, out);
    }
}

static void print_pipeline(const struct config *config, const char *name, enum config_signal signal,
                           struct buf *out)
{
    const char *comma = "";
    if (!(config_signals(config) & 1u << signal))
        return;
    buf_printf(out, "    %s:\n      receivers: [", name);
    print_id(config->otlp.id, out);
    buf_text(out, "]\n      exporters: [");
    for (size_t i = 0; i < config->exporter_count; i++) {
        if (!(config->exporters[i].signals & 1u << signal))
            continue;
        buf_text(out, comma);
        print_id(config->exporters[i].id, out);
        comma = ", ";
    }
    buf_text(out, "]\n");
}

static void print_exporter(const struct config_exporter *e, struct buf *out)
{
    const char *before = "";
    print_component(e->id, out);
    print_some(&e->kind->options, "", "", &e->options, 2, &before, out);
    print_some(config_delivery_options(), "", e->delivery.batch.enabled ? "" : "sending_queue::batch::",
               &e->delivery, 2, &before, out);
}

static void print_extensions(const struct config *config, struct buf *out)
{
    if (config->health.enabled || config->file_storage.enabled)
        buf_text(out, "extensions:\n");
    if (config->health.enabled) {
        print_component(config->health.id, out);
        print_rows(config_health_options(), "", &config->health, 2, out);
    }
    if (config->file_storage.enabled) {
        print_component(config->file_storage.id, out);
        print_rows(config_file_storage_options(), "", &config->file_storage, 2, out);
    }
}

static void print_service(const struct config *config, struct buf *out)
{
    const char *const used[] = {config->health.enabled ? config->health.id : NULL,
                                config->file_storage.enabled ? config->file_storage.id : NULL};
    buf_text(out, "service:\n");
    if (used[0] || used[1]) {
        buf_text(out, "  extensions: [");
        for (size_t i = 0; i < 2; i++) {
            if (i && used[0] && used[1])
                buf_text(out, ", ");
            if (used[i])
                print_id(used[i], out);
        }
        buf_text(out, "]\n");
    }
    buf_text(out, "  telemetry:\n");
    print_rows(config_metrics_options(), "", &config->metrics, 2, out);
    buf_text(out, "  pipelines:\n");
    print_pipeline(config, "logs", CONFIG_LOGS, out);
    print_pipeline(config, "metrics", CONFIG_METRICS, out);
    print_pipeline(config, "traces", CONFIG_TRACES, out);
}

void config_print(const struct config *config, struct buf *out)
{
    print_receiver(&config->otlp, out);
    buf_text(out, "exporters:\n");
    for (size_t i = 0; i < config->exporter_count; i++)
        print_exporter(&config->exporters[i], out);
    print_extensions(config, out);
    print_service(config, out);
    buf_text(out, "masques:\n");
    print_rows(config_masques_options(), "", &config->masques, 1, out);
}
