// SPDX-License-Identifier: Apache-2.0
#include "shared/config/yaml.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/utf8.h"

#define ANCHORS_MAX 256u

struct anchor {
    char *name;
    struct yaml_node *node;
};

/* A map or list that is still being filled. */
struct frame {
    struct yaml_node *node;
    struct yaml_node *key;   /* of a map: waits for its value */
    struct yaml_node *merge; /* of a map: the value of its "<<" */
};

struct builder {
    struct yaml_doc *doc;
    struct report *report;     /* NULL: nobody wants to hear what is wrong */
    const struct place *fixed; /* where everything stands, or NULL: where the parser says */
    struct yaml_node *root;
    struct frame frames[YAML_DEPTH_MAX];
    size_t depth;
    struct anchor anchors[ANCHORS_MAX];
    size_t anchor_count;
    unsigned documents;
};

#define refuse(b, at, ...)                                                                          \
    ((b)->report ? report_error((b)->report, (at), NULL, __VA_ARGS__) : GW_ERR_MALFORMED)

/* ---- nodes ---- */

static struct yaml_node *node_new(struct yaml_doc *doc, enum yaml_kind kind, struct place at)
{
    struct yaml_node *node = calloc(1, sizeof *node);
    if (!node)
        return NULL;
    node->kind = kind;
    node->at = at;
    if (doc->last)
        doc->last->next = node;
    else
        doc->first = node;
    doc->last = node;
    doc->nodes++;
    return node;
}

static int copy_text(struct slice *into, struct slice text)
{
    uint8_t *copy = malloc(text.len + 1);
    if (!copy)
        return GW_ERR_NOMEM;
    if (text.len)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    free((void *)into->data);
    *into = slice_make(copy, text.len);
    return 0;
}

int yaml_set_text(struct yaml_node *node, struct slice text, bool plain)
{
    int rc = copy_text(&node->text, text);
    if (rc < 0)
        return rc;
    node->kind = YAML_SCALAR;
    node->plain = plain;
    return 0;
}

int yaml_set_written(struct yaml_node *node, struct slice text)
{
    return copy_text(&node->written, text);
}

static int add_entry(struct yaml_node *to, struct yaml_node *key, struct yaml_node *value)
{
    /* Room doubles at 0, 1, 2, 4, 8, … entries. */
    if ((to->count & (to->count - 1)) == 0) {
        size_t room = to->count ? to->count * 2 : 1;
        struct yaml_entry *entries = realloc(to->entries, room * sizeof *entries);
        if (!entries)
            return GW_ERR_NOMEM;
        to->entries = entries;
    }
    to->entries[to->count++] = (struct yaml_entry){key, value};
    return 0;
}

static const struct yaml_entry *entry_of(const struct yaml_node *map, struct slice key)
{
    for (size_t i = 0; map && map->kind == YAML_MAP && i < map->count; i++)
        if (slice_eq(map->entries[i].key->text, key))
            return &map->entries[i];
    return NULL;
}

const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key)
{
    const struct yaml_entry *entry = entry_of(map, slice_of(key));
    return entry ? entry->value : NULL;
}

void yaml_free(struct yaml_doc *doc)
{
    while (doc->first) {
        struct yaml_node *node = doc->first;
        doc->first = node->next;
        free((void *)node->text.data);
        free((void *)node->written.data);
        free(node->entries);
        free(node);
    }
    *doc = (struct yaml_doc){0};
}

/* ---- events to nodes ---- */

static bool is_quoted(struct fy_token *token)
{
    enum fy_scalar_style style = fy_token_scalar_style(token);
    return style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
}

static struct place place_of(const struct builder *b, struct fy_event *event)
{
    if (b->fixed)
        return *b->fixed;
    const struct fy_mark *mark = fy_event_start_mark(event);
    if (!mark)
        return (struct place){1, 1};
    /* The mark of a quoted scalar is behind its quote. */
    bool quoted = event->type == FYET_SCALAR && mark->column > 0 && is_quoted(event->scalar.value);
    return (struct place){(uint32_t)mark->line + 1, (uint32_t)mark->column + (quoted ? 0 : 1)};
}

