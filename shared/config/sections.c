// SPDX-License-Identifier: Apache-2.0
#include "shared/config/sections.h"

#include "shared/config/delivery.h"

#include <stdlib.h>
#include <string.h>

/* Stands for a section that is not there. */
static const struct yaml_node nothing = {.kind = YAML_NULL};

const struct yaml_node *sections_find(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = map ? yaml_find(map, key) : NULL;
    return node ? node : &nothing;
}

/* An error about the file's top or a section: at its key, or at the top where it has none. */
static struct place place_of_key(const struct yaml_node *root, const char *name)
{
    for (size_t i = 0; i < root->count; i++)
        if (slice_is(root->entries[i].key->text, name))
            return root->entries[i].key->at;
    return (struct place){1, 1};
}

/* There are no connectors: their section may stand in the file, but must be empty. */
static int check_empty(struct reader *r, const struct yaml_node *root, const char *name,
                       enum component_kind kind)
{
    const struct yaml_node *section = sections_find(root, name);
    size_t before = trail_push(&r->trail, slice_of(name));
    int rc = read_is_map(r, section);
    if (rc == 0 && section->count) {
        const struct yaml_node *key = section->entries[0].key;
        struct component_id id;
        trail_push(&r->trail, key->text);
        if (component_id_parse(key->text, &id) < 0)
            rc = read_error(r, key, "no valid id; it is TYPE or TYPE/NAME");
        else
            rc = component_check(kind, component_type(&id), r->report, key->at, r->trail.text);
    }
    trail_cut(&r->trail, before);
    return rc;
}

int sections_check(struct reader *r, const struct sections *s)
{
    static const char *const known[] = {"receivers", "processors", "exporters", "connectors",
                                        "extensions", "service", "masques"};
    struct names names = {.count = 0};
    if (s->root->kind == YAML_NULL)
        return read_error(r, s->root, "the file is empty");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        names_add(&names, slice_of(known[i]));
    int rc = read_is_map(r, s->root);
    if (rc == 0)
        rc = read_only_keys(r, s->root, &names);
    if (rc == 0)
        rc = check_empty(r, s->root, "connectors", COMPONENT_CONNECTOR);
    return rc;
}

int sections_settings(struct reader *r, struct sections *s)
{
    size_t before = trail_push(&r->trail, slice_of("masques"));
    int rc = read_options(r, sections_find(s->root, "masques"), config_masques_options(), &s->config->masques);
    trail_cut(&r->trail, before);
    return rc;
}

int sections_component(struct reader *r, enum component_kind kind, const struct yaml_entry *entry,
                       struct component_id *id)
{
    trail_push(&r->trail, entry->key->text);
    if (component_id_parse(entry->key->text, id) < 0)
        return read_error(r, entry->key, "no valid id; it is TYPE or TYPE/NAME");
    return component_check(kind, component_type(id), r->report, entry->key->at, r->trail.text);
}

int sections_open(struct reader *r, const struct sections *s, const char *name,
                  const struct yaml_node **section)
{
    *section = sections_find(s->root, name);
    trail_push(&r->trail, slice_of(name));
    return read_is_map(r, *section);
}

static int missing(struct reader *r, struct sections *s, const char *name, const char *noun)
{
    return report_error(r->report, place_of_key(s->root, name), name,
                        "no %s is configured; at least one is needed", noun);
}

/* ---- receivers ---- */

static int read_receiver(struct reader *r, struct sections *s, const struct yaml_entry *entry)
{
    struct component_id id;
    struct config_otlp *otlp = &s->config->otlp;
    int rc = sections_component(r, COMPONENT_RECEIVER, entry, &id);
    if (rc < 0)
        return rc;
    if (otlp->id[0])
        return read_error(r, entry->key,
                          "a second receiver; this version has exactly one, here \"%s\"", otlp->id);
    strcpy(otlp->id, id.text);
    rc = read_options(r, entry->value, config_otlp_options(), otlp);
    if (rc < 0)
        return rc;
    const struct yaml_node *protocols = sections_find(entry->value, "protocols");
    otlp->grpc.enabled = yaml_find(protocols, "grpc") != NULL;
    otlp->http.enabled = yaml_find(protocols, "http") != NULL;
    if (!otlp->grpc.enabled && !otlp->http.enabled)
        return read_error(r, entry->key,
                          "must specify at least one protocol when using the OTLP receiver "
                          "(\"protocols:\" with \"grpc:\", \"http:\" or both)");
    return 0;
}

