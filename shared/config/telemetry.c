// SPDX-License-Identifier: Apache-2.0
/* service::telemetry: the gateway's own log and metrics. */
#include "shared/config/sections.h"

#include <string.h>

/* What one reader of the newer form holds (the collector's `pull::exporter::prometheus`). The
 * without_* say how the collector names its metrics; ours have the names that it gives them by
 * default, whatever stands there. */
struct pull {
    char host[ENDPOINT_HOST_BYTES];
    uint32_t port;
    bool without_scope_info;
    bool without_type_suffix;
    bool without_units;
};

#define PULL(name, member)                                                                        \
    .path = "pull::exporter::prometheus::" name, .offset = offsetof(struct pull, member)
#define WITHOUT(name, member)                                                                     \
    {PULL(name, member), .type = OPTION_BOOL, .initial = "true",                                  \
     .idle = "the metrics have the names that the collector gives them by default",               \
     .help = "Has no meaning here."}

static const struct option pull_rows[] = {
    {PULL("host", host), .type = OPTION_TEXT, .max = ENDPOINT_HOST_BYTES - 1,
     .initial = "localhost", .help = "Host."},
    {PULL("port", port), .type = OPTION_NUMBER, .max = 65535, .initial = "8888", .help = "Port."},
    WITHOUT("without_scope_info", without_scope_info),
    WITHOUT("without_type_suffix", without_type_suffix),
    WITHOUT("without_units", without_units),
};

static const struct option_set pull_set = {"service::telemetry", pull_rows,
                                           sizeof pull_rows / sizeof pull_rows[0]};

static int set_endpoint(struct reader *r, const struct yaml_node *node, const struct pull *pull,
                        struct endpoint *endpoint)
{
    struct buf text = buf_make(ENDPOINT_HOST_BYTES + 16);
    bool bare = strchr(pull->host, ':') && pull->host[0] != '[';
    buf_printf(&text, bare ? "[%s]:%u" : "%s:%u", pull->host, pull->port);
    int rc = endpoint_parse(buf_slice(&text), endpoint);
    buf_free(&text);
    return rc < 0 ? read_error(r, node, "%s is no host", report_quote(slice_of(pull->host)).text)
                  : 0;
}

static int read_readers(struct reader *r, const struct yaml_node *readers,
                        struct config_metrics *metrics)
{
    struct pull pull;
    memset(&pull, 0, sizeof pull);
    if (readers->kind == YAML_NULL)
        return 0;
    if (readers->kind != YAML_LIST || readers->count != 1)
        return read_error(r, readers, "expected a list of one reader: "
                                      "{pull: {exporter: {prometheus: {host: HOST, port: PORT}}}}");
    const struct yaml_node *node = readers->entries[0].value;
    options_default(pull_set.rows, pull_set.count, &pull);
    int rc = read_options(r, node, &pull_set, &pull);
    if (rc < 0)
        return rc;
    const struct yaml_node *exporter = sections_find(sections_find(node, "pull"), "exporter");
    if (!yaml_find(exporter, "prometheus"))
        return read_error(r, node, "a reader is {pull: {exporter: {prometheus: {host: HOST, "
                                   "port: PORT}}}} here");
    return set_endpoint(r, node, &pull, &metrics->endpoint);
}

/* They are served where the section is there, unless it says that it wants none. */
static void settle(const struct yaml_node *section, struct config_metrics *metrics)
{
    if (section->kind == YAML_MAP && sections_find(section, "level")->kind == YAML_NULL)
        metrics->level = CONFIG_METRICS_NORMAL;
    metrics->enabled = metrics->level != CONFIG_METRICS_NONE;
}

int sections_telemetry(struct reader *r, struct sections *s)
{
    const struct yaml_node *telemetry =
        sections_find(sections_find(s->root, "service"), "telemetry");
    const struct yaml_node *metrics = sections_find(telemetry, "metrics");
    const struct read_part parts[] = {
        {config_telemetry_options(), &s->config->masques},
        {config_metrics_options(), &s->config->metrics},
    };
    trail_push(&r->trail, slice_of("service"));
    trail_push(&r->trail, slice_of("telemetry"));
    r->aside = "metrics::readers";
    int rc = read_parts(r, telemetry, parts, 2);
    r->aside = NULL;
    trail_push(&r->trail, slice_of("metrics::readers"));
    if (rc == 0)
        rc = read_readers(r, sections_find(metrics, "readers"), &s->config->metrics);
    if (rc == 0)
        settle(metrics, &s->config->metrics);
    trail_cut(&r->trail, 0);
    return rc;
}
