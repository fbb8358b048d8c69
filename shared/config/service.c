// SPDX-License-Identifier: Apache-2.0
/* The section `service`: which of the configured components run, and what flows through them. */
#include "shared/config/sections.h"

#include <stdlib.h>
#include <string.h>

struct signal_name {
    const char *name;
    enum config_signal signal;
};

static const struct signal_name signals[] = {
    {"logs", CONFIG_LOGS},
    {"metrics", CONFIG_METRICS},
    {"traces", CONFIG_TRACES},
};

#define SIGNALS (sizeof signals / sizeof signals[0])

static struct names names_of(const char *const *list, size_t count)
{
    struct names names = {.count = 0};
    for (size_t i = 0; i < count; i++)
        names_add(&names, slice_of(list[i]));
    return names;
}

/* A reference to a component that must be configured. */
static int read_reference(struct reader *r, const struct yaml_node *node, const char *noun,
                          struct component_id *id)
{
    if (component_id_parse(node->text, id) < 0)
        return read_error(r, node, "%s is no valid %s id; it is TYPE or TYPE/NAME",
                          report_quote(node->text).text, noun);
    return 0;
}

static int not_configured(struct reader *r, const struct yaml_node *node, const char *noun,
                          const struct component_id *id)
{
    return read_error(r, node, "references %s \"%s\" which is not configured", noun, id->text);
}

/* ---- extensions ---- */

static int enable_health(struct reader *r, struct sections *s, const struct yaml_node *node,
                         const struct config_health *wanted)
{
    struct config_health *health = &s->config->health;
    if (health->enabled)
        return read_error(r, node, "a second health check; this version has one, here \"%s\"",
                          health->id);
    *health = *wanted;
    health->enabled = true;
    return 0;
}

static int enable_extension(struct reader *r, struct sections *s, const struct yaml_node *node)
{
    struct component_id id;
    int rc = read_reference(r, node, "extension", &id);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < s->extension_count; i++) {
        struct section_extension *x = &s->extensions[i];
        if (strcmp(x->health.id, id.text) != 0)
            continue;
        x->listed = true;
        return x->is_storage ? 0 : enable_health(r, s, node, &x->health);
    }
    return not_configured(r, node, "extension", &id);
}

static int read_extensions(struct reader *r, struct sections *s, const struct yaml_node *list)
{
    size_t before = trail_push(&r->trail, slice_of("extensions"));
    int rc = read_is_list(r, list);
    for (size_t i = 0; rc == 0 && i < list->count; i++)
        rc = enable_extension(r, s, list->entries[i].value);
    trail_cut(&r->trail, before);
    return rc;
}

/* ---- pipelines ---- */

/* A pipeline while it is read. The reader's trail names it. */
struct pipeline {
    const struct yaml_node *key;
    const struct yaml_node *map;
    uint32_t bit; /* of its signal */
    const struct config_batch *batch; /* of its batch processor, or NULL */
};

/* One of its lists, or NULL where it is not written or empty. */
static int pipeline_list(struct reader *r, const struct pipeline *p, const char *name,
                         const struct yaml_node **list)
{
    *list = yaml_find(p->map, name);
    if (!*list)
        return 0;
    size_t before = trail_push(&r->trail, slice_of(name));
    int rc = read_is_list(r, *list);
    trail_cut(&r->trail, before);
    if ((*list)->count == 0)
        *list = NULL;
    return rc;
}