static struct slice text_of(struct fy_token *token)
{
    size_t len = 0;
    const char *text = token ? fy_token_get_text(token, &len) : NULL;
    return slice_make(text, text ? len : 0);
}

static bool is_merge_key(const struct yaml_node *key)
{
    return key->plain && slice_is(key->text, "<<");
}

/* Hangs a finished or just opened node into what is being filled: as a key, a value, an item, or
 * the root. */
static int attach(struct builder *b, struct yaml_node *node, struct place at)
{
    if (b->depth == 0) {
        b->root = node;
        return 0;
    }
    struct frame *top = &b->frames[b->depth - 1];
    if (top->node->kind == YAML_LIST)
        return add_entry(top->node, NULL, node);
    if (top->key) {
        struct yaml_node *key = top->key;
        top->key = NULL;
        if (!is_merge_key(key))
            return add_entry(top->node, key, node);
        top->merge = node;
        return 0;
    }
    if (node->kind != YAML_SCALAR)
        return refuse(b, at, "a key must be a text");
    const struct yaml_entry *same = entry_of(top->node, node->text);
    if (same)
        return refuse(b, at, "key %s is given twice, first in line %u",
                      report_quote(node->text).text, same->key->at.line);
    if (is_merge_key(node) && top->merge)
        return refuse(b, at, "key \"<<\" is given twice");
    node->is_key = true;
    top->key = node;
    return 0;
}

static int note_anchor(struct builder *b, struct fy_token *token, struct yaml_node *node)
{
    if (!token)
        return 0;
    struct slice name = text_of(token);
    if (b->anchor_count == ANCHORS_MAX)
        return refuse(b, node->at, "more than %u anchors", ANCHORS_MAX);
    char *copy = strndup((const char *)name.data, name.len);
    if (!copy)
        return GW_ERR_NOMEM;
    b->anchors[b->anchor_count++] = (struct anchor){copy, node};
    return 0;
}

static int on_alias(struct builder *b, struct fy_event *event)
{
    struct place at = place_of(b, event);
    struct slice name = text_of(event->alias.anchor);
    for (size_t i = b->anchor_count; i-- > 0;) {
        struct yaml_node *node = b->anchors[i].node;
        if (!slice_is(name, b->anchors[i].name))
            continue;
        for (size_t k = 0; k < b->depth; k++)
            if (b->frames[k].node == node)
                return refuse(b, at, "anchor %s contains itself", report_quote(name).text);
        struct frame *top = b->depth ? &b->frames[b->depth - 1] : NULL;
        if (top && top->node->kind == YAML_MAP && !top->key)
            return refuse(b, at, "an alias cannot be a key");
        return attach(b, node, at);
    }
    return refuse(b, at, "unknown anchor %s", report_quote(name).text);
}