int sections_receivers(struct reader *r, struct sections *s)
{
    const struct yaml_node *section;
    int rc = sections_open(r, s, "receivers", &section);
    size_t before = r->trail.len;
    for (size_t i = 0; rc == 0 && i < section->count; i++) {
        rc = read_receiver(r, s, &section->entries[i]);
        trail_cut(&r->trail, before);
    }
    trail_cut(&r->trail, 0);
    return rc == 0 && section->count == 0 ? missing(r, s, "receivers", "receiver") : rc;
}

/* ---- exporters ---- */

/* What its options demand of each other. */
static int check_exporter(struct reader *r, const struct yaml_entry *entry,
                          const struct config_exporter *exporter)
{
    struct buf why = buf_make(512);
    int rc = exporter->kind->check ? exporter->kind->check(&exporter->options, &why) : 0;
    if (rc < 0)
        rc = read_error(r, entry->key, "%.*s", (int)why.len, (const char *)why.data);
    buf_free(&why);
    return rc;
}

static int read_exporter(struct reader *r, struct sections *s, const struct yaml_entry *entry)
{
    struct component_id id;
    struct section_exporter *list, *e;
    int rc = sections_component(r, COMPONENT_EXPORTER, entry, &id);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < s->exporter_count; i++)
        if (strcmp(s->exporters[i].exporter.id, id.text) == 0)
            return read_error(r, entry->key, "the id \"%s\" is given twice", id.text);
    if (s->exporter_count == CONFIG_EXPORTERS_MAX)
        return read_error(r, entry->key, "more than %u exporters", CONFIG_EXPORTERS_MAX);
    list = realloc(s->exporters, (s->exporter_count + 1) * sizeof *list);
    if (!list)
        return GW_ERR_NOMEM;
    s->exporters = list;
    e = &list[s->exporter_count++];
    *e = (struct section_exporter){.at = entry->key->at};
    e->exporter.kind = exporter_kind_find(component_type(&id));
    strcpy(e->exporter.id, id.text);
    const struct read_part parts[] = {
        {&e->exporter.kind->options, &e->exporter.options},
        {config_delivery_options(), &e->exporter.delivery},
    };
    for (size_t i = 0; i < 2; i++)
        options_default(parts[i].set->rows, parts[i].set->count, parts[i].target);
    rc = read_parts(r, entry->value, parts, 2);
    if (rc == 0)
        rc = check_exporter(r, entry, &e->exporter);
    return rc < 0 ? rc : delivery_settle(r, entry->value, e->exporter.kind->lossy, &e->exporter.delivery);
}

int sections_exporters(struct reader *r, struct sections *s)
{
    const struct yaml_node *section;
    int rc = sections_open(r, s, "exporters", &section);
    size_t before = r->trail.len;
    for (size_t i = 0; rc == 0 && i < section->count; i++) {
        rc = read_exporter(r, s, &section->entries[i]);
        trail_cut(&r->trail, before);
    }
    trail_cut(&r->trail, 0);
    return rc == 0 && section->count == 0 ? missing(r, s, "exporters", "exporter") : rc;
}

/* ---- what options demand of each other ---- */

static struct place place_of_option(const struct yaml_node *root, const char *map, const char *key)
{
    const struct yaml_node *node = yaml_find(sections_find(sections_find(root, "masques"), map), key);
    return node ? node->at : (struct place){0, 0};
}

