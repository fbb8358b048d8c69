// SPDX-License-Identifier: Apache-2.0
/* The section `extensions`: the health check, and the file storage that stands for the store. */
#include "shared/config/sections.h"

#include <stdlib.h>
#include <string.h>

/* Octal, of a directory. */
static bool is_permissions(const char *text)
{
    unsigned value = 0;
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '7')
            return false;
        value = value * 8 + (unsigned)(*c - '0');
    }
    return text[0] && value <= 0777;
}

static int read_storage(struct reader *r, const struct yaml_entry *entry,
                        struct config_file_storage *storage)
{
    const struct option_set *set = config_file_storage_options();
    options_default(set->rows, set->count, storage);
    int rc = read_options(r, entry->value, set, storage);
    if (rc < 0)
        return rc;
    if (!is_permissions(storage->directory_permissions))
        return read_error(r, sections_find(entry->value, "directory_permissions"),
                          "directory_permissions must be an octal number such as \"0750\"");
    return 0;
}

static int read_health(struct reader *r, const struct yaml_entry *entry,
                       struct config_health *health)
{
    const struct option_set *set = config_health_options();
    options_default(set->rows, set->count, health);
    return read_options(r, entry->value, set, health);
}

static int add_extension(struct reader *r, struct sections *s, const struct yaml_entry *entry,
                         const char *id, struct section_extension **out)
{
    for (size_t i = 0; i < s->extension_count; i++)
        if (strcmp(s->extensions[i].health.id, id) == 0)
            return read_error(r, entry->key, "the id \"%s\" is given twice", id);
    if (s->extension_count == SECTIONS_EXTENSIONS_MAX)
        return read_error(r, entry->key, "more than %u extensions", SECTIONS_EXTENSIONS_MAX);
    struct section_extension *list =
        realloc(s->extensions, (s->extension_count + 1) * sizeof *list);
    if (!list)
        return GW_ERR_NOMEM;
    s->extensions = list;
    *out = &list[s->extension_count++];
    memset(*out, 0, sizeof **out);
    (*out)->at = entry->key->at;
    strcpy((*out)->health.id, id);
    strcpy((*out)->storage.id, id);
    return 0;
}

static int read_extension(struct reader *r, struct sections *s, const struct yaml_entry *entry)
{
    struct component_id id;
    struct section_extension *x = NULL;
    int rc = sections_component(r, COMPONENT_EXTENSION, entry, &id);
    if (rc == 0)
        rc = add_extension(r, s, entry, id.text, &x);
    if (rc < 0)
        return rc;
    x->is_storage = slice_is(component_type(&id), "file_storage");
    return x->is_storage ? read_storage(r, entry, &x->storage) : read_health(r, entry, &x->health);
}

int sections_extensions(struct reader *r, struct sections *s)
{
    const struct yaml_node *section;
    int rc = sections_open(r, s, "extensions", &section);
    size_t before = r->trail.len;
    for (size_t i = 0; rc == 0 && i < section->count; i++) {
        rc = read_extension(r, s, &section->entries[i]);
        trail_cut(&r->trail, before);
    }
    trail_cut(&r->trail, 0);
    return rc;
}

/* ---- what storage is used ---- */

static struct section_extension *find_storage(struct sections *s, const char *id)
{
    for (size_t i = 0; i < s->extension_count; i++)
        if (s->extensions[i].is_storage && strcmp(s->extensions[i].storage.id, id) == 0)
            return &s->extensions[i];
    return NULL;
}

/* The place where an exporter of the file names its storage. */
static const struct yaml_node *storage_node(const struct sections *s, const char *exporter)
{
    const struct yaml_node *section = sections_find(s->root, "exporters");
    for (size_t i = 0; i < section->count; i++) {
        struct component_id id;
        if (component_id_parse(section->entries[i].key->text, &id) == 0 &&
            strcmp(id.text, exporter) == 0)
            return sections_find(sections_find(section->entries[i].value, "sending_queue"),
                                 "storage");
    }
    return section;
}

/* The storage that a used exporter names becomes the storage of the configuration. */
static int take_storage(struct reader *r, struct sections *s, struct config_exporter *e)
{
    struct component_id id;
    const struct yaml_node *node = storage_node(s, e->id);
    struct config_file_storage *taken = &s->config->file_storage;
    if (component_id_parse(slice_of(e->delivery.storage), &id) < 0)
        return read_error(r, node, "%s is no valid extension id; it is TYPE or TYPE/NAME",
                          report_quote(slice_of(e->delivery.storage)).text);
    const struct section_extension *x = find_storage(s, id.text);
    if (!x)
        return read_error(r, node, "references extension \"%s\" which is not configured as a "
                                   "file_storage", id.text);
    if (!x->listed)
        return read_error(r, node, "references extension \"%s\" which service::extensions does "
                                   "not list", id.text);
    if (taken->enabled && strcmp(taken->id, id.text) != 0)
        return read_error(r, node, "the gateway has one store for all exporters, and it lies in "
                                   "\"%s\" already", taken->id);
    *taken = x->storage;
    taken->enabled = true;
    memset(e->delivery.storage, 0, sizeof e->delivery.storage);
    strcpy(e->delivery.storage, id.text); /* without spaces around its "/" */
    return 0;
}

/* What the storage says is true of the store, unless `masques::store` says it itself. */
static int apply_storage(struct reader *r, struct sections *s)
{
    const struct config_file_storage *storage = &s->config->file_storage;
    struct config_store *store = &s->config->masques.store;
    const struct yaml_node *ours = sections_find(sections_find(s->root, "masques"), "store");
    if (!storage->enabled)
        return 0;
    if (store->directory[0] && strcmp(store->directory, storage->directory) != 0)
        return report_error(r->report, sections_find(ours, "directory")->at,
                            "masques::store::directory",
                            "the gateway has one store for all exporters; extensions::%s says "
                            "that it lies in %s",
                            storage->id, report_quote(slice_of(storage->directory)).text);
    strcpy(store->directory, storage->directory);
    store->create_parents = storage->create_directory;
    if (store->create_parents)
        store->parent_mode = (uint32_t)strtoul(storage->directory_permissions, NULL, 8);
    if (sections_find(ours, "fsync")->kind == YAML_NULL)
        store->fsync = storage->fsync ? CONFIG_FSYNC_ALWAYS : CONFIG_FSYNC_INTERVAL;
    return 0;
}

static int warn_unused(struct reader *r, const struct sections *s)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->extension_count; i++) {
        const struct section_extension *x = &s->extensions[i];
        struct trail trail = {.len = 0};
        if (!x->is_storage || !x->listed || strcmp(x->storage.id, s->config->file_storage.id) == 0)
            continue;
        trail_push(&trail, slice_of("extensions"));
        trail_push(&trail, slice_of(x->storage.id));
        rc = report_warning(r->report, x->at, trail.text,
                            "no exporter's sending_queue::storage names it; it has no effect");
    }
    return rc;
}

int sections_storage(struct reader *r, struct sections *s)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->config->exporter_count; i++) {
        struct config_exporter *e = &s->config->exporters[i];
        if (!e->delivery.storage[0])
            continue;
        trail_push(&r->trail, slice_of("exporters"));
        trail_push(&r->trail, slice_of(e->id));
        trail_push(&r->trail, slice_of("sending_queue::storage"));
        rc = take_storage(r, s, e);
        trail_cut(&r->trail, 0);
    }
    if (rc == 0)
        rc = apply_storage(r, s);
    return rc < 0 ? rc : warn_unused(r, s);
}
