// SPDX-License-Identifier: Apache-2.0
#include "shared/config/read.h"

#include <stdio.h>
#include <string.h>

#include "shared/config/pairs.h"

#define LEVELS_MAX 8u     /* keys in the longest path of an option table */
#define KEY_BYTES_MAX 64u /* no option's key is longer */
#define IDLE_VALUE_BYTES 4096u

/* Settings that the collector has where we have options, so that a message can say that it is us
 * who lack it. */
static const char *const collector_keys[] = {
    "admission", "auth", "check_collector_pipeline", "compression_algorithms", "cors", "encoding",
    "development", "disable_caller", "disable_stacktrace", "error_output_paths", "include_metadata",
    "initial_fields", "keep_alives_enabled", "keepalive", "middlewares", "model", "output_paths",
    "partition", "periodic", "read_buffer_size", "resource", "response_body", "response_headers",
    "sampling", "sampling_initial", "sampling_thereafter", "timeout", "tls", "traces",
    "translation_strategy", "transport", "use_internal_logger", "verbosity", "views",
    "with_resource_constant_labels", "write_buffer_size",
};

/* A map that is being read: the options below `path_len` bytes of the path. */
struct level {
    const struct yaml_node *map;
    size_t next;
    size_t path_len;
    size_t trail_len;
};

struct walk {
    struct reader *r;
    const struct read_part *parts;
    size_t count;
    char path[OPTION_PATH_BYTES]; /* of the current key, below the component */
    struct level levels[LEVELS_MAX];
    size_t depth;
};

static const char *kind_name(const struct yaml_node *node)
{
    static const char *const names[] = {"nothing", "a text", "a map", "a list"};
    return names[node->kind];
}

/* ---- keys ---- */

static bool is_collector_key(const struct option_set *set, struct slice key)
{
    for (size_t i = 0; i < sizeof collector_keys / sizeof collector_keys[0]; i++)
        if (slice_is(key, collector_keys[i]))
            return strcmp(set->where, "masques") != 0;
    return false;
}

static int unknown_key(struct reader *r, const struct yaml_node *key, const struct names *known,
                       bool of_collector)
{
    struct buf text = buf_make(768);
    names_print(known, key->text, &text);
    size_t before = trail_push(&r->trail, key->text);
    int rc = read_error(r, key, "%s; %.*s",
                        of_collector
                            ? "masques-collector does not have this setting of the collector"
                            : "unknown key",
                        (int)text.len, (const char *)text.data);
    trail_cut(&r->trail, before);
    buf_free(&text);
    return rc;
}

int read_only_keys(struct reader *r, const struct yaml_node *map, const struct names *known)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct yaml_node *key = map->entries[i].key;
        size_t k = 0;
        while (k < known->count && !slice_eq(known->items[k], key->text))
            k++;
        if (k == known->count)
            return unknown_key(r, key, known, false);
    }
    return 0;
}

/* The part of a row's path that follows the first `len` bytes of `path` and a "::", or NULL. */
static const char *below(const char *row, const char *path, size_t len)
{
    if (strncmp(row, path, len) != 0)
        return NULL;
    if (len == 0)
        return row;
    return strncmp(row + len, "::", 2) == 0 ? row + len + 2 : NULL;
}

static void add_below(struct names *names, const char *rest)
{
    const char *end = rest ? strstr(rest, "::") : NULL;
    if (rest)
        names_add(names, slice_make(rest, end ? (size_t)(end - rest) : strlen(rest)));
}

/* The keys that the table has below the first `len` bytes of the path. */
static struct names keys_below(const struct walk *w, size_t len)
{
    struct names names = {.count = 0};
    for (size_t p = 0; p < w->count; p++)
        for (size_t i = 0; i < w->parts[p].set->count; i++)
            add_below(&names, below(w->parts[p].set->rows[i].path, w->path, len));
    if (w->r->aside)
        add_below(&names, below(w->r->aside, w->path, len));
    return names;
}

