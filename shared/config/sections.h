// SPDX-License-Identifier: Apache-2.0
/* The sections of a configuration file, each read into its part of struct config.
 * config_from_text() calls them in the order of this file. Each returns 0; GW_ERR_INVALID: said in
 * the reader's report; GW_ERR_NOMEM. */
#ifndef MASQUES_CONFIG_SECTIONS_H
#define MASQUES_CONFIG_SECTIONS_H

#include "shared/config/component.h"
#include "shared/config/config.h"
#include "shared/config/read.h"

#define SECTIONS_EXTENSIONS_MAX 16u

/* An exporter of the file, used or not. `config_exporter.signals` gathers its pipelines. */
struct section_exporter {
    struct config_exporter exporter;
    struct place at;
};

/* What the sections tell each other. */
struct sections {
    struct config *config;
    const struct yaml_node *root;
    struct section_exporter *exporters; /* owned */
    size_t exporter_count;
    struct config_health *extensions; /* owned; health checks, configured */
    size_t extension_count;
};

/* Top-level keys, and those sections that must be empty. */
int sections_check(struct reader *r, const struct sections *s) GW_MUST_CHECK;

/* masques, service::telemetry. */
int sections_settings(struct reader *r, struct sections *s) GW_MUST_CHECK;

/* receivers, exporters, extensions: every component that is configured. */
int sections_receivers(struct reader *r, struct sections *s) GW_MUST_CHECK;
int sections_exporters(struct reader *r, struct sections *s) GW_MUST_CHECK;
int sections_extensions(struct reader *r, struct sections *s) GW_MUST_CHECK;

/* service::extensions, service::pipelines: what of it is used, by whom. */
int sections_service(struct reader *r, struct sections *s) GW_MUST_CHECK;

/* What options demand of each other. */
int sections_agree(struct reader *r, struct sections *s) GW_MUST_CHECK;

void sections_free(struct sections *s);

#endif