static int pipeline_receivers(struct reader *r, struct sections *s, const struct pipeline *p)
{
    const struct yaml_node *list;
    int rc = pipeline_list(r, p, "receivers", &list);
    if (rc < 0)
        return rc;
    if (!list)
        return read_error(r, p->key, "must have at least one receiver");
    for (size_t i = 0; i < list->count; i++) {
        struct component_id id;
        const struct yaml_node *item = list->entries[i].value;
        rc = read_reference(r, item, "receiver", &id);
        if (rc == 0 && strcmp(id.text, s->config->otlp.id) != 0)
            rc = not_configured(r, item, "receiver", &id);
        if (rc == 0 && i > 0)
            rc = read_error(r, item, "references receiver \"%s\" multiple times", id.text);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static struct processor *processor_of(struct sections *s, const char *id)
{
    for (size_t i = 0; i < s->processor_count; i++)
        if (strcmp(s->processors[i].id, id) == 0)
            return &s->processors[i];
    return NULL;
}

/* A memory limiter in use: the least limit counts. */
static int use_limiter(struct reader *r, struct sections *s, const struct processor *p)
{
    uint64_t limit = p->limiter.limit_bytes;
    struct trail trail = {.len = 0};
    if (limit > 0 && (s->memory_limit_bytes == 0 || limit < s->memory_limit_bytes)) {
        s->memory_limit_bytes = limit;
        s->memory_limit_at = p->at;
    }
    if (limit > 0)
        return 0;
    trail_push(&trail, slice_of("processors"));
    trail_push(&trail, slice_of(p->id));
    return report_warning(r->report, p->at, trail.text,
                          "limit_percentage has no effect; limit_mib or masques::limits::ledger "
                          "bounds the memory of a worker");
}

/* Looks the processors up; the last batch processor of the pipeline forms what comes out of it. */
static int pipeline_processors(struct reader *r, struct sections *s, struct pipeline *p)
{
    const struct yaml_node *list;
    bool seen[SECTIONS_PROCESSORS_MAX] = {false};
    int rc = pipeline_list(r, p, "processors", &list);
    for (size_t i = 0; rc == 0 && list && i < list->count; i++) {
        struct component_id id;
        const struct yaml_node *item = list->entries[i].value;
        rc = read_reference(r, item, "processor", &id);
        if (rc < 0)
            return rc;
        const struct processor *processor = processor_of(s, id.text);
        if (!processor)
            return not_configured(r, item, "processor", &id);
        if (seen[processor - s->processors])
            return read_error(r, item, "references processor \"%s\" multiple times", id.text);
        seen[processor - s->processors] = true;
        if (processor->is_batch)
            p->batch = &processor->batch.batch;
        else
            rc = use_limiter(r, s, processor);
    }
    return rc;
}

static bool same_batch(const struct config_batch *a, const struct config_batch *b)
{
    return a->timeout_ns == b->timeout_ns && a->min_size == b->min_size &&
           a->max_size == b->max_size;
}

/* An exporter forms its deliveries in one way for all of its pipelines. */
static int use_batch(struct reader *r, const struct yaml_node *item, const struct pipeline *p,
                     struct section_exporter *e)
{
    if (!p->batch || e->exporter.delivery.batch.enabled)
        return 0;
    if (e->batch.enabled && !same_batch(&e->batch, p->batch))
        return report_warning(r->report, item->at, r->trail.text,
                              "the batch processor of an earlier pipeline forms the deliveries of "
                              "exporter \"%s\" here as well",
                              e->exporter.id);
    e->batch = *p->batch;
    return 0;
}

static struct section_exporter *exporter_of(struct sections *s, const char *id)
{
    for (size_t i = 0; i < s->exporter_count; i++)
        if (strcmp(s->exporters[i].exporter.id, id) == 0)
            return &s->exporters[i];
    return NULL;
}

static int pipeline_exporters(struct reader *r, struct sections *s, const struct pipeline *p)
{
    const struct yaml_node *list;
    bool seen[CONFIG_EXPORTERS_MAX] = {false};
    int rc = pipeline_list(r, p, "exporters", &list);
    if (rc < 0)
        return rc;
    if (!list)
        return read_error(r, p->key, "must have at least one exporter");
    for (size_t i = 0; i < list->count; i++) {
        struct component_id id;
        const struct yaml_node *item = list->entries[i].value;
        rc = read_reference(r, item, "exporter", &id);
        if (rc < 0)
            return rc;
        struct section_exporter *e = exporter_of(s, id.text);
        if (!e)
            return not_configured(r, item, "exporter", &id);
        if (seen[e - s->exporters])
            return read_error(r, item, "references exporter \"%s\" multiple times", id.text);
        seen[e - s->exporters] = true;
        e->exporter.signals |= p->bit;
        rc = use_batch(r, item, p, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* "logs", "traces/claude": what stands before the "/". */
static int pipeline_signal(struct reader *r, struct pipeline *p)
{
    struct component_id id;
    struct names names = {.count = 0};
    if (component_id_parse(p->key->text, &id) < 0)
        return read_error(r, p->key, "no valid id; it is SIGNAL or SIGNAL/NAME");
    for (size_t i = 0; i < SIGNALS; i++) {
        if (slice_is(component_type(&id), signals[i].name)) {
            p->bit = 1u << signals[i].signal;
            return 0;
        }
        names_add(&names, slice_of(signals[i].name));
    }
    struct buf text = buf_make(256);
    names_print(&names, component_type(&id), &text);
    int rc = read_error(r, p->key, "unknown signal; %.*s", (int)text.len, (const char *)text.data);
    buf_free(&text);
    return rc;
}

static int read_pipeline(struct reader *r, struct sections *s, const struct yaml_entry *entry)
{
    static const char *const known[] = {"receivers", "processors", "exporters"};
    const struct names names = names_of(known, sizeof known / sizeof known[0]);
    struct pipeline p = {.key = entry->key, .map = entry->value};
    int rc = pipeline_signal(r, &p);
    if (rc == 0)
        rc = read_is_map(r, p.map);
    if (rc == 0)
        rc = read_only_keys(r, p.map, &names);
    if (rc == 0)
        rc = pipeline_receivers(r, s, &p);
    if (rc == 0)
        rc = pipeline_processors(r, s, &p);
    return rc < 0 ? rc : pipeline_exporters(r, s, &p);
}

static int read_pipelines(struct reader *r, struct sections *s, const struct yaml_node *map,
                          struct place at)
{
    size_t before = trail_push(&r->trail, slice_of("pipelines"));
    int rc = map ? read_is_map(r, map) : 0;
    if (rc == 0 && (!map || map->count == 0))
        rc = report_error(r->report, at, r->trail.text, "service must have at least one pipeline");
    for (size_t i = 0; rc == 0 && i < map->count; i++) {
        size_t inside = trail_push(&r->trail, map->entries[i].key->text);
        rc = read_pipeline(r, s, &map->entries[i]);
        trail_cut(&r->trail, inside);
    }
    trail_cut(&r->trail, before);
    return rc;
}

/* ---- the outcome ---- */

/* The exporters that some pipeline names go into the configuration; the others are spoken of. */
static int keep_used(struct reader *r, struct sections *s)
{
    struct config *config = s->config;
    config->exporters = calloc(s->exporter_count, sizeof *config->exporters);
    if (!config->exporters)
        return GW_ERR_NOMEM;
    for (size_t i = 0; i < s->exporter_count; i++) {
        const struct section_exporter *e = &s->exporters[i];
        if (e->exporter.signals) {
            struct config_exporter *kept = &config->exporters[config->exporter_count++];
            *kept = e->exporter;
            if (e->batch.enabled)
                kept->delivery.batch = e->batch;
            continue;
        }
        struct trail trail = {.len = 0};
        trail_push(&trail, slice_of("exporters"));
        trail_push(&trail, slice_of(e->exporter.id));
        int rc = report_warning(r->report, e->at, trail.text,
                                "no pipeline uses this exporter; it is not started");
        if (rc < 0)
            return rc;
    }
    return 0;
}

int sections_service(struct reader *r, struct sections *s)
{
    static const char *const known[] = {"extensions", "pipelines", "telemetry"};
    static const struct yaml_node nothing = {.kind = YAML_NULL};
    const struct names names = names_of(known, sizeof known / sizeof known[0]);
    const struct yaml_node *service = yaml_find(s->root, "service");
    const struct yaml_node *map = service ? service : &nothing;
    const struct yaml_node *extensions = yaml_find(map, "extensions");
    struct place at = {1, 1};
    for (size_t i = 0; i < s->root->count; i++)
        if (s->root->entries[i].value == service)
            at = s->root->entries[i].key->at;
    trail_push(&r->trail, slice_of("service"));
    int rc = read_is_map(r, map);
    if (rc == 0)
        rc = read_only_keys(r, map, &names);
    if (rc == 0)
        rc = read_extensions(r, s, extensions ? extensions : &nothing);
    if (rc == 0)
        rc = read_pipelines(r, s, yaml_find(map, "pipelines"), at);
    trail_cut(&r->trail, 0);
    return rc < 0 ? rc : keep_used(r, s);
}