static bool is_null(struct slice text)
{
    static const char *const names[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (slice_is(text, names[i]))
            return true;
    return false;
}

/* Makes the node of a scalar or an opening map or list. */
static int make_node(struct builder *b, struct fy_event *event, enum yaml_kind kind,
                     struct fy_token *tag, struct fy_token *anchor, struct yaml_node **made)
{
    struct place at = place_of(b, event);
    if (tag)
        return refuse(b, at, "tags such as %s are not supported", report_quote(text_of(tag)).text);
    if (b->doc->nodes >= YAML_NODES_MAX)
        return refuse(b, at, "more than %u values in one file", YAML_NODES_MAX);
    *made = node_new(b->doc, kind, at);
    return *made ? note_anchor(b, anchor, *made) : GW_ERR_NOMEM;
}

static int on_scalar(struct builder *b, struct fy_event *event)
{
    struct yaml_node *node;
    struct slice text = text_of(event->scalar.value);
    bool plain = fy_token_scalar_style(event->scalar.value) == FYSS_PLAIN;
    int rc = make_node(b, event, YAML_NULL, event->scalar.tag, event->scalar.anchor, &node);
    if (rc < 0)
        return rc;
    if (!plain || !is_null(text))
        rc = yaml_set_text(node, text, plain);
    return rc < 0 ? rc : attach(b, node, node->at);
}

static int on_open(struct builder *b, struct fy_event *event)
{
    struct yaml_node *node;
    bool map = event->type == FYET_MAPPING_START;
    if (b->depth == YAML_DEPTH_MAX)
        return refuse(b, place_of(b, event), "nested deeper than %u levels", YAML_DEPTH_MAX);
    int rc = make_node(b, event, map ? YAML_MAP : YAML_LIST,
                       map ? event->mapping_start.tag : event->sequence_start.tag,
                       map ? event->mapping_start.anchor : event->sequence_start.anchor, &node);
    if (rc == 0)
        rc = attach(b, node, node->at);
    if (rc == 0)
        b->frames[b->depth++] = (struct frame){.node = node};
    return rc;
}

/* Takes over the entries of `from` that the map does not have itself. */
static int merge_map(struct builder *b, struct yaml_node *map, const struct yaml_node *from,
                     struct place at)
{
    if (from->kind != YAML_MAP)
        return refuse(b, at, "\"<<\" needs a map or a list of maps");
    for (size_t i = 0; i < from->count; i++) {
        if (entry_of(map, from->entries[i].key->text))
            continue;
        /* Taken entries count as nodes: maps that merge maps could grow without end otherwise. */
        if (++b->doc->nodes > YAML_NODES_MAX)
            return refuse(b, at, "more than %u values in one file", YAML_NODES_MAX);
        int rc = add_entry(map, from->entries[i].key, from->entries[i].value);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A map is complete: carries out its "<<" (https://yaml.org/type/merge.html). Its own keys win,
 * then the first map of a list. */
static int merge(struct builder *b, struct yaml_node *map, const struct yaml_node *from)
{
    if (from->kind != YAML_LIST)
        return merge_map(b, map, from, map->at);
    for (size_t i = 0; i < from->count; i++) {
        int rc = merge_map(b, map, from->entries[i].value, map->at);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int on_close(struct builder *b)
{
    struct frame done = b->frames[--b->depth];
    return done.merge ? merge(b, done.node, done.merge) : 0;
}

static int on_event(struct builder *b, struct fy_event *event)
{
    switch (event->type) {
    case FYET_DOCUMENT_START:
        if (b->documents++)
            return refuse(b, place_of(b, event), "a second document; one file is one document");
        return 0;
    case FYET_ALIAS:
        return on_alias(b, event);
    case FYET_SCALAR:
        return on_scalar(b, event);
    case FYET_MAPPING_START:
    case FYET_SEQUENCE_START:
        return on_open(b, event);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        return on_close(b);
    default:
        return 0;
    }
}

/* ---- the parser ---- */

/* libfyaml would print what it finds wrong; we collect it. */
static void swallow(struct fy_diag *diag, void *user, const char *text, size_t len)
{
    (void)diag, (void)user, (void)text, (void)len;
}

static struct fy_diag *diag_new(void)
{
    struct fy_diag_cfg cfg;
    fy_diag_cfg_default(&cfg);
    cfg.fp = NULL;
    cfg.output_fn = swallow;
    cfg.level = FYET_ERROR;
    struct fy_diag *diag = fy_diag_create(&cfg);
    if (diag)
        fy_diag_set_collect_errors(diag, true);
    return diag;
}

/* The parser's own first complaint. */
static int syntax_error(struct builder *b, struct fy_diag *diag)
{
    void *iterator = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &iterator);
    if (!error)
        return refuse(b, ((struct place){0, 0}), "this is no YAML");
    struct place at = {(uint32_t)(error->line > 0 ? error->line : 1),
                       (uint32_t)(error->column > 0 ? error->column : 1)};
    return refuse(b, at, "this is no YAML: %s", error->msg);
}

static int run(struct builder *b, struct fy_parser *parser, struct fy_diag *diag)
{
    struct fy_event *event;
    int rc = 0;
    while (rc == 0 && (event = fy_parser_parse(parser))) {
        rc = on_event(b, event);
        fy_parser_event_free(parser, event);
    }
    if (rc == 0 && fy_parser_get_stream_error(parser))
        rc = syntax_error(b, diag);
    return rc;
}

static int build(struct builder *b, struct slice text)
{
    int rc = GW_ERR_NOMEM;
    struct fy_diag *diag = diag_new();
    if (!diag)
        return GW_ERR_NOMEM;
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2, .diag = diag};
    struct fy_parser *parser = fy_parser_create(&cfg);
    if (!parser)
        goto fail_diag;
    if (fy_parser_set_string(parser, text.len ? (const char *)text.data : "", text.len) < 0)
        goto fail_parser;
    rc = run(b, parser, diag);
fail_parser:
    fy_parser_destroy(parser);
fail_diag:
    fy_diag_destroy(diag);
    for (size_t i = 0; i < b->anchor_count; i++)
        free(b->anchors[i].name);
    return rc;
}

/* The place of a byte, counted as the parser counts: lines, and characters of a line. */
static struct place place_at(struct slice text, size_t offset)
{
    struct place at = {1, 1};
    for (size_t i = 0; i < offset; i++) {
        if (text.data[i] == '\n')
            at = (struct place){at.line + 1, 1};
        else if ((text.data[i] & 0xc0) != 0x80)
            at.column++;
    }
    return at;
}

int yaml_read(struct yaml_doc *doc, struct slice text, struct report *report)
{
    struct builder b = {.doc = doc, .report = report};
    struct slice mark = slice_of("\xef\xbb\xbf"); /* U+FEFF, which some editors put first */
    if (text.len >= mark.len && slice_eq(slice_make(text.data, mark.len), mark))
        text = slice_make(text.data + mark.len, text.len - mark.len);
    if (text.len > YAML_BYTES_MAX)
        return refuse(&b, ((struct place){0, 0}), "the file is larger than 1 MiB");
    size_t valid = utf8_valid_prefix(text);
    const uint8_t *nul = text.len ? memchr(text.data, 0, valid) : NULL;
    if (nul)
        return refuse(&b, place_at(text, (size_t)(nul - text.data)), "a NUL byte");
    if (valid < text.len)
        return refuse(&b, place_at(text, valid), "bytes that are no UTF-8");
    int rc = build(&b, text);
    if (rc < 0)
        return rc;
    doc->root = b.root ? b.root : node_new(doc, YAML_NULL, (struct place){1, 1});
    return doc->root ? 0 : GW_ERR_NOMEM;
}

int yaml_graft(struct yaml_doc *doc, struct yaml_node *node, struct slice text)
{
    struct place at = node->at;
    struct builder b = {.doc = doc, .fixed = &at};
    if (utf8_valid_prefix(text) < text.len || (text.len && memchr(text.data, 0, text.len)))
        return GW_ERR_MALFORMED;
    int rc = build(&b, text);
    if (rc < 0)
        return rc;
    free((void *)node->text.data);
    free(node->entries);
    node->kind = b.root ? b.root->kind : YAML_NULL;
    node->plain = b.root && b.root->plain;
    node->text = b.root ? b.root->text : slice_make(NULL, 0);
    node->entries = b.root ? b.root->entries : NULL;
    node->count = b.root ? b.root->count : 0;
    if (b.root) { /* what it held belongs to `node` now; its empty shell stays in the document */
        b.root->kind = YAML_NULL;
        b.root->text = slice_make(NULL, 0);
        b.root->entries = NULL;
        b.root->count = 0;
    }
    return 0;
}
