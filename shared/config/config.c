// SPDX-License-Identifier: Apache-2.0
#include "shared/config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/config/sections.h"

#define READ_BYTES 65536u

static const uint32_t all_signals = 1u << CONFIG_LOGS | 1u << CONFIG_METRICS | 1u << CONFIG_TRACES;

/* Every option at its default, and no components. */
static struct config *config_new(void)
{
    struct config *config = calloc(1, sizeof *config);
    if (!config)
        return NULL;
    const struct option_set *set = config_otlp_options();
    options_default(set->rows, set->count, &config->otlp);
    set = config_health_options();
    options_default(set->rows, set->count, &config->health);
    set = config_masques_options();
    options_default(set->rows, set->count, &config->masques);
    set = config_metrics_options();
    options_default(set->rows, set->count, &config->metrics);
    return config;
}

/* The components of a gateway that nobody configured. */
static int add_default_components(struct config *config)
{
    struct config_exporter *e = calloc(1, sizeof *e);
    if (!e)
        return GW_ERR_NOMEM;
    strcpy(e->id, "debug");
    e->kind = exporter_kind_find(slice_of("debug"));
    e->signals = all_signals;
    options_default(e->kind->options.rows, e->kind->options.count, &e->options);
    const struct option_set *set = config_delivery_options();
    options_default(set->rows, set->count, &e->delivery);
    config->exporters = e;
    config->exporter_count = 1;
    strcpy(config->otlp.id, "otlp");
    config->otlp.grpc.enabled = true;
    config->otlp.http.enabled = true;
    strcpy(config->health.id, "health_check");
    config->health.enabled = true;
    return 0;
}

struct config *config_default(void)
{
    struct config *config = config_new();
    if (config && add_default_components(config) < 0)
        config_free(&config);
    return config;
}

void config_free(struct config **config)
{
    if (!*config)
        return;
    for (size_t i = 0; i < (*config)->warning_count; i++)
        free((*config)->warnings[i]);
    free((*config)->warnings);
    free((*config)->exporters);
    free(*config);
    *config = NULL;
}

uint32_t config_signals(const struct config *config)
{
    uint32_t signals = 0;
    for (size_t i = 0; i < config->exporter_count; i++)
        signals |= config->exporters[i].signals;
    return signals;
}

/* ---- reading ---- */

/* Does the file name components, or does it only hold settings of ours? */
static bool has_components(const struct yaml_node *root)
{
    static const char *const sections[] = {"receivers", "processors", "exporters", "extensions",
                                           "service"};
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        if (yaml_find(root, sections[i]))
            return true;
    return false;
}

static int read_sections(struct reader *r, struct sections *s)
{
    static int (*const components[])(struct reader *, struct sections *) = {
        sections_receivers, sections_processors, sections_exporters,
        sections_extensions, sections_service,   sections_storage,
    };
    int rc = sections_check(r, s);
    if (rc == 0)
        rc = sections_telemetry(r, s);
    if (rc == 0)
        rc = sections_settings(r, s);
    if (rc == 0 && !has_components(s->root))
        rc = add_default_components(s->config);
    else
        for (size_t i = 0; rc == 0 && i < sizeof components / sizeof components[0]; i++)
            rc = components[i](r, s);
    if (rc == 0)
        rc = sections_agree(r, s);
    return rc < 0 ? rc : sections_endpoints(r, s);
}

static int read_text(struct slice text, expand_lookup lookup, void *context,
                     struct report *report, struct config *config)
{
    struct yaml_doc doc = {0};
    struct reader reader = {.report = report};
    struct sections sections = {.config = config};
    int rc = yaml_read(&doc, text, report);
    if (rc == 0)
        rc = expand_document(&doc, lookup, context, report);
    if (rc == 0) {
        sections.root = doc.root;
        rc = read_sections(&reader, &sections);
    }
    sections_free(&sections);
    yaml_free(&doc);
    return rc;
}

int config_from_text(const char *name, struct slice text, expand_lookup lookup, void *context,
                     struct config **out, struct config_error *err)
{
    struct report report = {.file = name, .error = err};
    struct config *config = config_new();
    *err = (struct config_error){.line = 0};
    *out = NULL;
    int rc = config ? read_text(text, lookup, context, &report, config) : GW_ERR_NOMEM;
    if (rc < 0) {
        if (!err->text[0])
            snprintf(err->text, sizeof err->text, "%s: %s", name, gw_strerror(rc));
        report_free(&report);
        config_free(&config);
        return rc;
    }
    config->warnings = report.warnings;
    config->warning_count = report.warning_count;
    *out = config;
    return 0;
}

/* Reads to the end, so that a pipe is as good as a file; one byte more than allowed is enough to
 * refuse it. */
static int read_file(const char *path, struct buf *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;
    if (fd < 0)
        return GW_ERR_IO;
    do {
        uint8_t *at = buf_reserve(text, READ_BYTES);
        if (!at) {
            close(fd);
            return GW_ERR_NOMEM;
        }
        n = read(fd, at, READ_BYTES);
        if (n > 0)
            text->len += (size_t)n;
    } while ((n > 0 && text->len <= YAML_BYTES_MAX) || (n < 0 && errno == EINTR));
    int saved = errno;
    close(fd);
    errno = saved;
    return n < 0 ? GW_ERR_IO : 0;
}

static const char *from_environment(void *context, const char *name)
{
    (void)context;
    return getenv(name);
}

int config_load(const char *path, struct config **out, struct config_error *err)
{
    struct buf text = buf_make(YAML_BYTES_MAX + 2 * READ_BYTES);
    *out = NULL;
    int rc = read_file(path, &text);
    if (rc == 0) {
        rc = config_from_text(path, buf_slice(&text), from_environment, NULL, out, err);
    } else {
        *err = (struct config_error){.line = 0};
        snprintf(err->text, sizeof err->text, "%s: %s", path,
                 rc == GW_ERR_IO ? strerror(errno) : gw_strerror(rc));
    }
    buf_free(&text);
    return rc;
}