/* The row of the first `len` bytes of the path and, in `target`, the struct that it belongs to; or
 * NULL. */
static const struct option *row_at(const struct walk *w, size_t len, void **target)
{
    const struct option *row = NULL;
    for (size_t p = 0; !row && p < w->count; p++) {
        const struct option_set *set = w->parts[p].set;
        row = options_find(set->rows, set->count, slice_make(w->path, len));
        *target = w->parts[p].target;
    }
    return row;
}

/* ---- values ---- */

static int wrong_value(struct reader *r, const struct yaml_node *node, const struct option *row)
{
    struct buf text = buf_make(512);
    if (node->kind != YAML_SCALAR)
        buf_text(&text, kind_name(node));
    else if (!row->secret && !row->unquoted && !node->plain)
        buf_text(&text, "the text ");
    if (node->kind == YAML_SCALAR)
        option_quote(row, node->text, &text);
    buf_text(&text, ", expected ");
    option_expected(row, &text);
    int rc = read_error(r, node, "got %.*s", (int)text.len, (const char *)text.data);
    buf_free(&text);
    return rc;
}

static bool is_texty(enum option_type type)
{
    return type == OPTION_TEXT || type == OPTION_URL_PATH || type == OPTION_ENDPOINT;
}

/* Quotes make a text of these, which they cannot be. */
static bool is_typed(enum option_type type)
{
    return type == OPTION_NUMBER || type == OPTION_COUNT || type == OPTION_FACTOR ||
           type == OPTION_MIB || type == OPTION_BOOL;
}

/* The collector's option that we take and have no use for: said where it asks for something. */
static int warn_idle(struct reader *r, const struct option *row, const struct yaml_node *node,
                     const void *target)
{
    struct buf text = buf_make(IDLE_VALUE_BYTES);
    option_print(row, target, &text);
    bool is_default = buf_ok(&text) && slice_is(buf_slice(&text), row->initial);
    buf_free(&text);
    return is_default ? 0
                      : report_warning(r->report, node->at, r->trail.text, "has no effect: %s",
                                       row->idle);
}

/* A map of names and values becomes the text that its option keeps. */
static int read_pairs(struct reader *r, const struct option *row, const struct yaml_node *map, void *target)
{
    struct buf pairs = buf_make(row->max);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < map->count; i++) {
        const struct yaml_entry *entry = &map->entries[i];
        const struct yaml_node *value = entry->value;
        struct slice text = value->written.data ? value->written : value->text;
        size_t before = trail_push(&r->trail, entry->key->text);
        if (!pairs_is_name(entry->key->text))
            rc = read_error(r, entry->key, "no valid name; it has letters, digits, \"_\" and \".\"");
        else if (value->kind != YAML_SCALAR && !value->written.data)
            rc = read_error(r, value, "got %s, expected a text", kind_name(value));
        else if (!pairs_is_value(text))
            rc = read_error(r, value, "the value has control characters");
        trail_cut(&r->trail, before);
        pairs_add(&pairs, entry->key->text, text);
    }
    if (rc == 0 && !buf_ok(&pairs))
        rc = read_error(r, map, "all names and values together are too long");
    if (rc == 0 && option_read(row, buf_slice(&pairs), target) < 0)
        rc = wrong_value(r, map, row);
    buf_free(&pairs);
    return rc;
}

static int read_value(struct reader *r, const struct option *row, const struct yaml_node *node,
                      void *target)
{
    struct slice text = node->text;
    if (node->kind == YAML_NULL)
        return 0;
    if (row->type == OPTION_NO_LIST)
        return node->kind == YAML_LIST && node->count == 0 ? 0 : wrong_value(r, node, row);
    if (row->type == OPTION_PAIRS && node->kind == YAML_MAP)
        return read_pairs(r, row, node, target);
    if (row->type == OPTION_PAIRS)
        return wrong_value(r, node, row);
    /* A text takes what the environment says as it stands; YAML has no part in it. */
    if (is_texty(row->type) && node->written.data)
        text = node->written;
    else if (node->kind != YAML_SCALAR)
        return wrong_value(r, node, row);
    if ((is_typed(row->type) && !node->plain) || option_read(row, text, target) < 0)
        return wrong_value(r, node, row);
    return row->idle ? warn_idle(r, row, node, target) : 0;
}