/* Is that option of ours in the file, with something behind it? */
static bool is_written(const struct yaml_node *root, const char *map, const char *key)
{
    return sections_find(sections_find(sections_find(root, "masques"), map), key)->kind != YAML_NULL;
}

static int ledger_too_small(struct reader *r, struct place at, const char *path, uint64_t least)
{
    struct buf text = buf_make(64);
    size_print(least, &text);
    int rc = report_error(r->report, at, path,
                          "must be at least twice the largest request that the receiver "
                          "takes: %.*s",
                          (int)text.len, (const char *)text.data);
    buf_free(&text);
    return rc;
}

static int ledger_agrees(struct reader *r, struct sections *s)
{
    struct config_limits *limits = &s->config->masques.limits;
    const struct config_otlp *otlp = &s->config->otlp;
    uint64_t largest = otlp->grpc.enabled ? otlp->grpc.max_message_bytes : 0;
    if (otlp->http.enabled && otlp->http.max_body_bytes > largest)
        largest = otlp->http.max_body_bytes;
    uint64_t least = 2 * largest > 2 * SIZE_MIB ? 2 * largest : 2 * SIZE_MIB;
    if (is_written(s->root, "limits", "ledger"))
        return limits->ledger_bytes >= 2 * largest
                   ? 0
                   : ledger_too_small(r, place_of_option(s->root, "limits", "ledger"),
                                      "masques::limits::ledger", 2 * largest);
    if (limits->ledger_bytes < least)
        limits->ledger_bytes = least;
    if (s->memory_limit_bytes == 0 || s->memory_limit_bytes >= limits->ledger_bytes)
        return 0;
    limits->ledger_bytes = s->memory_limit_bytes;
    return s->memory_limit_bytes >= least
               ? 0
               : ledger_too_small(r, s->memory_limit_at, "processors::memory_limiter::limit_mib",
                                  least);
}

static int paths_agree(struct reader *r, struct sections *s)
{
    static const char *const keys[] = {"logs_url_path", "metrics_url_path", "traces_url_path"};
    const struct config_http *http = &s->config->otlp.http;
    if (strcmp(http->logs_path, http->metrics_path) != 0 &&
        strcmp(http->logs_path, http->traces_path) != 0 &&
        strcmp(http->metrics_path, http->traces_path) != 0)
        return 0;
    /* The defaults differ: at least one of them is written in the file's one receiver. */
    const struct yaml_node *receiver = sections_find(s->root, "receivers")->entries[0].value;
    const struct yaml_node *map = sections_find(sections_find(receiver, "protocols"), "http");
    struct place at = {0, 0};
    for (size_t i = 0; !at.line && i < sizeof keys / sizeof keys[0]; i++)
        at = sections_find(map, keys[i])->at;
    return report_error(r->report, at, "receivers::otlp::protocols::http",
                        "logs_url_path, metrics_url_path and traces_url_path must differ");
}

static int store_agrees(struct reader *r, struct sections *s)
{
    struct config_store *store = &s->config->masques.store;
    if (store->directory[0] && !is_written(s->root, "store", "max_bytes"))
        store->max_bytes = CONFIG_STORE_DISK_BYTES;
    if (store->segment_bytes <= store->max_bytes / 4)
        return 0;
    struct place at = place_of_option(s->root, "store", "segment_bytes");
    if (!at.line)
        at = place_of_option(s->root, "store", "max_bytes");
    return report_error(r->report, at, "masques::store",
                        "segment_bytes must be at most a quarter of max_bytes");
}

int sections_agree(struct reader *r, struct sections *s)
{
    int rc = store_agrees(r, s);
    if (rc == 0)
        rc = ledger_agrees(r, s);
    return rc < 0 ? rc : paths_agree(r, s);
}

void sections_free(struct sections *s)
{
    free(s->exporters);
    free(s->extensions);
    free(s->processors);
    s->exporters = NULL;
    s->processors = NULL;
    s->extensions = NULL;
}
