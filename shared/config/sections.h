// SPDX-License-Identifier: Apache-2.0
/* The sections of a configuration file, each read into its part of struct config.
 * config_from_text() calls them in the order of this file. Each returns 0; GW_ERR_INVALID: said in
 * the reader's report; GW_ERR_NOMEM. */
#ifndef MASQUES_CONFIG_SECTIONS_H
#define MASQUES_CONFIG_SECTIONS_H

#include "shared/config/component.h"
#include "shared/config/config.h"
#include "shared/config/processor.h"
#include "shared/config/read.h"

#define SECTIONS_EXTENSIONS_MAX 16u
#define SECTIONS_PROCESSORS_MAX 64u

/* An exporter of the file, used or not. `config_exporter.signals` gathers its pipelines. */
struct section_exporter {
    struct config_exporter exporter;
    struct place at;
    struct config_batch batch; /* of the first pipeline that has a batch processor */
};

/* An extension of the file: one of the two. */
struct section_extension {
    bool is_storage;
    bool listed; /* service::extensions has it */
    struct place at;
    struct config_health health;
    struct config_file_storage storage;
};

/* What the sections tell each other. */
struct sections {
    struct config *config;
    const struct yaml_node *root;
    struct section_exporter *exporters; /* owned */
    size_t exporter_count;
    struct section_extension *extensions; /* owned */
    size_t extension_count;
    struct processor *processors; /* owned */
    size_t processor_count;
    uint64_t memory_limit_bytes; /* the least of the memory limiters in use; 0: none */
    struct place memory_limit_at;
};

/* Top-level keys, and those sections that must be empty. */
int sections_check(struct reader *r, const struct sections *s) GW_MUST_CHECK;

/* masques, service::telemetry. */
int sections_settings(struct reader *r, struct sections *s) GW_MUST_CHECK;
int sections_telemetry(struct reader *r, struct sections *s) GW_MUST_CHECK;

/* receivers, processors, exporters, extensions: every component that is configured. */
int sections_receivers(struct reader *r, struct sections *s) GW_MUST_CHECK;
int sections_processors(struct reader *r, struct sections *s) GW_MUST_CHECK;
int sections_exporters(struct reader *r, struct sections *s) GW_MUST_CHECK;
int sections_extensions(struct reader *r, struct sections *s) GW_MUST_CHECK;

/* service::extensions, service::pipelines: what of it is used, by whom. */
int sections_service(struct reader *r, struct sections *s) GW_MUST_CHECK;

/* The storage that exporters name, as the place of the one store. */
int sections_storage(struct reader *r, struct sections *s) GW_MUST_CHECK;

/* What options demand of each other. */
int sections_agree(struct reader *r, struct sections *s) GW_MUST_CHECK;

/* The endpoints that are listened on: no two the same. */
int sections_endpoints(struct reader *r, struct sections *s) GW_MUST_CHECK;

/* ---- for the readers of sections ---- */

/* The value under a key; a null node where there is none. */
const struct yaml_node *sections_find(const struct yaml_node *map, const char *key);

/* Opens a section: the trail then names it. */
int sections_open(struct reader *r, const struct sections *s, const char *name,
                  const struct yaml_node **section) GW_MUST_CHECK;

/* Opens a component of a section: its key as an id, of a type that exists. The trail then names
 * it. */
int sections_component(struct reader *r, enum component_kind kind, const struct yaml_entry *entry,
                       struct component_id *id) GW_MUST_CHECK;

void sections_free(struct sections *s);

#endif