/* ---- maps ---- */

int read_is_map(struct reader *r, const struct yaml_node *node)
{
    if (node->kind == YAML_MAP || node->kind == YAML_NULL)
        return 0;
    return read_error(r, node, "got %s, expected a map of keys and values", kind_name(node));
}

int read_is_list(struct reader *r, const struct yaml_node *node)
{
    if (node->kind != YAML_LIST && node->kind != YAML_NULL)
        return read_error(r, node, "got %s, expected a list", kind_name(node));
    for (size_t i = 0; i < node->count; i++)
        if (node->entries[i].value->kind != YAML_SCALAR)
            return read_error(r, node->entries[i].value, "got %s, expected a name",
                              kind_name(node->entries[i].value));
    return 0;
}

static int enter(struct walk *w, const struct yaml_node *map, size_t path_len, size_t trail_len)
{
    int rc = read_is_map(w->r, map);
    if (rc == 0)
        w->levels[w->depth++] = (struct level){map, 0, path_len, trail_len};
    return rc;
}

/* Can it be one key of a path? Nothing would pass for its own map, "::" for two keys, a NUL for the
 * end. */
static bool is_plausible(struct slice key)
{
    return key.len > 0 && key.len < KEY_BYTES_MAX && !memchr(key.data, '\0', key.len) &&
           !memmem(key.data, key.len, "::", 2);
}

/* One key of the innermost map: an option, a map of options, or an error. */
static int read_key(struct walk *w, const struct yaml_entry *entry)
{
    struct level *level = &w->levels[w->depth - 1];
    struct slice key = entry->key->text;
    int n = snprintf(w->path + level->path_len, sizeof w->path - level->path_len, "%s%.*s",
                     level->path_len ? "::" : "", (int)(key.len < KEY_BYTES_MAX ? key.len : 0),
                     (const char *)key.data);
    size_t len = level->path_len + (size_t)(n > 0 ? n : 0);
    struct names inside = {.count = 0};
    const struct option *row = NULL;
    void *target = NULL;
    if (is_plausible(key) && len < sizeof w->path) {
        if (w->r->aside && strcmp(w->path, w->r->aside) == 0)
            return 0;
        row = row_at(w, len, &target);
        inside = keys_below(w, len);
    }
    if (!row && inside.count == 0) {
        struct names known = keys_below(w, level->path_len);
        return unknown_key(w->r, entry->key, &known, is_collector_key(w->parts[0].set, key));
    }
    size_t before = trail_push(&w->r->trail, key);
    if (row && row->type == OPTION_PRESENCE) {
        int present = option_read(row, slice_of("true"), target);
        return present < 0 ? present : enter(w, entry->value, len, before);
    }
    if (!row)
        return enter(w, entry->value, len, before);
    int rc = read_value(w->r, row, entry->value, target);
    trail_cut(&w->r->trail, before);
    return rc;
}

int read_parts(struct reader *r, const struct yaml_node *map, const struct read_part *parts,
               size_t count)
{
    struct walk w = {.r = r, .parts = parts, .count = count};
    size_t before = r->trail.len;
    int rc = enter(&w, map, 0, before);
    while (rc == 0 && w.depth > 0) {
        struct level *level = &w.levels[w.depth - 1];
        if (level->next < level->map->count) {
            rc = read_key(&w, &level->map->entries[level->next++]);
            continue;
        }
        trail_cut(&r->trail, level->trail_len);
        w.depth--;
    }
    trail_cut(&r->trail, before);
    return rc;
}

int read_options(struct reader *r, const struct yaml_node *map, const struct option_set *set,
                 void *target)
{
    const struct read_part part = {set, target};
    return read_parts(r, map, &part, 1);
}
